"""A revision played over past events in a shadow ledger that lives in memory.

What is kept grows with members and with what of them is still open, not with events.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Final

from rewards.domain.decisions import Decision, Evaluation
from rewards.domain.effects import ChangeTier, SetTrait
from rewards.domain.engine import Engine
from rewards.domain.facts import CustomerState, Due
from rewards.domain.measures import Measures
from rewards.domain.movements import Moved, Movements
from rewards.domain.past import Counted, Late, Left, Locked, Night, Played, Released, Returned
from rewards.domain.pots import wallet_of
from rewards.domain.rules import GrantKind, Trigger
from rewards.domain.shadow_movements import ShadowMovements
from rewards.domain.shadow_points import ShadowPoints
from rewards.domain.shadow_returns import ShadowReturns
from rewards.domain.shadow_tiers import ShadowTiers
from rewards.domain.tiers import ROLLING_YEAR, SPEND, Tier
from rewards.domain.usage import BudgetBook, UsageBook

_ORDER: Final = Trigger.ORDER


@dataclass(slots=True)
class RuleTotals:
    """What one rule gave: how often, how many points, what they cost, and how often a limit bit."""

    times: int = 0
    points: int = 0
    capped: int = 0


@dataclass(slots=True)
class Spending:
    """One member's orders and spend of 365 days, with what came back at the instant of the newest return."""

    minor: int = 0
    orders_before: int = 0
    returned_minor: int = 0
    returned_at: datetime | None = None

    def before(self, at: datetime) -> int:
        """Return the spend the moment before: what happens at a return's instant does not know of it yet."""
        return self.minor + self.returned_minor if at == self.returned_at else self.minor

    def give_back(self, at: datetime, placed_at: datetime, amount_minor: int) -> None:
        """Lower the spend by a return of an order that still counts."""
        if placed_at > at - ROLLING_YEAR:
            if at != self.returned_at:
                self.returned_at, self.returned_minor = at, 0
            self.minor -= amount_minor
            self.returned_minor += amount_minor


def spend_ladder(tiers: Iterable[Tier]) -> tuple[tuple[int, str], ...]:
    """Return the (spend, tier) steps that spend alone can climb; what needs anything else ends them."""
    reachable = takewhile(lambda tier: not tier.needs or SPEND in tier.needs, tiers)
    return tuple((tier.needs.get(SPEND, 0), tier.key) for tier in reachable)


def changed_rules(engine: Engine, live: Engine) -> frozenset[str]:
    """Return the keys of the rules that the live program has not, or has otherwise."""
    known = {rule.key: rule for rule in live.revision.rules}
    return frozenset(rule.key for rule in engine.revision.rules if known.get(rule.key) != rule)


class ShadowLedger:
    """Plays what happened in time order. Facts of members are of today, all that is counted is of the time.

    ``points`` are the accounts as they were, ``movements`` the postings that no rule made. Only of what
    ``returned_orders`` earned does anybody ask: something of them is given back in these days.
    ``changed_rules`` are those that the live program does not have like this; where one pays for the same
    event as another rule, ``overlaps`` counts the pair.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        usage: UsageBook,
        budgets: BudgetBook,
        since: datetime,
        points: ShadowPoints,
        movements: Movements,
        returned_orders: Collection[int] = (),
        changed_rules: frozenset[str] = frozenset(),
    ) -> None:
        revision = engine.revision
        given = {grant.kind for rule in revision.rules for grant in rule.grants}
        self.engine, self._usage, self._budgets = engine, usage, budgets
        self.points, self.movements = points, ShadowMovements(points, movements)
        self.returns, self._changed_rules = ShadowReturns(returned_orders), changed_rules
        self.spending_by_customer: dict[int, Spending] = defaultdict(Spending)
        self.state_by_customer: dict[int, CustomerState] = {}
        # Where nothing but that spend decides, it need not be counted twice.
        self.measures = (
            None if revision.qualification.is_plain else Measures(revision.qualification, revision.time_zone)
        )
        self.tiers = ShadowTiers(
            revision,
            self.measures.values if self.measures else self._spend,
            is_lazy=self.measures is None and GrantKind.TIER not in given,
        )
        self.overlaps: Counter[tuple[str, str]] = Counter()
        self.rules: dict[str, RuleTotals] = defaultdict(RuleTotals)
        self.grants: Counter[str] = Counter()
        self.points_by_customer: dict[int, int] = defaultdict(int)
        self.events = 0
        self._night_before, self._moved = since, set[int]()
        self._unknown = CustomerState()
        self._ladder = spend_ladder(revision.tiers)
        self._counts_usage = bool(engine.needs.periods_by_rule)
        self._has_budgets = bool(engine.needs.budgets)
        self._changes_members = bool(given & {GrantKind.TIER, GrantKind.TRAIT})
        self._how: dict[type[Any], Callable[[Any], None]] = {
            Played: self._decide, Returned: self._give_back, Counted: self._count, Left: self._leave,
            Locked: self._lock, Night: self._sleep, Released: self._release,
            Moved: self._move, Late: self._decide_late,
        }  # fmt: skip

    def play(self, happened: Iterable[Any]) -> None:
        """Play what happened, in time order."""
        how = self._how
        for item in happened:
            how[type(item)](item)

    def _spend(self, customer_id: int, _at: datetime) -> Mapping[str, int]:
        return {SPEND: max(self.spending_by_customer[customer_id].minor, 0)}

    def _decide(self, item: Played) -> None:
        """Decide one event as it would have been decided then, and book it."""
        due = item.due
        event, customer_id = due.event, due.customer_id
        at = event.at
        spending = self.spending_by_customer[customer_id]
        spend = spending.before(at)
        state = CustomerState(
            self.tiers.seen(customer_id, at, self._tier_at(spend)),
            spending.orders_before,
            spend,
            self._usage.of(customer_id, at) if self._counts_usage else {},
            self._budgets.rooms(at) if self._has_budgets else {},
            *self.state_by_customer.get(customer_id, self._unknown)[5:],
        )
        is_order = event.trigger is _ORDER
        evaluation = self.engine.decide(
            state, event, explains=False, shares_lines=is_order and due.event_id in self.returns
        )
        self._book(due, evaluation)
        if is_order:
            spending.minor += event.total_minor
            spending.orders_before += 1
        if self._changes_members:
            self._carry_out(due, evaluation)
        self._bring_up_to_date(due, evaluation)

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
            self._credit(due, decision, at)
        if self._changed_rules:
            self._note_overlaps([outcome.rule for outcome in decision.outcomes if outcome.points])
        self._usage.book(customer_id, at, evaluation)
        self._budgets.book(at, evaluation)

    def _credit(self, due: Due, decision: Decision, at: datetime) -> None:
        customer_id, earn, totals = due.customer_id, self.points.earn, self.points.totals
        lots = []
        for earned in decision.earned:
            given = earned.points
            self.points_by_customer[customer_id] += given
            totals[earned.wallet].given += given
            lots.append(earn(due, earned, at))
            if self.measures is not None:
                self.measures.add_points(customer_id, at, earned.wallet, given)
        if decision.line_points_by_wallet:
            pots = [earned.pot for earned in decision.earned]
            self.returns.remember(due.event_id, decision, dict(zip(pots, lots, strict=True)))

    def _decide_late(self, item: Late) -> None:
        """Decide an order of before, as a return of it does; of these days it is no event."""
        due, days = item.due, self.engine.revision.policies.backdating_days
        customer_id, at = due.customer_id, due.event.at
        is_too_old = days is not None and at < item.at - timedelta(days=days)
        if is_too_old or self.returns.knows(due.event_id):
            return
        usage, rooms = self._usage.of(customer_id, at), self._budgets.rooms(at)
        evaluation = self.engine.decide(
            item.state._replace(usage=usage, rooms=rooms), due.event, explains=False
        )
        lots = {earned.pot: self.points.earn(due, earned, item.at) for earned in evaluation.decision.earned}
        self.returns.remember(due.event_id, evaluation.decision, lots)
        self._usage.book(customer_id, at, evaluation)
        self._budgets.book(at, evaluation)

    def _note_overlaps(self, paying: list[str]) -> None:
        changed = self._changed_rules.intersection(paying)
        for rule in changed:
            self.overlaps.update((rule, other) for other in paying if other not in changed)

    def _carry_out(self, due: Due, evaluation: Evaluation) -> None:
        """Let traits and tiers that rules give be seen by what comes after."""
        customer_id, at = due.customer_id, due.event.at
        for effect in evaluation.effects:
            if isinstance(effect, SetTrait):
                if effect.trait in self.engine.needs.traits:
                    known = self.state_by_customer.get(customer_id, self._unknown)
                    traits = {**known.traits, effect.trait: effect.value}
                    self.state_by_customer[customer_id] = known._replace(traits=traits)
                if self.measures is not None:
                    self.measures.set_trait(customer_id, effect.trait, effect.value)
        for effect in evaluation.effects:
            if isinstance(effect, ChangeTier):
                self.tiers.lift(customer_id, effect.tier, until=effect.until(at), at=at)

    def _bring_up_to_date(self, due: Due, evaluation: Evaluation) -> None:
        """Move the member's tier as often as live does."""
        customer_id, event, measures = due.customer_id, due.event, self.measures
        if event.trigger is _ORDER:
            if measures is not None:
                measures.add_order(customer_id, event.at, event.total_minor)
            self.tiers.refresh(customer_id, event.at)
        elif measures is not None:
            if event.name:
                measures.add_event(customer_id, event.at, event.name)
            if measures.counts_points and evaluation.decision.earned:
                self.tiers.refresh(customer_id, event.at)
            if event.name in measures.event_names:
                self.tiers.refresh(customer_id, event.at)

    def _count(self, item: Counted) -> None:
        if self.measures is not None:
            self.measures.add_event(item.customer_id, item.at, item.name)
            self.tiers.refresh(item.customer_id, item.at)

    def _give_back(self, item: Returned) -> None:
        """Lower the spend by a return and take back what its lines earned in this ledger."""
        customer_id, at = item.customer_id, item.at
        self.spending_by_customer[customer_id].give_back(at, item.placed_at, item.total_minor)
        if self.measures is not None:
            self.measures.take_return(
                customer_id, at, item.placed_at, item.total_minor, is_whole=item.is_whole
            )
        for pot, asked, lot in self.returns.asked(item):
            wallet = wallet_of(pot)
            points = self.points.take_back(customer_id, wallet, lot, asked, at)
            self.points_by_customer[customer_id] -= points
            if self.measures is not None and points:
                self.measures.add_points(customer_id, at, wallet, -points)
        self.tiers.refresh(customer_id, at)

    def _move(self, item: Moved) -> None:
        """Repeat what moved points for other reasons than the rules."""
        customer_id, at = item.customer_id, item.at
        tier = self._tier_at(self.spending_by_customer[customer_id].before(at)) if self._ladder else None
        points = self.movements.repeat(item, self.tiers.seen(customer_id, at, tier))
        if points and self.measures is not None:
            self.measures.add_points(customer_id, at, item.wallet, points)
            self.measures.moved.add(customer_id)

    def _release(self, item: Released) -> None:
        self.points.release(item.customer_id, item.awaits, item.at)

    def _leave(self, item: Left) -> None:
        self.spending_by_customer[item.customer_id].minor -= item.spend_minor
        if item.gone is not None and self.measures is not None:
            self.measures.leave(item.customer_id, item.at, item.gone)
        else:
            self._moved.add(item.customer_id)

    def _lock(self, item: Locked) -> None:
        if item.until is None:
            self.tiers.unlock(item.customer_id, item.at)
        else:
            self.tiers.lock(item.customer_id, item.key, until=item.until, at=item.at)

    def _sleep(self, item: Night) -> None:
        measures, moved = self.measures, self._moved
        self._moved = set()
        if measures is not None:
            measures.pass_to(item.at)
            moved, measures.moved = measures.moved, set()
            if measures.is_new_period(self._night_before, item.at):
                moved = set(self.tiers)
        self._night_before = item.at
        self.tiers.night(moved, item.at)
