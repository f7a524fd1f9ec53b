"""What rules decide while a revision is played over the past, and the points that it earns or gives back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from rewards.domain.decisions import Decision, Evaluation
from rewards.domain.engine import Engine
from rewards.domain.facts import CustomerState, Due
from rewards.domain.lots import LotBalance
from rewards.domain.measures import Measures
from rewards.domain.past import Late, Played, Resumed, Returned
from rewards.domain.pots import wallet_of
from rewards.domain.rehearsal_totals import RehearsalTotals
from rewards.domain.rules import Trigger
from rewards.domain.shadow_points import ShadowPoints
from rewards.domain.shadow_returns import ShadowReturns
from rewards.domain.shadow_spending import ShadowSpending
from rewards.domain.shadow_tiers import ShadowTiers
from rewards.domain.usage import BudgetBook, UsageBook

_ORDER: Final = Trigger.ORDER
Lots = Mapping[str, LotBalance | None]


class _Refused(NamedTuple):
    """An event that a frozen account refused, and what other accounts were credited for it all the same."""

    due: Due
    state: CustomerState
    lots: Lots


class _RefusedReturn(NamedTuple):
    """A return of which a frozen account gave nothing back, and the pots that did."""

    item: Returned
    pots: frozenset[str]


class ShadowDecisions:
    """Decides events as they would have been decided then, and books them.

    What an account refuses while it is frozen stays undecided, as live, until an order of it comes back or
    somebody posts the history.
    """

    def __init__(
        self, engine: Engine, usage: UsageBook, budgets: BudgetBook, *, points: ShadowPoints,
        returns: ShadowReturns, totals: RehearsalTotals, spending: ShadowSpending, tiers: ShadowTiers,
        measures: Measures | None,
    ) -> None:  # fmt: skip
        self._engine, self._usage, self._budgets = engine, usage, budgets
        self._points, self._returns, self._totals = points, returns, totals
        self._releases = points.releases
        self._spending, self._tiers, self._measures = spending, tiers, measures
        self.state_by_customer: dict[int, CustomerState] = {}
        self._unknown = CustomerState()
        self._counts_usage = bool(engine.needs.periods_by_rule)
        self._has_budgets = bool(engine.needs.budgets)
        self._refused: dict[tuple[str, int], _Refused] = {}
        self._refused_returns: dict[int, _RefusedReturn] = {}

    def set_trait(self, customer_id: int, trait: str, value: float | str) -> None:
        """Let rules that read a trait see what was written."""
        if trait in self._engine.needs.traits:
            known = self.state_by_customer.get(customer_id, self._unknown)
            traits = {**known.traits, trait: value}
            self.state_by_customer[customer_id] = known._replace(traits=traits)

    def decide(self, item: Played) -> Evaluation:
        """Decide one event and book it; of one that was refused no effects are left to carry out."""
        due = item.due
        event, customer_id = due.event, due.customer_id
        at = event.at
        spending = self._spending.by_customer[customer_id]
        spend = spending.before(at)
        state = CustomerState(
            self._tiers.seen(customer_id, at, self._spending.tier_of(spend)),
            spending.orders_before,
            spend,
            self._usage.of(customer_id, at) if self._counts_usage else {},
            self._budgets.rooms(at) if self._has_budgets else {},
            *self.state_by_customer.get(customer_id, self._unknown)[5:],
        )
        is_order = event.trigger is _ORDER
        evaluation = self._engine.decide(
            state, event, explains=False, shares_lines=is_order and due.event_id in self._returns
        )
        if self._releases.frozen and self._is_refused(customer_id, evaluation.decision):
            evaluation = self._refuse(due, state, evaluation.decision)
        else:
            self._book(due, evaluation, at)
        if is_order:
            spending.minor += event.total_minor
            spending.orders_before += 1
        return evaluation

    def decide_late(self, item: Late) -> None:
        """Decide an order of before, as a return of it does; of these days it is no event."""
        due = item.due
        if self._is_too_old(due, item.at) or self._returns.knows(due.event_id):
            return
        evaluation = self._decide_as_of_then(due, item.state)
        if not self._is_refused(due.customer_id, evaluation.decision):
            self._earn_late(due, evaluation, {}, item.at)

    def resume(self, item: Resumed) -> None:
        """Decide after all what a frozen account had refused."""
        waiting = self._refused_returns.pop(item.event_id, None) if item.event_type == "return" else None
        if waiting is not None:
            self._take_back(waiting.item, item.at, but=waiting.pots)
        elif (refused := self._refused.pop((item.event_type, item.event_id), None)) is not None:
            self._decide_again(refused, item.at)

    def give_back(self, item: Returned) -> None:
        """Take back what the lines of a return earned in this ledger."""
        refused = self._refused.pop((_ORDER.value, item.order_id), None)
        if refused is not None and not self._is_too_old(refused.due, item.at):
            self._decide_again(refused, item.at)
        self._take_back(item, item.at)

    def _book(self, due: Due, evaluation: Evaluation, at: datetime) -> None:
        decision = evaluation.decision
        self._totals.book(decision)
        if decision.earned:
            self._credit(due, decision, at)
        self._usage.book(due.customer_id, at, evaluation)
        self._budgets.book(at, evaluation)

    def _credit(self, due: Due, decision: Decision, at: datetime) -> None:
        customer_id, earn, totals = due.customer_id, self._points.earn, self._points.totals
        points_by_customer, lots = self._totals.points_by_customer, []
        for earned in decision.earned:
            given = earned.points
            points_by_customer[customer_id] += given
            totals[earned.wallet].given += given
            lots.append(earn(due, earned, at))
            if self._measures is not None:
                self._measures.add_points(customer_id, at, earned.wallet, given)
        if decision.line_points_by_wallet:
            pots = [earned.pot for earned in decision.earned]
            self._returns.remember(due.event_id, decision, dict(zip(pots, lots, strict=True)))

    def _is_refused(self, customer_id: int, decision: Decision) -> bool:
        frozen = self._releases.frozen
        return any((customer_id, earned.wallet) in frozen for earned in decision.earned)

    def _refuse(self, due: Due, state: CustomerState, decision: Decision) -> Evaluation:
        """Leave an event undecided; what it earned in wallets that are open is posted all the same."""
        customer_id, at = due.customer_id, due.event.at
        lots: dict[str, LotBalance | None] = {}
        for earned in decision.earned:
            if (customer_id, earned.wallet) in self._releases.frozen:
                self._points.extend(customer_id, earned.wallet, at)
                continue
            lots[earned.pot] = self._points.earn(due, earned, at)
            if self._measures is not None:
                self._measures.add_points(customer_id, at, earned.wallet, earned.points)
        self._refused[due.event_type, due.event_id] = _Refused(due, state, lots)
        return Evaluation((), decision)

    def _decide_again(self, refused: _Refused, at: datetime) -> None:
        due = refused.due
        evaluation = self._decide_as_of_then(due, refused.state)
        if self._is_refused(due.customer_id, evaluation.decision):
            self._refused[due.event_type, due.event_id] = refused
            return
        self._totals.book(evaluation.decision)
        for earned in evaluation.decision.earned:
            self._totals.points_by_customer[due.customer_id] += earned.points
            self._points.totals[earned.wallet].given += earned.points
        self._earn_late(due, evaluation, refused.lots, at)
        self._releases.hear_again(due.customer_id, at)

    def _decide_as_of_then(self, due: Due, state: CustomerState) -> Evaluation:
        usage, rooms = self._usage.of(due.customer_id, due.event.at), self._budgets.rooms(due.event.at)
        return self._engine.decide(state._replace(usage=usage, rooms=rooms), due.event, explains=False)

    def _earn_late(self, due: Due, evaluation: Evaluation, posted: Lots, at: datetime) -> None:
        """Book an event of before, but for what was ``posted`` for it already."""
        customer_id, earned_at, lots = due.customer_id, due.event.at, dict(posted)
        for earned in evaluation.decision.earned:
            if earned.pot in posted:
                continue
            lots[earned.pot] = self._points.earn(due, earned, at)
            if self._measures is not None:
                self._measures.add_points(
                    customer_id, at, earned.wallet, earned.points, earned_at=earned_at
                )  # fmt: skip
        if due.event.trigger is _ORDER:
            self._returns.remember(due.event_id, evaluation.decision, lots)
        self._usage.book(customer_id, earned_at, evaluation)
        self._budgets.book(earned_at, evaluation)

    def _is_too_old(self, due: Due, at: datetime) -> bool:
        days = self._engine.revision.policies.backdating_days
        return days is not None and due.event.at < at - timedelta(days=days)

    def _take_back(self, item: Returned, at: datetime, *, but: frozenset[str] = frozenset()) -> None:
        customer_id, taken_of, is_refused = item.customer_id, set(but), False
        for pot, asked, lot in self._returns.asked(item):
            wallet = wallet_of(pot)
            if pot in but or not asked:
                continue
            if (customer_id, wallet) in self._releases.frozen:
                is_refused = True
                continue
            taken_of.add(pot)
            points = self._points.take_back(customer_id, wallet, lot, asked, at)
            self._totals.points_by_customer[customer_id] -= points
            if self._measures is not None and points:
                self._measures.add_points(customer_id, at, wallet, -points)
        if is_refused:
            self._returns.forget(item)
            self._refused_returns[item.id] = _RefusedReturn(item, frozenset(taken_of))
