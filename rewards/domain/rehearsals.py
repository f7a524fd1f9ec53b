"""A revision played over past events in a shadow ledger that lives in memory.

What is kept grows with members and with what of them is still open, not with events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rewards.domain.beforehand import Beforehand
from rewards.domain.challenges.matching import EventFacts, OrderFacts
from rewards.domain.decisions import Evaluation
from rewards.domain.engine import Engine
from rewards.domain.facts import Due
from rewards.domain.gift_budgets import GiftBudgets
from rewards.domain.movements import Moved
from rewards.domain.past import (
    Counted,
    Frozen,
    Held,
    Late,
    Left,
    Locked,
    Night,
    Opted,
    Played,
    Recounted,
    Released,
    Resumed,
    Returned,
    Unheld,
)
from rewards.domain.rehearsal_totals import RehearsalTotals
from rewards.domain.rules import GrantKind, Trigger
from rewards.domain.shadow_challenges import ShadowChallenges
from rewards.domain.shadow_decisions import ShadowDecisions
from rewards.domain.shadow_effects import ShadowEffects
from rewards.domain.shadow_gifts import ShadowGifts
from rewards.domain.shadow_holds import ShadowHolds
from rewards.domain.shadow_members import ShadowMembers
from rewards.domain.shadow_movements import ShadowMovements
from rewards.domain.shadow_points import ShadowPoints
from rewards.domain.shadow_returns import ShadowReturns
from rewards.domain.usage import BudgetBook, UsageBook

_ORDER: Final = Trigger.ORDER
_DOCUMENTS: Final = frozenset({Played, Counted})


class ShadowLedger:
    """Plays what happened in time order. Facts of members are of today, all that is counted is of the time.

    ``points`` are the accounts as they were. Whoever opens the ledger sets ``challenges``, if there are any.
    """

    def __init__(
        self, *, engine: Engine, usage: UsageBook, budgets: BudgetBook, since: datetime, points: ShadowPoints,
        known: Beforehand,
    ) -> None:  # fmt: skip
        given = {grant.kind for rule in engine.revision.rules for grant in rule.grants}
        self.engine, self.timetable, self.points = engine, known.timetable, points
        self.members = members = ShadowMembers(engine.revision, given, since)
        self.spending, self.measures, self.tiers = members.spending, members.measures, members.tiers
        self.holds = ShadowHolds(points, known.captures)
        self.movements = ShadowMovements(points, known.movements, self.holds)
        self.returns, self.totals = ShadowReturns(known.returned_orders), RehearsalTotals(known.changed_rules)
        self.challenges: ShadowChallenges | None = None
        self.gifts = ShadowGifts(
            points, self.measures, self.tiers, tier_at=members.tier_before, told_apart=known.remembered,
            points_by_customer=self.totals.points_by_customer, budgets=GiftBudgets(engine.revision, budgets),
        )  # fmt: skip
        self.decisions = ShadowDecisions(
            engine, usage, budgets, points=points, returns=self.returns, totals=self.totals,
            spending=self.spending, tiers=self.tiers, measures=self.measures,
        )  # fmt: skip
        self.effects = ShadowEffects(self.decisions, self.tiers, self.measures)
        self._usage, self._remembered = usage, known.remembered
        self._changes_members = bool(given & {GrantKind.TIER, GrantKind.TRAIT, GrantKind.CHALLENGE})
        self._how = self._ways()

    def _ways(self) -> Mapping[type[Any], Callable[[Any], None]]:
        """Return how each kind of thing that happens is played."""
        return {
            Played: self._decide, Returned: self._give_back, Counted: self._count, Left: self.members.leave,
            Locked: self.members.lock, Night: self._sleep, Released: self._release, Moved: self._move,
            Late: self.decisions.decide_late, Opted: self._opt, Recounted: self._recount,
            Held: self.holds.hold, Unheld: self.holds.unhold, Frozen: self._freeze,
            Resumed: self.decisions.resume,
        }  # fmt: skip

    def play(self, happened: Sequence[Any]) -> None:
        """Play what happened, in time order; what happened at one instant comes in one piece."""
        how = self._how
        if self.challenges is not None:
            self.challenges.look_ahead(
                (item.due.customer_id if type(item) is Played else item.customer_id, item.at)
                for item in happened
                if type(item) in _DOCUMENTS
            )
        for item in happened:
            how[type(item)](item)

    def _decide(self, item: Played) -> None:
        """Decide one event as it would have been decided then, and let the rest follow."""
        due = item.due
        evaluation = self.decisions.decide(item)
        if self._changes_members:
            self.effects.carry_out(due, evaluation, self.challenges)
        if due.event.trigger is _ORDER:
            self._follow_order(due)
        else:
            self._follow_event(due, evaluation)

    def _follow_order(self, due: Due) -> None:
        """Move the member's tier and challenges, in the order in which live does."""
        event, measures = due.event, self.measures
        if measures is not None:
            measures.add_order(due.customer_id, event.at, event.total_minor)
        self.tiers.refresh(due.customer_id, event.at)
        challenges = self.challenges
        if challenges is not None and challenges.counts_orders:
            order = OrderFacts(
                due.event_id, due.customer_id, event.at, event.total_minor, event.channel, event.lines,
                event.currency, event.is_unpriced,
            )  # fmt: skip
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
        self.decisions.give_back(item)
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
        points = self.movements.repeat(item, self.members.tier_before(customer_id, at))
        if points and self.measures is not None:
            self.measures.add_points(customer_id, at, item.wallet, points)
            self.measures.moved.add(customer_id)

    def _freeze(self, item: Frozen) -> None:
        releases = self.points.releases
        act = releases.freeze if item.is_frozen else releases.thaw
        act(item.customer_id, item.wallet, item.at)

    def _release(self, item: Released) -> None:
        self.points.releases.release(item.customer_id, item.awaits, item.at)

    def _sleep(self, item: Night) -> None:
        self.members.sleep(item)
        if self._remembered is not None:
            self._usage.forget_before(item.at, but=self._remembered)
        if self.challenges is not None:
            self.challenges.sweep(item.at)
