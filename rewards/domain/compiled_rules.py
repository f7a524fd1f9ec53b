"""Rules made ready for the engine: closures, limits and prepared effects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from crm.domain.hidden_values import FreeValue, Hidden
from rewards.domain.amounts import Amount, compile_amount
from rewards.domain.budgets import Period
from rewards.domain.conditions import Condition, FactSource, Op, leaves
from rewards.domain.decisions import RuleOutcome
from rewards.domain.effects import (
    AdvanceChallenge,
    ChangeTier,
    Effect,
    GrantReward,
    IssueCoupon,
    SetTrait,
    TriggerMessage,
)
from rewards.domain.expiry import Expiry
from rewards.domain.facts import Context
from rewards.domain.free_values import of_rule
from rewards.domain.limits import Limits, all_rules, counted_caps, counted_member_caps
from rewards.domain.matching import Failure, LineMatch, Match, compile_lines, compile_tree, failures, together
from rewards.domain.programs import Revision
from rewards.domain.rules import (
    EarningRule,
    FormulaPoints,
    Grant,
    GrantKind,
    MultiplyPoints,
    Trigger,
)

_ITEM_FIELDS: Final = frozenset({"subcategory", "brand", "item"})


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule as functions; ``unmatched`` is the outcome when nobody asks why."""

    rule: EarningRule
    key: str
    wallet: str
    group: str
    stops: bool
    matches: Match
    amount: Amount | None
    chosen: LineMatch | None
    limits: Limits | None
    effects: tuple[Effect, ...]
    grants: tuple[str, ...]
    unmatched: RuleOutcome
    expiry: Expiry | None
    hidden: tuple[str, ...]

    def failed(self, context: Context) -> RuleOutcome:
        """Return the outcome of a rule that does not match, with the reasons."""
        return self.unmatched._replace(failures=tuple(_reasons(self.rule, self.chosen, context)))


def compile_rules(revision: Revision, hidden: Hidden) -> dict[tuple[Trigger, str], tuple[CompiledRule, ...]]:
    """Return the rules that answer to each kind of event, by priority."""
    by_event: dict[tuple[Trigger, str], list[CompiledRule]] = defaultdict(list)
    before: dict[tuple[Trigger, str], list[EarningRule]] = defaultdict(list)
    for rule in revision.rules:
        event = rule.trigger, rule.event
        by_event[event].append(_compiled(rule, revision, before[event], hidden))
        before[event].append(rule)
    return {event: tuple(rules) for event, rules in by_event.items()}


def _compiled(
    rule: EarningRule, revision: Revision, before: Sequence[EarningRule], hidden: Hidden
) -> CompiledRule:
    chosen = compile_lines(rule.lines) if rule.lines else None
    effect = rule.points
    amount = compile_amount(effect, chosen, multiplied_by(rule, before)) if effect else None
    limits = _limits(rule, revision)
    secret = tuple(_field(value) for value in hidden.among(of_rule(rule))) if hidden else ()
    return CompiledRule(
        rule=rule,
        key=rule.key,
        wallet=rule.wallet,
        group=rule.group,
        stops=rule.stops,
        matches=_match(rule, chosen),
        amount=amount,
        chosen=chosen,
        limits=limits or None,
        effects=tuple(effect_of(rule.key, grant) for grant in rule.grants),
        grants=tuple(f"{grant.kind.value}:{grant.key}" for grant in rule.grants),
        unmatched=RuleOutcome(rule.key, is_matched=False, hidden=secret),
        expiry=rule.expiry,
        hidden=secret,
    )


def _field(value: FreeValue) -> str:
    source = FactSource.PROPERTY if value.event else FactSource.ATTRIBUTE
    return Condition(source, value.name, Op.EXISTS).field


def multiplied_by(rule: EarningRule, before: Iterable[EarningRule]) -> list[str]:
    """Return the keys of the rules before ``rule`` whose points it lifts."""
    effect = rule.points
    if not isinstance(effect, MultiplyPoints):
        return []
    return [
        other.key
        for other in before
        if other.wallet == effect.wallet
        and (other.key in effect.rules if effect.rules else not isinstance(other.points, MultiplyPoints))
    ]


def _limits(rule: EarningRule, revision: Revision) -> Limits:
    wallet = next((each for each in revision.wallets if each.key == rule.wallet), None)
    return Limits(
        caps=counted_caps(rule.key, rule.caps),
        member_caps=counted_member_caps(
            [cap for cap in revision.policies.member_caps if cap.wallet == rule.wallet]
        ),
        budget=next((budget for budget in revision.budgets if budget.key == rule.budget), None),
        wallet=wallet,
    )


def _match(rule: EarningRule, chosen: LineMatch | None) -> Match:
    tests: list[Match] = []
    if rule.starts_at is not None or rule.ends_at is not None:
        tests.append(lambda context: _is_scheduled(rule, context))
    if rule.audience:
        audience = rule.audience
        tests.append(lambda context: not audience.isdisjoint(context.state.segments))
    if rule.when is not None:
        tests.append(compile_tree(rule.when))
    if chosen is not None:
        tests.append(lambda context: any(map(chosen, context.event.lines)))
    return together(tests)


def _is_scheduled(rule: EarningRule, context: Context) -> bool:
    at = context.event.at
    return (rule.starts_at is None or rule.starts_at <= at) and (rule.ends_at is None or at < rule.ends_at)


def _reasons(rule: EarningRule, chosen: LineMatch | None, context: Context) -> Iterable[Failure]:
    at = context.event.at.isoformat()
    if rule.starts_at is not None and context.event.at < rule.starts_at:
        yield Failure("schedule.starts_at", "gte", rule.starts_at.isoformat(), at)
    if rule.ends_at is not None and context.event.at >= rule.ends_at:
        yield Failure("schedule.ends_at", "lt", rule.ends_at.isoformat(), at)
    if rule.audience and rule.audience.isdisjoint(context.state.segments):
        yield Failure("audience", "in", tuple(sorted(rule.audience)))
    if rule.when is not None:
        yield from failures(rule.when, context)
    if chosen is not None and not any(chosen(line) for line in context.event.lines):
        yield Failure("lines", "exists")


def effect_of(rule: str, grant: Grant) -> Effect:
    """Return the effect that carries a grant out."""
    if grant.kind is GrantKind.COUPON:
        return IssueCoupon(rule, grant.key)
    if grant.kind is GrantKind.REWARD:
        return GrantReward(rule, grant.key)
    if grant.kind is GrantKind.CHALLENGE:
        return AdvanceChallenge(rule, grant.key, grant.amount)
    if grant.kind is GrantKind.TIER:
        return ChangeTier(rule, grant.key, grant.days)
    if grant.kind is GrantKind.TRAIT:
        return SetTrait(rule, grant.key, grant.value if grant.value is not None else 1.0)
    return TriggerMessage(rule, grant.key)


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be known of a member and an order before the rules can be asked.

    ``advanced_budgets`` pay challenges that rules advance.
    """

    attributes: bool
    traits: frozenset[str]
    segments: frozenset[str]
    birth: bool
    enrolment: bool
    items: bool
    periods_by_rule: Mapping[str, frozenset[Period]]
    budgets: frozenset[str]
    advanced_budgets: frozenset[str]
    grants: bool

    @property
    def reads_members(self) -> bool:
        """Whether anything but orders and tiers must be read of a member."""
        return bool(self.attributes or self.traits or self.segments or self.birth or self.enrolment)

    @property
    def is_serial(self) -> bool:
        """Whether decisions about one member must be made one after the other."""
        return bool(self.periods_by_rule or self.budgets or self.grants)


def needs_of(revision: Revision) -> Needs:
    """Return which facts the rules of a revision read."""
    facts = [leaf for rule in revision.rules for leaf in _facts(rule)]
    sources = {fact.source for fact in facts}
    times = {fact.name for fact in facts if fact.source is FactSource.TIME}
    named = {fact.name for fact in facts if fact.source is FactSource.SEGMENT}
    return Needs(
        attributes=FactSource.ATTRIBUTE in sources,
        traits=frozenset(fact.name for fact in facts if fact.source is FactSource.TRAIT),
        segments=frozenset(named.union(*(rule.audience for rule in revision.rules))),
        birth="is_birthday" in times,
        enrolment="is_anniversary" in times or any(fact.name == "days_enrolled" for fact in facts),
        items=FactSource.ITEM in sources
        or any(fact.source is FactSource.LINE and fact.name in _ITEM_FIELDS for fact in facts),
        periods_by_rule=_periods(revision),
        budgets=frozenset(rule.budget for rule in revision.rules if rule.budget),
        advanced_budgets=_advanced_budgets(revision),
        grants=any(rule.grants for rule in revision.rules),
    )


def _advanced_budgets(revision: Revision) -> frozenset[str]:
    grants = [grant for rule in revision.rules for grant in rule.grants]
    advanced = {grant.key for grant in grants if grant.kind is GrantKind.CHALLENGE}
    return frozenset(each.budget for each in revision.challenges if each.budget and each.key in advanced)


def _facts(rule: EarningRule) -> Iterable[Condition]:
    yield from leaves(rule.when)
    yield from leaves(rule.lines)
    if isinstance(rule.points, FormulaPoints):
        for term in rule.points.terms:
            yield Condition(term.source, term.name, Op.EXISTS)


def _periods(revision: Revision) -> dict[str, frozenset[Period]]:
    found: dict[str, set[Period]] = defaultdict(set)
    for rule in revision.rules:
        for cap in rule.caps:
            if period := cap.per.period:
                found[rule.key].add(period)
    for member_cap in revision.policies.member_caps:
        if period := member_cap.per.period:
            found[all_rules(member_cap.wallet)].add(period)
    return {key: frozenset(periods) for key, periods in found.items()}
