"""A revision played over past events in a shadow ledger that lives in memory.

What is kept grows with members and with what of them is still open, not with events.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from rewards.domain.challenges.matching import Contribution, EventFacts, OrderedLine, OrderFacts
from rewards.domain.challenges.participation import Pair
from rewards.domain.decisions import Decision, Evaluation
from rewards.domain.effects import AdvanceChallenge, ChangeTier, SetTrait
from rewards.domain.engine import Engine
from rewards.domain.facts import CustomerState, Due
from rewards.domain.measures import Measures
from rewards.domain.movements import Moved, Movements
from rewards.domain.past import (
    Counted,
    Held,
    Late,
    Left,
    Locked,
    Night,
    Opted,
    Played,
    Recounted,
    Released,
    Returned,
    Timetable,
    Unheld,
)
from rewards.domain.pots import wallet_of
from rewards.domain.rehearsal_totals import RehearsalTotals
from rewards.domain.rules import GrantKind, Trigger
from rewards.domain.shadow_challenges import ShadowChallenges
from rewards.domain.shadow_gifts import ShadowGifts
from rewards.domain.shadow_holds import ShadowHolds
from rewards.domain.shadow_movements import ShadowMovements
from rewards.domain.shadow_points import ShadowPoints
from rewards.domain.shadow_returns import ShadowReturns
from rewards.domain.shadow_spending import ShadowSpending
from rewards.domain.shadow_tiers import ShadowTiers
from rewards.domain.sources import rule_source
from rewards.domain.usage import BudgetBook, UsageBook

_ORDER: Final = Trigger.ORDER


class ShadowLedger:
    """Plays what happened in time order. Facts of members are of today, all that is counted is of the time.

    ``points`` are the accounts as they were, ``movements`` the postings that no rule and no challenge made,
    ``captures`` the holds that some of them spend, ``timetable`` what else is known beforehand.
    Only of what ``returned_orders`` earned does anybody ask: something of them is given back in these days.
    ``changed_rules`` are those that the live program does not have like this. Whoever opens the ledger sets
    ``challenges``, where there are any.
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
        captures: Mapping[int, int] | None = None,
        timetable: Timetable | None = None,
        returned_orders: Collection[int] = (),
        remembered: Collection[int] | None = (),
        changed_rules: Collection[str] = (),
    ) -> None:
        revision = engine.revision
        given = {grant.kind for rule in revision.rules for grant in rule.grants}
        self.engine, self._usage, self._budgets = engine, usage, budgets
        self.timetable = timetable or Timetable(())
        self.points, self.holds = points, ShadowHolds(points, captures or {})
        self.movements = ShadowMovements(points, movements, self.holds)
        self.returns, self.totals = ShadowReturns(returned_orders), RehearsalTotals(changed_rules)
        self.spending, self.state_by_customer = ShadowSpending(revision.tiers), dict[int, CustomerState]()
        # Where nothing but that spend decides, it need not be counted twice.
        self.measures = (
            None if revision.qualification.is_plain else Measures(revision.qualification, revision.time_zone)
        )
        asks_tiers = any(challenge.audience.tiers for challenge in revision.challenges)
        self.tiers = ShadowTiers(
            revision,
            self.measures.values if self.measures else self.spending.values,
            is_lazy=self.measures is None and GrantKind.TIER not in given and not asks_tiers,
        )
        self.challenges: ShadowChallenges | None = None
        self.gifts = ShadowGifts(
            points, self.measures, self.tiers, tier_at=self._tier_before, told_apart=remembered,
            points_by_customer=self.totals.points_by_customer,
        )  # fmt: skip
        self._night_before, self._moved = since, set[int]()
        self._unknown = CustomerState()
        self._counts_usage = bool(engine.needs.periods_by_rule)
        self._has_budgets = bool(engine.needs.budgets)
        self._changes_members = bool(given & {GrantKind.TIER, GrantKind.TRAIT, GrantKind.CHALLENGE})
        self._how: dict[type[Any], Callable[[Any], None]] = {
            Played: self._decide, Returned: self._give_back, Counted: self._count, Left: self._leave,
            Locked: self._lock, Night: self._sleep, Released: self._release, Moved: self._move,
            Late: self._decide_late, Opted: self._opt, Recounted: self._recount, Held: self.holds.hold,
            Unheld: self.holds.unhold,
        }  # fmt: skip

    def play(self, happened: Iterable[Any]) -> None:
        """Play what happened, in time order."""
        how = self._how
        for item in happened:
            how[type(item)](item)

    def _decide(self, item: Played) -> None:
        """Decide one event as it would have been decided then, and book it."""
        due = item.due
        event, customer_id = due.event, due.customer_id
        at = event.at
        spending = self.spending.by_customer[customer_id]
        spend = spending.before(at)
        state = CustomerState(
            self.tiers.seen(customer_id, at, self.spending.tier_of(spend)),
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
        decision = evaluation.decision
        self.totals.book(decision)
        if decision.earned:
            self._credit(due, decision, at)
        self._usage.book(customer_id, at, evaluation)
        self._budgets.book(at, evaluation)
        if is_order:
            spending.minor += event.total_minor
            spending.orders_before += 1
        if self._changes_members:
            self._carry_out(due, evaluation)
        if is_order:
            self._follow_order(item)
        else:
            self._follow_event(due, evaluation)

    def _tier_before(self, customer_id: int, at: datetime) -> str | None:
        return self.tiers.seen(customer_id, at, self.spending.tier_before(customer_id, at))

    def _credit(self, due: Due, decision: Decision, at: datetime) -> None:
        customer_id, earn, totals = due.customer_id, self.points.earn, self.points.totals
        points_by_customer, lots = self.totals.points_by_customer, []
        for earned in decision.earned:
            given = earned.points
            points_by_customer[customer_id] += given
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
        customer_id, at, measures = due.customer_id, due.event.at, self.measures
        is_too_old = days is not None and at < item.at - timedelta(days=days)
        if is_too_old or self.returns.knows(due.event_id):
            return
        usage, rooms = self._usage.of(customer_id, at), self._budgets.rooms(at)
        evaluation = self.engine.decide(
            item.state._replace(usage=usage, rooms=rooms), due.event, explains=False
        )
        lots = {}
        for earned in evaluation.decision.earned:
            lots[earned.pot] = self.points.earn(due, earned, item.at)
            if measures is not None:
                measures.add_points(customer_id, item.at, earned.wallet, earned.points, earned_at=at)
        self.returns.remember(due.event_id, evaluation.decision, lots)
        self._usage.book(customer_id, at, evaluation)
        self._budgets.book(at, evaluation)

    def _carry_out(self, due: Due, evaluation: Evaluation) -> None:
        """Let traits, tiers and progress that rules give be seen by what comes after."""
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
        for effect in evaluation.effects:
            if isinstance(effect, AdvanceChallenge) and self.challenges is not None:
                kind, source = rule_source(due.event_type, due.event_id, effect.rule, effect.challenge)
                one = Contribution("", kind, source, "", effect.progress, at)
                self.challenges.advance(Pair(customer_id, effect.challenge), one)

    def _follow_order(self, item: Played) -> None:
        """Move the member's tier and challenges, in the order in which live does."""
        due, event, measures = item.due, item.due.event, self.measures
        if measures is not None:
            measures.add_order(due.customer_id, event.at, event.total_minor)
        self.tiers.refresh(due.customer_id, event.at)
        challenges = self.challenges
        if challenges is not None and challenges.counts_orders:
            skus = item.skus or ("",) * len(event.lines)
            lines = [
                OrderedLine(sku, line[1], line[3], line[2])
                for sku, line in zip(skus, event.lines, strict=True)
            ]
            order = OrderFacts(
                due.event_id, due.customer_id, event.at, event.total_minor, event.channel, lines
            )
            if due.event_id in self.returns:
                challenges.remember_order(order, order, [line.position for line in event.lines])
            challenges.count_order(order)

    def _follow_event(self, due: Due, evaluation: Evaluation) -> None:
        customer_id, event, measures = due.customer_id, due.event, self.measures
        if measures is not None:
            if event.name:
                measures.add_event(customer_id, event.at, event.name)
            if measures.counts_points and evaluation.decision.earned:
                self.tiers.refresh(customer_id, event.at)
        if self.challenges is not None and event.name in self.challenges.event_names:
            self.challenges.count_event(
                EventFacts(due.source, customer_id, event.name, event.at, event.properties)
            )
        if measures is not None and event.name in measures.event_names:
            self.tiers.refresh(customer_id, event.at)

    def _count(self, item: Counted) -> None:
        customer_id, at, name = item.customer_id, item.at, item.name
        if self.measures is not None:
            self.measures.add_event(customer_id, at, name)
        if self.challenges is not None and name in self.challenges.event_names:
            self.challenges.count_event(EventFacts(item.source, customer_id, name, at, item.properties))
        if self.measures is not None and name in self.measures.event_names:
            self.tiers.refresh(customer_id, at)

    def _give_back(self, item: Returned) -> None:
        """Lower the spend by a return and take back what its lines earned in this ledger."""
        customer_id, at = item.customer_id, item.at
        self.spending.by_customer[customer_id].give_back(at, item.placed_at, item.total_minor)
        if self.measures is not None:
            self.measures.take_return(
                customer_id, at, item.placed_at, item.total_minor, is_whole=item.is_whole
            )
        for pot, asked, lot in self.returns.asked(item):
            wallet = wallet_of(pot)
            points = self.points.take_back(customer_id, wallet, lot, asked, at)
            self.totals.points_by_customer[customer_id] -= points
            if self.measures is not None and points:
                self.measures.add_points(customer_id, at, wallet, -points)
        self.tiers.refresh(customer_id, at)

    def _recount(self, item: Recounted) -> None:
        """Let challenges see what is left of an order, once rules were asked about the return."""
        if self.challenges is not None:
            self.challenges.take_return(item.order_id, item.units, item.total_minor, item.at)

    def _opt(self, item: Opted) -> None:
        if self.challenges is not None:
            self.challenges.opt(item.customer_id, item.challenge, item.at, is_in=item.is_in)

    def _move(self, item: Moved) -> None:
        """Repeat what moved points for other reasons than rules and challenges."""
        customer_id, at = item.customer_id, item.at
        points = self.movements.repeat(item, self._tier_before(customer_id, at))
        if points and self.measures is not None:
            self.measures.add_points(customer_id, at, item.wallet, points)
            self.measures.moved.add(customer_id)

    def _release(self, item: Released) -> None:
        self.points.release(item.customer_id, item.awaits, item.at)

    def _leave(self, item: Left) -> None:
        self.spending.by_customer[item.customer_id].minor -= item.spend_minor
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
        if self.challenges is not None:
            self.challenges.sweep(item.at)
