"""Posting history: orders and returns replayed in time order through the same engine, batch by batch.

Tiers, order counts and monthly caps evolve as they would have: the replay keeps one small window per customer
and reads documents that were decided earlier only to fill it. A batch is a transaction; what one run left
undecided, the next finds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from rewards.domain.engine import CustomerState, Evaluation, OrderPlaced, evaluate
from rewards.domain.expiry import month_of
from rewards.domain.tiers import ROLLING_YEAR, RollingSpend, standing
from rewards.queries import customer_states, documents, programs
from rewards.queries.customer_states import MonthUsage
from rewards.queries.documents import ORDER, Document, Place
from rewards.queries.programs import PublishedRevision
from rewards.services import decisions
from tenants.domain.actors import Actor
from tenants.errors import Conflict
from tenants.models import Tenant
from tenants.scope import tenant_scope

BATCH = 10_000
Progress = Callable[[int, int, str], None]


class NoProgram(Conflict):
    code = "no_published_program"
    title = "Publish a program before posting history"


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """What a run decided, and the moment of the last document."""

    orders: int
    returns: int
    last_at: datetime | None


@dataclass(slots=True)
class _Replay:
    published: PublishedRevision
    spend_by_customer: dict[int, RollingSpend]
    usage: MonthUsage
    by: Actor
    at: datetime
    orders: int = 0
    returns: int = 0

    def run(self, page: list[Document]) -> None:
        """Decide one page: all orders are evaluated in time order among the returns, then posted as sets."""
        new_orders = [item.id for item in page if item.kind == ORDER and not item.is_decided]
        lines = documents.lines_by_order(new_orders)
        decided: list[tuple[Document, Evaluation]] = []
        returns: list[Document] = []
        for document in page:
            spend = self.spend_by_customer[document.customer_id]
            if document.kind != ORDER:
                spend.give_back(document.order_id, document.total_minor)
                if not document.is_decided:
                    returns.append(document)
                continue
            if not document.is_decided:
                event = OrderPlaced(
                    document.happened_at, document.total_minor, document.channel, lines.get(document.id, [])
                )
                state = self._state(document, spend)
                evaluation = evaluate(self.published.revision, state, event)
                self._count_usage(document, evaluation)
                decided.append((document, evaluation))
            spend.at(document.happened_at)
            spend.add(document.id, document.happened_at, document.total_minor)
        options = {"published": self.published, "by": self.by, "at": self.at}
        self.orders += decisions.carry_out_orders(decided, **options)  # type: ignore[arg-type]
        self.returns += decisions.carry_out_returns(returns, **options)  # type: ignore[arg-type]

    def _state(self, document: Document, spend: RollingSpend) -> CustomerState:
        revision = self.published.revision
        total = spend.at(document.happened_at)
        tier = standing(revision.tiers, total).tier
        usage: dict[str, int] = {}
        if revision.has_monthly_caps:
            usage = self.usage[document.customer_id, month_of(document.happened_at, revision.time_zone)]
        return CustomerState(tier.key if tier else None, spend.orders_before, total, usage)

    def _count_usage(self, document: Document, evaluation: Evaluation) -> None:
        revision = self.published.revision
        if revision.has_monthly_caps:
            used = self.usage[document.customer_id, month_of(document.happened_at, revision.time_zone)]
            for outcome in evaluation.decision.outcomes:
                if outcome.points:
                    # A new mapping: the decision before keeps the one it saw.
                    used = {**used, outcome.rule: used.get(outcome.rule, 0) + outcome.points}
            self.usage[document.customer_id, month_of(document.happened_at, revision.time_zone)] = used


def post(*, tenant: Tenant, by: Actor, at: datetime, progress: Progress) -> HistoryReport:
    """Decide and post every undecided order and return of known customers, in time order.

    Opens its own scopes. Raises ``NoProgram`` when no revision is published.
    """
    with tenant_scope(tenant):
        published = programs.published()
        if published is None:
            raise NoProgram
        backlog = documents.backlog()
        if backlog.first_at is None:
            return HistoryReport(0, 0, None)
        since = backlog.first_at - ROLLING_YEAR
        replay = _replay(published, since, by=by, at=at)
    place, done, is_first = Place(since, 0, 0), 0, True
    while True:
        with tenant_scope(tenant):
            page = documents.page(place, BATCH)
            if not page:
                break
            replay.run(page)
        done += sum(not document.is_decided for document in page)
        place = documents.place_after(page[-1])
        progress(done, backlog.waiting, f"{replay.orders} orders, {replay.returns} returns")
        if is_first:
            _analyze(tenant)
            is_first = False
    _analyze(tenant)
    return HistoryReport(replay.orders, replay.returns, backlog.last_at)


def _analyze(tenant: Tenant) -> None:
    """Tell the planner what the ledger holds now, for the next pages and for whoever reads it afterwards."""
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT rewards_analyze_ledger()")


def _replay(published: PublishedRevision, since: datetime, *, by: Actor, at: datetime) -> _Replay:
    spend: dict[int, RollingSpend] = defaultdict(RollingSpend)
    for customer_id, orders in documents.orders_before(since).items():
        spend[customer_id].orders_before = orders
    usage: MonthUsage = defaultdict(dict)
    if published.revision.has_monthly_caps:
        usage.update(customer_states.month_usage(published.revision, since=since))
    return _Replay(published, spend, usage, by, at)
