"""Posting history: orders and returns replayed in time order through the same engine, batch by batch.

Tiers and order counts evolve as they would have: the replay keeps one small window per customer
and reads documents that were decided earlier only to fill it. A batch is a transaction; what one run left
undecided, the next finds. Rules about returns are asked as they are live, after what the return takes back.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from django.db import connection, connections

from crm.services import customer_touches
from rewards import locks
from rewards.domain.facts import CustomerState, Due
from rewards.domain.rules import Trigger
from rewards.domain.tiers import ROLLING_YEAR, RollingSpend, standing
from rewards.queries import customer_states, documents, programs, tiers
from rewards.queries.documents import ORDER, Document, Place
from rewards.queries.programs import PublishedRevision
from rewards.services import decisions, evaluations
from rewards.services.evaluations import Decided
from rewards.services.history_pages import Page, Round
from tenants.domain.actors import Actor
from tenants.errors import Conflict
from tenants.models import Tenant
from tenants.scope import tenant_scope

BATCH = 10_000
Progress = Callable[[int, int, str], None]


class NoProgram(Conflict):
    """History is posted under the published program, and there is none."""

    code = "no_published_program"
    title = "Publish a program before posting history"


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """What a run decided, and the moment of the last document."""

    orders: int
    returns: int
    last_at: datetime | None


class _Carried(NamedTuple):
    """How many documents of one page were carried out."""

    orders: int
    returns: int


CarryOut = Callable[[list[Round]], _Carried]


@dataclass(slots=True)
class _Replay:
    published: PublishedRevision
    spend_by_customer: dict[int, RollingSpend]

    def decide(self, page: list[Document]) -> list[Round]:
        """Evaluate the page's orders and returns in time order; nothing is written."""
        engine = self.published.engine
        worth = engine.revision.exchange
        new_orders = [item.id for item in page if item.kind == ORDER and not item.is_decided]
        lines = documents.lines_by_order(new_orders, with_items=engine.needs.items)
        asked = self._asked(page)
        waiting = Page(engine.answers(Trigger.RETURN))
        for document in page:
            spend = self.spend_by_customer[document.customer_id]
            total = worth.minor(document.total_minor, document.currency)
            if document.kind == ORDER:
                if not document.is_decided:
                    due = documents.due_order(document, lines.get(document.id, ()), worth)
                    waiting.add(due, self._state(document, spend))
                spend.at(document.happened_at)
                spend.add(document.id, document.happened_at, total)
                continue
            if document.id in asked:
                waiting.add(asked[document.id], self._state(document, spend))
            if not document.is_decided:
                waiting.add_return(document)
            spend.give_back(document.order_id, document.happened_at, total)
        return waiting.rounds(self._decided(waiting.due, waiting.states))

    def _asked(self, page: list[Document]) -> dict[int, Due]:
        """Return what rules are asked about the page's new returns, by return."""
        if not self.published.engine.answers(Trigger.RETURN):
            return {}
        due = documents.due_returns([each.id for each in page if each.kind != ORDER and not each.is_decided])
        known = documents.decided_ids(due)
        return {item.event_id: item for item in due if (item.event_type, item.event_id) not in known}

    def _decided(self, due: list[Due], states: list[CustomerState]) -> list[Decided]:
        engine = self.published.engine
        asked = [(item.customer_id, item.event.at) for item in due]
        held = tiers.held_at(engine.revision, asked, [state.tier for state in states])
        states = [
            state if tier == state.tier else state._replace(tier=tier)
            for state, tier in zip(states, held, strict=True)
        ]
        if engine.needs.reads_members:
            facts = customer_states.member_facts(engine, {item.customer_id for item in due})
            states = [
                customer_states.with_facts(state, facts[item.customer_id])
                for item, state in zip(due, states, strict=True)
            ]
        if engine.needs.is_serial:
            return evaluations.decide(due, engine=engine, states=states)
        return [
            Decided(item, engine.decide(state, item.event)) for item, state in zip(due, states, strict=True)
        ]

    def _state(self, document: Document, spend: RollingSpend) -> CustomerState:
        total = spend.at(document.happened_at)
        tier = standing(self.published.revision.tiers, total).tier
        return CustomerState(tier.key if tier else None, spend.orders_before, total)


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
        replay = _replay(published, since)
    carry_out = partial(_carry_out, tenant=tenant, published=published, by=by, at=at)
    pages = (
        _serial_pages(tenant, replay, since, carry_out)
        if published.engine.needs.is_serial
        else _one_behind(carry_out, _decided_pages(tenant, replay, since))
    )
    orders = returns = 0
    with without_cycle_search():
        for page in pages:
            if not orders + returns:
                _analyze(tenant)
            orders, returns = orders + page.orders, returns + page.returns
            progress(orders + returns, backlog.waiting, f"{orders} orders, {returns} returns")
    _analyze(tenant)
    with tenant_scope(tenant):
        customer_touches.add_everyone(is_history=False)
    return HistoryReport(orders, returns, backlog.last_at)


def _serial_pages(
    tenant: Tenant, replay: _Replay, since: datetime, carry_out: CarryOut
) -> Iterator[_Carried]:
    """Decide and carry out each page in one transaction: caps and budgets leave no other way."""
    place = Place(since, 0, 0)
    while True:
        with tenant_scope(tenant):
            locks.lock_whole_program()
            page = documents.page(place, BATCH)
            if not page:
                return
            carried = carry_out(replay.decide(page))
        place = documents.place_after(page[-1])
        yield carried


def _decided_pages(tenant: Tenant, replay: _Replay, since: datetime) -> Iterator[list[Round]]:
    place = Place(since, 0, 0)
    while True:
        with tenant_scope(tenant):
            page = documents.page(place, BATCH)
            if not page:
                return
            decided = replay.decide(page)
        place = documents.place_after(page[-1])
        if decided:
            yield decided


def _carry_out(
    rounds: list[Round], *, tenant: Tenant, published: PublishedRevision, by: Actor, at: datetime
) -> _Carried:
    """Post one page, in one transaction."""
    orders = returns = 0
    with tenant_scope(tenant):
        for each in rounds:
            orders += decisions.carry_out(each.orders, published=published, by=by, at=at)
            returns += decisions.carry_out_returns(each.returns, published=published, by=by, at=at)
            decisions.carry_out(each.asked, published=published, by=by, at=at)
    return _Carried(orders, returns)


@contextmanager
def without_cycle_search() -> Iterator[None]:
    """Pause the garbage collector: walking a million short-lived lines for cycles was half of the work."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _one_behind(work: Callable[[list[Round]], _Carried], pages: Iterator[list[Round]]) -> Iterator[_Carried]:
    """Carry out each page in a thread with a connection of its own, while the next one is being decided.

    Inside an open transaction, whose rows no other connection sees, everything happens in turn.
    """
    if connection.in_atomic_block:
        yield from map(work, pages)
        return
    with ThreadPoolExecutor(max_workers=1) as worker:
        running: Future[_Carried] | None = None
        try:
            for page in pages:
                before = running.result() if running else None
                running = worker.submit(work, page)
                if before is not None:
                    yield before
            if running:
                yield running.result()
        finally:
            worker.submit(connections.close_all)


def _analyze(tenant: Tenant) -> None:
    """Tell the planner what the ledger holds now, for the next pages and for whoever reads it afterwards."""
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT rewards_analyze_ledger()")


def _replay(published: PublishedRevision, since: datetime) -> _Replay:
    spend: dict[int, RollingSpend] = defaultdict(RollingSpend)
    for customer_id, orders in documents.orders_before(since).items():
        spend[customer_id].orders_before = orders
    return _Replay(published, spend)
