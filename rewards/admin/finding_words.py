"""What the linter says of a program, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.admin import condition_words
from rewards.domain.findings import Finding, Reason
from rewards.domain.programs import Revision
from tenants.admin import formats

_TITLES: Final = {
    "missing_reference": gettext_lazy("Names something that is not there"),
    "never_matches": gettext_lazy("Can never match"),
    "unreachable": gettext_lazy("Never gets its turn"),
    "negative_margin": gettext_lazy("Gives a lot of the money back"),
    "loop": gettext_lazy("Causes itself"),
    "budget_without_cost": gettext_lazy("Budget in money without a cost of points"),
    "uncapped": gettext_lazy("Has no limit"),
    "overlap": gettext_lazy("Pays twice"),
    "still_held": gettext_lazy("Members still have it"),
    "sensitive_value": gettext_lazy("Reads sensitive values"),
    "small_budget": gettext_lazy("Its money is too little"),
    "idle_limit": gettext_lazy("A limit that never counts"),
    "no_exchange_rate": gettext_lazy("Has no exchange rate"),
    "goal_changed": gettext_lazy("Measures something else than before"),
}
_MISSING: Final = {
    "coupon": gettext_lazy("There is no coupon “%(key)s”."),
    "reward": gettext_lazy("There is no reward “%(key)s”."),
    "challenge": gettext_lazy("There is no challenge “%(key)s”."),
    "segment": gettext_lazy("There is no segment “%(key)s”."),
    "tier": gettext_lazy("There is no tier “%(key)s”."),
}
_STILL_HELD: Final = {
    "wallet": gettext_lazy(
        "Members still have points in “%(key)s”. They keep them; nothing says any more when new ones end."
    ),
    "tier": gettext_lazy("Members still hold the tier “%(key)s”. They move to the one that they reach."),
    "challenge": gettext_lazy(
        "Members are on their way in “%(key)s”. Their progress waits for the challenge to come back."
    ),
}
_BY_KIND: Final = {Reason.MISSING: _MISSING, Reason.STILL_HELD: _STILL_HELD}
_TEXTS: Final = {
    Reason.CONDITIONS_EXCLUDE: gettext_lazy(
        "No value of “%(field)s” fulfils both conditions, so the rule never pays."
    ),
    Reason.NEVER_SUCH_VALUE: gettext_lazy("“%(field)s” never has such a value, so the rule never pays."),
    Reason.NO_PROPERTIES: gettext_lazy(
        "Only events and returns have properties, so “%(field)s” is never there."
    ),
    Reason.CAP_OF_NOTHING: gettext_lazy("A cap of 0 lets it give nothing."),
    Reason.HAS_ENDED: gettext_lazy("Its last day was %(ended_on)s."),
    Reason.STOPPED_BEFORE: gettext_lazy("“%(other)s” comes first and ends the list."),
    Reason.GROUP_BEFORE: gettext_lazy("“%(other)s” comes first in the same group."),
    Reason.GIVES_BACK: gettext_lazy("It gives back %(percent)s of the money."),
    Reason.MAY_GIVE_BACK: gettext_lazy("At best it gives back %(percent)s of the money."),
    Reason.GIVE_BACK_TOGETHER: gettext_lazy(
        "Where all of them pay (%(rules)s), they give back %(percent)s of the money."
    ),
    Reason.SMALL_ORDER: gettext_lazy(
        "The points cost %(cost_minor)s, and the smallest order brings %(least_minor)s."
    ),
    Reason.CAUSES_ITSELF: gettext_lazy("What it gives causes “%(event)s” again."),
    Reason.ASKS_OWN_TRAIT: gettext_lazy("It asks for the trait “%(trait)s”, which it writes itself."),
    Reason.CAUSE_EACH_OTHER: gettext_lazy("These cause each other: %(rules)s."),
    Reason.BUDGET_WITHOUT_COST: gettext_lazy(
        "The wallet says no cost of points, so the budget's money limits nothing."
    ),
    Reason.UNCAPPED: gettext_lazy("Events can be sent without end, and no cap limits it."),
    Reason.PAYS_TWICE: gettext_lazy("It pays for the same as “%(other)s”."),
    Reason.BOTH_PAY: gettext_lazy("What fulfils its conditions can fulfil those of “%(other)s”: both pay."),
    Reason.READS_SENSITIVE: gettext_lazy("It reads sensitive values: %(values)s."),
    Reason.COUPON_IS_OFF: gettext_lazy("Its coupon “%(coupon)s” is switched off."),
    Reason.TIMES_APART: gettext_lazy("The time of “%(coupon)s” and its own have no moment in common."),
    Reason.BUDGET_BELOW_USE: gettext_lazy(
        "%(budget_minor)s in all do not pay one full use of “%(coupon)s”, %(use_minor)s."
    ),
    Reason.FEWER_THAN_A_CUSTOMER: gettext_lazy(
        "%(uses)s uses in all are fewer than the %(most)s that one customer may have."
    ),
    Reason.PERIOD_NEVER_BITES: gettext_lazy(
        "%(uses)s uses in a period are never reached, because there are %(most)s at most anyway."
    ),
    Reason.CAP_NEVER_BITES: gettext_lazy("%(points)s points are never reached with %(daily)s a day at most."),
    Reason.STREAK_TOO_LONG: gettext_lazy(
        "A streak of %(target)s does not fit into its time, which has %(most)s at most."
    ),
    Reason.COUNTS_OTHERWISE: gettext_lazy(
        "Its goal measures something else than before, and members keep what has counted. Another goal "
        "needs another key."
    ),
    Reason.NO_RATE: gettext_lazy(
        "Orders came in %(currency)s, which has no exchange rate: their money earns nothing."
    ),
    Reason.NOBODY_DRAWS: gettext_lazy("No rule and no challenge draws on the budget, so it limits nothing."),
}


@dataclass(frozen=True, slots=True)
class FindingInWords:
    """A finding as staff read it: what kind it is, whose, and the sentence."""

    finding: Finding
    title: str
    subject: str
    text: str

    @property
    def is_error(self) -> bool:
        return self.finding.is_error


def in_words(finding: Finding, revision: Revision, currency: str) -> FindingInWords:
    """Write a finding with the names that rules, challenges and tiers of the revision have."""
    names = {rule.key: rule.name for rule in revision.rules}
    coupons = {each.key: each.name for each in revision.coupons}
    by_kind = _BY_KIND.get(finding.reason)
    text = _TEXTS[finding.reason] if by_kind is None else by_kind[str(finding.parameters["kind"])]
    values = {
        name: _WRITERS.get(name, _plain)(value, coupons if name == "coupon" else names, currency)
        for name, value in finding.parameters.items()
    }
    return FindingInWords(
        finding,
        str(_TITLES.get(finding.code, finding.code)),
        _subject(finding, revision),
        str(text) % values,
    )


def _subject(finding: Finding, revision: Revision) -> str:
    """Return what the rule, challenge or tier that the pointer leads to is called."""
    names_by_section = {
        "rules": {each.key: each.name for each in revision.rules},
        "challenges": {each.key: each.name for each in revision.challenges},
        "tiers": {each.key: each.name for each in revision.tiers},
        "wallets": {},
        "budgets": {each.key: each.name for each in revision.budgets},
        "coupons": {each.key: each.name for each in revision.coupons},
        "coupon_campaigns": {each.key: each.name for each in revision.coupon_campaigns},
        "rewards": {each.key: each.name for each in revision.rewards},
        "policies": {each.key: each.name for each in revision.wallets},
    }
    _empty, section, *_rest = finding.pointer.split("/")
    return names_by_section[section].get(finding.rule, finding.rule)


_Writer = Callable[[Any, Mapping[str, str], str], str]


def _plain(value: Any, _names: Mapping[str, str], _currency: str) -> str:
    return _(", ").join(value) if isinstance(value, list) else str(value)


_WRITERS: Final[Mapping[str, _Writer]] = {
    "field": lambda value, _names, _currency: condition_words.field_label(value),
    "ended_on": lambda value, _names, _currency: formats.day(date.fromisoformat(value)),
    "other": lambda value, names, _currency: names.get(value, value),
    "percent": lambda value, _names, _currency: formats.percent(value / 100),
    "coupon": lambda value, names, _currency: names.get(value, value),
    "budget_minor": lambda value, _names, currency: formats.money(value, currency),
    "use_minor": lambda value, _names, currency: formats.money(value, currency),
    "uses": lambda value, _names, _currency: formats.number(value),
    "most": lambda value, _names, _currency: formats.number(value),
    "points": lambda value, _names, _currency: formats.number(value),
    "daily": lambda value, _names, _currency: formats.number(value),
    "cost_minor": lambda value, _names, currency: formats.money(value, currency),
    "least_minor": lambda value, _names, currency: formats.money(value, currency),
    "rules": lambda value, names, _currency: _(", ").join(names.get(key, key) for key in value),
}
