"""``evaluate``: from a revision, a customer's state and one event to points and the reasons for them.

Arithmetic is exact and integer. For one rule and one order the exact share of every eligible line is added
up and rounded **down once**; a line receives the difference of two neighbouring rounded sums, so the lines
add up to the order's points and a return can take back precisely what its line earned. Caps shrink the lines
in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any, Final, NamedTuple

from rewards.domain.conditions import Fact, FactField, Failure
from rewards.domain.effects import Earn, Effect
from rewards.domain.expiry import expires_at
from rewards.domain.programs import Revision
from rewards.domain.rules import PERCENT, CapKind, EarningRule

_PERCENT_SQUARED: Final = PERCENT * PERCENT


class Line(NamedTuple):
    """One product line of an order, as far as earning needs it."""

    position: int
    category: str
    amount_minor: int


class OrderPlaced(NamedTuple):
    """The event of an order; lines are the product lines only (postage and fees earn nothing)."""

    placed_at: datetime
    total_minor: int
    channel: str
    lines: Sequence[Line]


class CustomerState(NamedTuple):
    """What is known of the customer the moment before the event."""

    tier: str | None = None
    orders_before: int = 0
    qualifying_spend_minor: int = 0
    month_points_by_rule: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class CapApplied:
    """The limit that bit: what the rule would have given and what the cap let through."""

    kind: CapKind
    limit: int
    asked: int
    given: int

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind.value, "limit": self.limit, "asked": self.asked, "given": self.given}


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """Whether a rule matched, what it gave, and otherwise which conditions failed and by how much."""

    rule: str
    is_matched: bool
    points: int = 0
    failures: tuple[Failure, ...] = ()
    cap: CapApplied | None = None
    skipped_by: str | None = None

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {"rule": self.rule, "matched": self.is_matched, "points": self.points}
        if self.failures:
            document["failed"] = [failure.to_json() for failure in self.failures]
        if self.cap:
            document["cap"] = self.cap.to_json()
        if self.skipped_by:
            document["skipped_by"] = self.skipped_by
        return document


@dataclass(frozen=True, slots=True)
class Decision:
    """The stored answer to "why": state used, outcome of every rule, and points by wallet and line."""

    state: CustomerState
    outcomes: tuple[RuleOutcome, ...]
    line_points_by_wallet: Mapping[str, Mapping[int, int]]

    def to_json(self) -> dict[str, Any]:
        return {
            "tier": self.state.tier,
            "orders_before": self.state.orders_before,
            "qualifying_spend_minor": self.state.qualifying_spend_minor,
            "rules": [outcome.to_json() for outcome in self.outcomes],
            "lines": {
                wallet: {str(position): points for position, points in by_line.items()}
                for wallet, by_line in self.line_points_by_wallet.items()
            },
        }


class Evaluation(NamedTuple):
    """Effects to carry out and the record of why."""

    effects: tuple[Effect, ...]
    decision: Decision

    @property
    def points(self) -> int:
        """All the points given, whatever their wallets."""
        return sum(effect.points for effect in self.effects if isinstance(effect, Earn))


def evaluate(revision: Revision, state: CustomerState, event: OrderPlaced) -> Evaluation:
    """Decide what one order earns. Pure: the same arguments give the same answer for ever."""
    facts = _facts(revision, state, event)
    outcomes: list[RuleOutcome] = []
    lines_by_wallet: dict[str, dict[int, int]] = {}
    stopped_by: str | None = None
    for rule in revision.rules:
        if stopped_by is not None:
            outcomes.append(RuleOutcome(rule.key, is_matched=False, skipped_by=stopped_by))
            continue
        outcome, points = _apply(rule, facts, state, event.lines)
        outcomes.append(outcome)
        if outcome.points:
            _add_lines(lines_by_wallet.setdefault(rule.wallet, {}), event.lines, points)
        if rule.stops and outcome.is_matched:
            stopped_by = rule.key
    decision = Decision(state, tuple(outcomes), lines_by_wallet)
    return Evaluation(tuple(_effects(revision, event.placed_at, lines_by_wallet)), decision)


def _facts(revision: Revision, state: CustomerState, event: OrderPlaced) -> Mapping[FactField, Fact]:
    if not any(rule.conditions for rule in revision.rules):
        return {}
    local = event.placed_at.astimezone(revision.time_zone)
    return {
        FactField.ORDER_TOTAL: event.total_minor,
        FactField.ORDER_CHANNEL: event.channel,
        FactField.ORDER_WEEKDAY: local.isoweekday(),
        FactField.ORDER_HOUR: local.hour,
        FactField.ORDER_LINES: len(event.lines),
        FactField.CUSTOMER_TIER: state.tier,
        FactField.CUSTOMER_ORDERS_BEFORE: state.orders_before,
        FactField.CUSTOMER_SPEND: state.qualifying_spend_minor,
    }


def _apply(
    rule: EarningRule, facts: Mapping[FactField, Fact], state: CustomerState, lines: Sequence[Line]
) -> tuple[RuleOutcome, Sequence[int]]:
    failures = tuple(failure for condition in rule.conditions if (failure := condition.failure(facts)))
    if failures:
        return RuleOutcome(rule.key, is_matched=False, failures=failures), ()
    running = _running_points(rule, state, lines)
    asked = running[-1] if running else 0
    cap = _cap(rule, state, asked)
    given = asked
    if cap:
        given = cap.given
        running = [given * points // asked for points in running]
    return RuleOutcome(rule.key, is_matched=True, points=given, cap=cap), running


def _running_points(rule: EarningRule, state: CustomerState, lines: Sequence[Line]) -> list[int]:
    """Points earned by the first line, the first two lines, and so on; the last is the order's."""
    percents, chosen = rule.category_percent, rule.categories
    tier_percent = rule.tier_percent.get(state.tier or "", PERCENT)
    weights = [
        amount * percents.get(category, PERCENT) if amount > 0 and (not chosen or category in chosen) else 0
        for _, category, amount in lines
    ]
    sums = list(accumulate(weights))
    if not sums or not sums[-1]:
        return []
    if rule.per_minor is None:
        # A bonus per order: percents of the tier count, those of categories only share it among the lines.
        bonus = rule.points * tier_percent // PERCENT
        return [bonus * part // sums[-1] for part in sums]
    factor, divisor = rule.points * tier_percent, rule.per_minor * _PERCENT_SQUARED
    return [part * factor // divisor for part in sums]


def _cap(rule: EarningRule, state: CustomerState, asked: int) -> CapApplied | None:
    """The tightest limit below ``asked``, if any."""
    cap: CapApplied | None = None
    per_order, per_month = rule.caps.per_order, rule.caps.per_month
    if per_order is not None and asked > per_order:
        cap = CapApplied(CapKind.PER_ORDER, per_order, asked, per_order)
    if per_month is not None:
        left = max(per_month - state.month_points_by_rule.get(rule.key, 0), 0)
        if left < (cap.given if cap else asked):
            cap = CapApplied(CapKind.PER_MONTH, per_month, asked, left)
    return cap


def _add_lines(by_line: dict[int, int], lines: Sequence[Line], running: Sequence[int]) -> None:
    before = 0
    for line, total in zip(lines, running, strict=True):
        if total != before:
            by_line[line.position] = by_line.get(line.position, 0) + total - before
            before = total


def _effects(
    revision: Revision, earned_at: datetime, lines_by_wallet: Mapping[str, Mapping[int, int]]
) -> Iterator[Earn]:
    for key, by_line in lines_by_wallet.items():
        months = revision.wallet(key).expiry_months
        yield Earn(key, sum(by_line.values()), expires_at(earned_at, months, revision.time_zone))


def points_to_take_back(earned: int, quantity: int, returned_before: int, returned_now: int) -> int:
    """Share of a line's points that ``returned_now`` of its ``quantity`` units give back.

    Cumulative and rounded down, so that returning the line in any number of parts takes back exactly
    ``earned`` in the end. More units than were bought count as all of them.
    """
    before = min(returned_before, quantity)
    after = min(returned_before + returned_now, quantity)
    return earned * after // quantity - earned * before // quantity
