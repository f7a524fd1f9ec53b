"""Tiers, budgets, policies, challenges and qualification part by part, for two revisions side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import challenge_words, offer_words, tier_words, words
from rewards.admin.ladder_forms import COMBINATIONS, DOWNGRADES, VALIDITIES
from rewards.admin.program_forms import EXHAUSTED, PERIODS
from rewards.admin.tier_words import METRIC_LABELS
from rewards.domain.budgets import Budget
from rewards.domain.challenges.definition import Challenge, ChallengeReward, Milestone, RewardKind
from rewards.domain.policies import MemberCap, VelocityLimit
from rewards.domain.programs import Revision
from rewards.domain.rules import Cap
from rewards.domain.tiers import Tier
from rewards.models import VelocityKind
from tenants.admin import formats

Text: TypeAlias = str | Promise
# What a part is called and what a revision says of it; empty is nothing.
Parts: TypeAlias = Mapping[Text, str]
_NAME: Final = gettext_lazy("Name")


def _listed(texts: Iterable[str]) -> str:
    return "; ".join(texts)


def _switch(is_on: bool) -> str:
    return _("yes") if is_on else _("no")


def _number(value: int | None) -> str:
    return "" if value is None else formats.number(value)


def tier_parts(tier: Tier, revision: Revision, currency: str) -> Parts:
    perks = tier.perks
    prices = (
        _("%(reward)s for %(points)s points") % {"reward": key, "points": formats.number(points)}
        for key, points in sorted(perks.prices.items())
    )
    return {
        _NAME: tier.name,
        gettext_lazy("Needs"): tier_words.needs_in_words(revision, currency)[tier.key],
        gettext_lazy("Free shipping"): _switch(perks.has_free_shipping),
        gettext_lazy("Entitlements"): _listed(perks.entitlements),
        gettext_lazy("Exclusive rewards"): _listed(sorted(perks.rewards)),
        gettext_lazy("Price list"): perks.price_list,
        gettext_lazy("Own prices of rewards"): _listed(prices),
        gettext_lazy("Costs of its perks"): _listed(
            f"{name.rpartition(':')[2]}: {tier_words.cost_in_words(cost, currency)}"
            for name, cost in sorted(perks.costs.items())
        ),
    }


def budget_parts(budget: Budget, _revision: Revision, currency: str) -> Parts:
    money = "" if budget.money_minor is None else formats.money(budget.money_minor, currency)
    return {
        _NAME: budget.name,
        gettext_lazy("Counts over"): str(dict(PERIODS)[budget.period.value]),
        gettext_lazy("Most points"): _number(budget.points),
        gettext_lazy("Most money"): money,
        gettext_lazy("When it runs out"): str(dict(EXHAUSTED)[budget.when_exhausted.value]),
    }


def challenge_parts(challenge: Challenge, _revision: Revision, currency: str) -> Parts:
    audience, limits = challenge.audience, challenge.limits
    return {
        _NAME: challenge.name,
        gettext_lazy("What members read"): challenge.description,
        gettext_lazy("Goal"): challenge_words.goal_in_words(challenge, currency),
        gettext_lazy("Tasks or steps"): _listed(challenge_words.parts_in_words(challenge, currency)),
        gettext_lazy("When"): challenge_words.when_in_words(challenge),
        gettext_lazy("Gives"): _rewards(challenge.rewards),
        gettext_lazy("Milestones"): _listed(map(_milestone, challenge.milestones)),
        gettext_lazy("Paid from budget"): challenge.budget,
        gettext_lazy("Members ask to take part"): _switch(challenge.needs_opt_in),
        gettext_lazy("Only this segment"): audience.segment,
        gettext_lazy("Only these tiers"): _listed(sorted(audience.tiers)),
        gettext_lazy("On leaving the segment or tiers"): str(
            challenge_words.LEAVING_LABELS[audience.leaving.value]
        ),
        gettext_lazy("Completions of one customer"): _number(limits.per_customer),
        gettext_lazy("Completions of all"): _number(limits.total),
        gettext_lazy("Returns take it back"): _switch(challenge.rolls_back),
    }


def _rewards(rewards: Iterable[ChallengeReward]) -> str:
    return _listed(map(_reward, rewards))


def _reward(reward: ChallengeReward) -> str:
    said = challenge_words.reward_in_words(reward)
    return f"{said} ({reward.key})" if reward.kind is RewardKind.POINTS else said


def _milestone(milestone: Milestone) -> str:
    return f"{formats.number(milestone.at)}: {_rewards(milestone.rewards)}"


def policy_parts(revision: Revision, _currency: str) -> Parts:
    policies = revision.policies
    return {
        gettext_lazy("Late events count for (days)"): _number(policies.backdating_days),
        gettext_lazy("Limits for one member"): _listed(map(_member_cap, policies.member_caps)),
        gettext_lazy("Exchange rates"): _listed(
            f"{currency} {rate:f}" for currency, rate in sorted(policies.exchange_rates.items())
        ),
        gettext_lazy("Velocity limits"): _listed(map(_velocity_limit, policies.velocity_limits)),
    }


def _member_cap(limit: MemberCap) -> str:
    return f"{limit.wallet}: {words.cap(Cap(limit.per, points=limit.points))}"


def _velocity_limit(limit: VelocityLimit) -> str:
    return _("%(kind)s: %(most)s in %(hours)s hours") % {
        "kind": VelocityKind(limit.kind.value).label,
        "most": formats.number(limit.most),
        "hours": formats.number(limit.window_hours),
    }


def qualification_parts(revision: Revision, currency: str) -> Parts:
    qualification = revision.qualification
    criteria = (
        f"{each.key}: {METRIC_LABELS[each.metric.value]} {each.name}".rstrip()
        for each in qualification.criteria
    )
    scores = (
        " + ".join([*(f"{weight} × {name}" for name, weight in each.weights.items()), str(each.bias)])
        for each in qualification.criteria if each.weights or each.bias
    )  # fmt: skip
    return {
        gettext_lazy("Metric"): _listed((*criteria, *scores)),
        gettext_lazy("Of several criteria"): str(dict(COMBINATIONS)[qualification.combination.value]),
        gettext_lazy("Counted over"): tier_words.window_in_words(qualification),
        gettext_lazy("A tier is safe"): str(dict(VALIDITIES)[qualification.validity.value]),
        gettext_lazy("Months"): _number(qualification.valid_months or None),
        gettext_lazy("Days of grace"): _number(qualification.grace_days or None),
        gettext_lazy("Who falls, falls"): str(dict(DOWNGRADES)[qualification.downgrade.value]),
        gettext_lazy("Days of soft landing"): _number(qualification.soft_landing_days or None),
    }


_ITEMS: Final[Mapping[str, Callable[[Any, Revision, str], Parts]]] = {
    "tiers": tier_parts, "budgets": budget_parts, "challenges": challenge_parts,
    "rewards": offer_words.reward_parts, "coupons": offer_words.coupon_parts,
    "coupon_campaigns": offer_words.campaign_parts,
}  # fmt: skip
_WHOLES: Final[Mapping[str, Callable[[Revision, str], Parts]]] = {
    "policies": policy_parts, "qualification": qualification_parts,
    "referral": offer_words.referral_parts,
}  # fmt: skip


def parts_of(section: str, key: str, revision: Revision, currency: str) -> Parts:
    """Return what a revision says of one thing, part by part; nothing where it does not have it."""
    if section in _WHOLES:
        return _WHOLES[section](revision, currency)
    found = next((each for each in getattr(revision, section) if each.key == key), None)
    return {} if found is None else _ITEMS[section](found, revision, currency)


def usual(section: str, currency: str) -> Parts:
    """Return what is said of something of a section about which nothing was said."""
    return offer_words.usual_coupon_parts(currency) if section == "coupons" else {}


def is_told(section: str) -> bool:
    """Whether the section is written part by part here."""
    return section in _ITEMS or section in _WHOLES
