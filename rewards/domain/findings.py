"""What the linter says of a program: a reason with its values, and the English sentence that both make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from rewards.domain.rules import EarningRule

Value: TypeAlias = str | int | Sequence[str]


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Reason(StrEnum):
    """The sentences of the linter."""

    MISSING = "missing"
    CONDITIONS_EXCLUDE = "conditions_exclude"
    NEVER_SUCH_VALUE = "never_such_value"
    NO_PROPERTIES = "no_properties"
    CAP_OF_NOTHING = "cap_of_nothing"
    HAS_ENDED = "has_ended"
    STOPPED_BEFORE = "stopped_before"
    GROUP_BEFORE = "group_before"
    GIVES_BACK = "gives_back"
    MAY_GIVE_BACK = "may_give_back"
    GIVE_BACK_TOGETHER = "give_back_together"
    SMALL_ORDER = "small_order"
    CAUSES_ITSELF = "causes_itself"
    ASKS_OWN_TRAIT = "asks_own_trait"
    CAUSE_EACH_OTHER = "cause_each_other"
    BUDGET_WITHOUT_COST = "budget_without_cost"
    UNCAPPED = "uncapped"
    PAYS_TWICE = "pays_twice"
    BOTH_PAY = "both_pay"
    STILL_HELD = "still_held"
    READS_SENSITIVE = "reads_sensitive"
    COUPON_IS_OFF = "coupon_is_off"
    TIMES_APART = "times_apart"
    BUDGET_BELOW_USE = "budget_below_use"
    FEWER_THAN_A_CUSTOMER = "fewer_than_a_customer"
    PERIOD_NEVER_BITES = "period_never_bites"
    CAP_NEVER_BITES = "cap_never_bites"
    STREAK_TOO_LONG = "streak_too_long"
    COUNTS_OTHERWISE = "counts_otherwise"
    NOBODY_DRAWS = "nobody_draws"
    NO_RATE = "no_rate"


class Sentence(NamedTuple):
    """The code of a reason, which several may share, and its English, with names of parameters in braces."""

    code: str
    english: str


SENTENCES: Final[Mapping[Reason, Sentence]] = {
    Reason.MISSING: Sentence("missing_reference", "There is no {kind} '{key}'."),
    Reason.CONDITIONS_EXCLUDE: Sentence(
        "never_matches", "{field} cannot fulfil both conditions, so the rule never pays."
    ),
    Reason.NEVER_SUCH_VALUE: Sentence(
        "never_matches", "{field} never has such a value, so the rule never pays."
    ),
    Reason.NO_PROPERTIES: Sentence(
        "never_matches", "Only events and returns have properties, so {field} is never there."
    ),
    Reason.CAP_OF_NOTHING: Sentence("unreachable", "A cap of 0 lets it give nothing."),
    Reason.HAS_ENDED: Sentence("unreachable", "Its last day was {ended_on}."),
    Reason.STOPPED_BEFORE: Sentence("unreachable", "'{other}' comes first and ends the list."),
    Reason.GROUP_BEFORE: Sentence("unreachable", "'{other}' comes first in the same group."),
    Reason.GIVES_BACK: Sentence("negative_margin", "It gives back {percent}% of the money."),
    Reason.MAY_GIVE_BACK: Sentence("negative_margin", "At best it gives back {percent}% of the money."),
    Reason.GIVE_BACK_TOGETHER: Sentence(
        "negative_margin", "Where all of them pay ({rules}), they give back {percent}% of the money."
    ),
    Reason.SMALL_ORDER: Sentence(
        "negative_margin",
        "The points cost {cost_minor} (in minor units), the smallest order brings {least_minor}.",
    ),
    Reason.CAUSES_ITSELF: Sentence("loop", "Its effect causes '{event}' again."),
    Reason.ASKS_OWN_TRAIT: Sentence("loop", "It asks for the trait '{trait}' it writes."),
    Reason.CAUSE_EACH_OTHER: Sentence("loop", "These cause each other: {rules}."),
    Reason.BUDGET_WITHOUT_COST: Sentence(
        "budget_without_cost", "The wallet says no cost of points, so the budget's money limits nothing."
    ),
    Reason.UNCAPPED: Sentence("uncapped", "Events can be sent without end, and no cap limits it."),
    Reason.PAYS_TWICE: Sentence("overlap", "It pays for the same as '{other}'."),
    Reason.BOTH_PAY: Sentence(
        "overlap", "What fulfils its conditions can fulfil those of '{other}': both pay."
    ),
    Reason.STILL_HELD: Sentence("still_held", "Members still have the {kind} '{key}'."),
    Reason.READS_SENSITIVE: Sentence("sensitive_value", "It reads sensitive values: {values}."),
    Reason.COUPON_IS_OFF: Sentence("unreachable", "Its coupon '{coupon}' is switched off."),
    Reason.TIMES_APART: Sentence(
        "unreachable", "The time of '{coupon}' and its own have no moment in common."
    ),
    Reason.BUDGET_BELOW_USE: Sentence(
        "small_budget",
        "{budget_minor} in all (in minor units) do not pay one full use of '{coupon}', {use_minor}.",
    ),
    Reason.FEWER_THAN_A_CUSTOMER: Sentence(
        "idle_limit", "{uses} uses in all are fewer than the {most} that one customer may have."
    ),
    Reason.PERIOD_NEVER_BITES: Sentence(
        "idle_limit", "{uses} uses in a period are never reached, because there are {most} at most anyway."
    ),
    Reason.CAP_NEVER_BITES: Sentence(
        "idle_limit", "{points} points are never reached with {daily} a day at most."
    ),
    Reason.STREAK_TOO_LONG: Sentence(
        "never_matches", "A streak of {target} does not fit into its time, which has {most} at most."
    ),
    Reason.COUNTS_OTHERWISE: Sentence(
        "goal_changed",
        "Its goal measures something else than before, and members keep what has counted. "
        "Another goal needs another key.",
    ),
    Reason.NOBODY_DRAWS: Sentence(
        "idle_limit", "No rule and no challenge draws on the budget, so it limits nothing."
    ),
    Reason.NO_RATE: Sentence(
        "no_exchange_rate",
        "Orders came in {currency}, which has no exchange rate: their money earns nothing.",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at; ``pointer`` leads into the document, ``code`` is stable.

    ``rule`` is the key of the rule, challenge, tier or wallet; ``parameters`` are what the reason's sentence
    names: keys, whole percents, amounts in minor units, lists of keys.
    """

    severity: Severity
    reason: Reason
    pointer: str
    rule: str
    parameters: Mapping[str, Value] = field(default_factory=dict)

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    @property
    def code(self) -> str:
        """What kind of finding it is: several reasons have one code."""
        return SENTENCES[self.reason].code

    @property
    def detail(self) -> str:
        """The sentence in English."""
        said = {name: _english(value) for name, value in self.parameters.items()}
        return SENTENCES[self.reason].english.format(**said)


def _english(value: Value) -> str:
    return str(value) if isinstance(value, str | int) else ", ".join(value)


def error(reason: Reason, pointer: str, rule: EarningRule, **parameters: Value) -> Finding:
    """Return something that blocks publishing."""
    return Finding(Severity.ERROR, reason, pointer, rule.key, parameters)


def warning(reason: Reason, pointer: str, rule: EarningRule, **parameters: Value) -> Finding:
    """Return something to look at before publishing."""
    return Finding(Severity.WARNING, reason, pointer, rule.key, parameters)
