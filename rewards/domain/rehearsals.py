"""A revision played over past events in a shadow ledger that lives in memory, and what came of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from typing import Any, Final

from rewards.domain.decisions import Evaluation
from rewards.domain.engine import Engine, points_to_take_back
from rewards.domain.facts import CustomerState, Due
from rewards.domain.programs import Revision
from rewards.domain.rules import Trigger
from rewards.domain.tiers import SPEND, RollingSpend, Tier, standing
from rewards.domain.usage import BudgetBook, UsageBook

MOST_NAMED: Final = 10
_ORDER: Final = Trigger.ORDER


@dataclass(slots=True)
class RuleTotals:
    """What one rule gave: how often, how many points, what they cost, and how often a limit bit."""

    times: int = 0
    points: int = 0
    capped: int = 0


@dataclass(slots=True)
class ReturnedUnits:
    """Units of one order line that a return gave back."""

    order_id: int
    customer_id: int
    position: int
    bought: int
    returned: int


def spend_ladder(tiers: Iterable[Tier]) -> tuple[tuple[int, str], ...]:
    """Return the (spend, tier) steps that spend alone can climb; what needs anything else ends them."""
    reachable = takewhile(lambda tier: not tier.needs or SPEND in tier.needs, tiers)
    return tuple((tier.needs.get(SPEND, 0), tier.key) for tier in reachable)


@dataclass(slots=True)
class ShadowLedger:
    """Plays events in time order. Members' facts are of today; spend, caps and budgets are of the time.

    ``returned_orders`` are the orders that something is given back of in these days: of no other does anybody
    ask what its lines earned. ``changed_rules`` are those that the live program does not have like this;
    where one pays for the same event as another rule, ``overlaps`` counts the pair.
    """

    engine: Engine
    usage: UsageBook
    budgets: BudgetBook
    spend_by_customer: dict[int, RollingSpend]
    state_by_customer: Mapping[int, CustomerState] = field(default_factory=dict)
    returned_orders: Collection[int] = ()
    changed_rules: frozenset[str] = frozenset()
    overlaps: Counter[tuple[str, str]] = field(default_factory=Counter)
    rules: dict[str, RuleTotals] = field(default_factory=lambda: defaultdict(RuleTotals))
    grants: Counter[str] = field(default_factory=Counter)
    points_by_customer: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    points_by_wallet: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    taken_by_wallet: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    events: int = 0
    _lines_by_order: dict[int, Mapping[str, Mapping[int, int]]] = field(default_factory=dict)
    _returned: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    _unknown: CustomerState = field(default_factory=CustomerState)
    _ladder: tuple[tuple[int, str], ...] = ()
    _counts_usage: bool = False
    _has_budgets: bool = False

    def __post_init__(self) -> None:
        self._ladder = spend_ladder(self.engine.revision.tiers)
        self._counts_usage = bool(self.engine.needs.periods_by_rule)
        self._has_budgets = bool(self.engine.needs.budgets)

    def play(self, due: Due) -> Evaluation:
        """Decide one event as it would have been decided then, and book it."""
        event, customer_id = due.event, due.customer_id
        at = event.at
        spend = self.spend_by_customer[customer_id]
        total = spend.at(at)
        known = self.state_by_customer.get(customer_id, self._unknown)
        state = CustomerState(
            self._tier_at(total),
            spend.orders_before,
            total,
            self.usage.of(customer_id, at) if self._counts_usage else {},
            self.budgets.rooms(at) if self._has_budgets else {},
            *known[5:],
        )
        is_order = event.trigger is _ORDER
        evaluation = self.engine.decide(
            state, event, explains=False, shares_lines=is_order and due.event_id in self.returned_orders
        )
        self._book(due, evaluation)
        if is_order:
            spend.add(due.event_id, at, event.total_minor)
        return evaluation

    def _tier_at(self, spend_minor: int) -> str | None:
        reached = None
        for need, key in self._ladder:
            if spend_minor < need:
                break
            reached = key
        return reached

    def _book(self, due: Due, evaluation: Evaluation) -> None:
        self.events += 1
        customer_id, at, decision = due.customer_id, due.event.at, evaluation.decision
        rules = self.rules
        for outcome in decision.outcomes:
            if outcome.points or outcome.grants:
                totals = rules[outcome.rule]
                totals.times += 1
                totals.points += outcome.points
                if outcome.grants:
                    self.grants.update(outcome.grants)
            if outcome.cap is not None:
                rules[outcome.rule].capped += 1
        if decision.earned:
            for earned in decision.earned:
                self.points_by_customer[customer_id] += earned.points
                self.points_by_wallet[earned.wallet] += earned.points
            if decision.line_points_by_wallet:
                self._lines_by_order[due.event_id] = decision.line_points_by_wallet
        if self.changed_rules:
            self._note_overlaps([outcome.rule for outcome in decision.outcomes if outcome.points])
        self.usage.book(customer_id, at, evaluation)
        self.budgets.book(at, evaluation)

    def _note_overlaps(self, paying: list[str]) -> None:
        changed = self.changed_rules.intersection(paying)
        for rule in changed:
            self.overlaps.update((rule, other) for other in paying if other not in changed)

    def give_back(
        self, order_id: int, customer_id: int, at: datetime, amount_minor: int, units: Iterable[ReturnedUnits]
    ) -> None:
        """Lower the spend by a return and take back what its lines earned in this ledger."""
        self.spend_by_customer[customer_id].give_back(order_id, at, amount_minor)
        earned = self._lines_by_order.get(order_id)
        for unit in units:
            before = self._returned[order_id, unit.position]
            self._returned[order_id, unit.position] = before + unit.returned
            for wallet, by_line in (earned or {}).items():
                earned_here = by_line.get(unit.position, 0)
                points = points_to_take_back(earned_here, unit.bought, before, unit.returned)
                self.points_by_customer[customer_id] -= points
                self.taken_by_wallet[wallet] += points


@dataclass(frozen=True, slots=True)
class Actual:
    """What really happened in the same days."""

    points_by_rule: Mapping[str, int]
    points_by_customer: Mapping[int, int]
    given: int
    taken: int
    kept_by_wallet: Mapping[str, int] = field(default_factory=dict)


def report(
    ledger: ShadowLedger, actual: Actual, *, live: Engine | None, names: Mapping[str, str]
) -> dict[str, Any]:
    """Return the result of a rehearsal as it is stored, beside what really happened."""
    revision = ledger.engine.revision
    kept = {
        wallet.key: ledger.points_by_wallet.get(wallet.key, 0) - ledger.taken_by_wallet.get(wallet.key, 0)
        for wallet in revision.wallets
    }
    cost = {wallet.key: wallet.cost_minor(kept[wallet.key]) for wallet in revision.wallets}
    given, taken = sum(ledger.points_by_wallet.values()), sum(ledger.taken_by_wallet.values())
    changes = _changes(ledger.points_by_customer, actual.points_by_customer)
    return {
        "events": ledger.events,
        "points": {"given": given, "taken": taken},
        "actual": {"given": actual.given, "taken": actual.taken},
        "liability_change_points": (given - taken) - (actual.given - actual.taken),
        "liability_change_minor": _liability(revision, kept)
        - _liability(live.revision if live else revision, actual.kept_by_wallet),
        "cost_minor": sum(cost.values()),
        "wallets": [
            {"wallet": wallet.key, "name": wallet.name, "points": kept[wallet.key],
             "actual_points": actual.kept_by_wallet.get(wallet.key, 0), "cost_minor": cost[wallet.key]}
            for wallet in revision.wallets
        ],
        "rules": _rules(ledger, actual, names),
        "grants": dict(ledger.grants.most_common()),
        "members": {
            "winners": sum(1 for change in changes if change[1] > 0),
            "losers": sum(1 for change in changes if change[1] < 0),
            "unchanged": len(set(ledger.points_by_customer) | set(actual.points_by_customer))
            - sum(1 for change in changes if change[1]),
            "most_won": [list(change) for change in changes[:MOST_NAMED] if change[1] > 0],
            "most_lost": [list(change) for change in reversed(changes[-MOST_NAMED:]) if change[1] < 0],
        },
        "tiers": tier_moves(ledger, live),
        "conflicts": conflicts(ledger, actual, names),
        "overlaps": [
            {"rule": rule, "name": names.get(rule, rule), "with": other, "with_name": names.get(other, other),
             "events": events}
            for (rule, other), events in ledger.overlaps.most_common(MOST_NAMED)
        ],
    }  # fmt: skip


def _liability(revision: Revision, kept_by_wallet: Mapping[str, int]) -> int:
    """Return what the points are expected to cost, in minor units, by the worth each wallet states."""
    return sum(wallet.liability_minor(kept_by_wallet.get(wallet.key, 0)) for wallet in revision.wallets)


def changed_rules(engine: Engine, live: Engine) -> frozenset[str]:
    """Return the keys of the rules that the live program has not, or has otherwise."""
    known = {rule.key: rule for rule in live.revision.rules}
    return frozenset(rule.key for rule in engine.revision.rules if known.get(rule.key) != rule)


def _changes(ours: Mapping[int, int], theirs: Mapping[int, int]) -> list[tuple[int, int]]:
    members = {*ours, *theirs}
    changes = [(member, ours.get(member, 0) - theirs.get(member, 0)) for member in members]
    return sorted((change for change in changes if change[1]), key=lambda change: (-change[1], change[0]))


def _rules(ledger: ShadowLedger, actual: Actual, names: Mapping[str, str]) -> list[dict[str, Any]]:
    revision = ledger.engine.revision
    wallet_of = {rule.key: rule.wallet for rule in revision.rules}
    keys = [rule.key for rule in revision.rules]
    keys += sorted(set(actual.points_by_rule) - set(keys))
    rows = []
    for key in keys:
        totals = ledger.rules.get(key, RuleTotals())
        wallet = wallet_of.get(key)
        cost = revision.wallet(wallet).cost_minor(totals.points) if wallet else 0
        rows.append(
            {
                "rule": key,
                "name": names.get(key, key),
                "times": totals.times,
                "points": totals.points,
                "capped": totals.capped,
                "cost_minor": cost,
                "actual_points": actual.points_by_rule.get(key, 0),
                "is_gone": key not in wallet_of,
            }
        )
    return rows


def tier_moves(ledger: ShadowLedger, live: Engine | None) -> list[dict[str, Any]]:
    """Return how many members stand in another tier at the end than under the live revision."""
    moves: Counter[tuple[str, str]] = Counter()
    ours = ledger.engine.revision.tiers
    theirs = live.revision.tiers if live else ()
    for spend in ledger.spend_by_customer.values():
        new, old = standing(ours, spend.total_minor).tier, standing(theirs, spend.total_minor).tier
        if (new.key if new else "") != (old.key if old else ""):
            moves[old.key if old else "", new.key if new else ""] += 1
    return [{"from": old, "to": new, "members": members} for (old, new), members in moves.most_common()]


def conflicts(ledger: ShadowLedger, actual: Actual, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rules of the live program that pay otherwise in this one, and those that pay no more."""
    found = []
    for rule, points in sorted(actual.points_by_rule.items()):
        ours = ledger.rules[rule].points if rule in ledger.rules else 0
        if points and ours != points:
            found.append(
                {"rule": rule, "name": names.get(rule, rule), "points": ours, "actual_points": points}
            )
    return found


def in_time_order(*streams: Sequence[Any]) -> list[Any]:
    """Merge what happened by moment; at one instant orders come before returns, returns before events."""
    merged = [item for stream in streams for item in stream]
    merged.sort(key=lambda item: item[:3])
    return merged
