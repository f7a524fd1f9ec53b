"""Rehearsing a revision: the real events of the last days, played through it, stored with the revision."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final

from django.db import connection, connections, transaction

from crm.queries import sensitive
from rewards.domain.engine import Engine
from rewards.domain.past import in_time_order
from rewards.domain.rehearsal_days import FIRST_DAY, MOST_DAYS, ends_at, pages, starts_at
from rewards.domain.rehearsal_reports import report
from rewards.domain.rehearsals import ShadowLedger
from rewards.domain.revisions import LEADS_TO, Step, digest_of, may
from rewards.locks import lock_revision
from rewards.models import ProgramRevision, Rehearsal, RevisionState
from rewards.queries import (
    programs,
    rehearsal_activity,
    rehearsal_actuals,
    rehearsal_challenges,
    rehearsal_days,
    rehearsal_releases,
    rehearsal_windows,
)
from rewards.queries import rehearsals as past
from rewards.services import shadow_ledgers
from rewards.services.history import without_cycle_search
from rewards.services.programs import WrongRevisionState
from tenants.domain.actors import Actor
from tenants.errors import FieldError, InvalidInput, NotFound
from tenants.models import Job, Tenant
from tenants.scope import active_tenant, tenant_scope
from tenants.services import audit, jobs

INSTANT: Final = timedelta(microseconds=1)
KIND: Final = "rewards.rehearse"
DAYS_AHEAD: Final = 2
Progress = Callable[[int, int, str], None]


@transaction.atomic
def request(
    *, revision: ProgramRevision, days: int, by: Actor, at: datetime, ends_on: date | None = None
) -> Job:
    """Start the job that rehearses a revision over some days, which end with ``ends_on``.

    Without one they end now or, where nothing has happened in them, with the day of the last event. Raises
    ``InvalidInput`` and ``WrongRevisionState``.
    """
    zone = active_tenant().zone
    errors = []
    if not 1 <= days <= MOST_DAYS:
        errors.append(FieldError("/days", "out_of_range", f"From 1 to {MOST_DAYS} days."))
    if ends_on is not None and not FIRST_DAY <= ends_on <= at.astimezone(zone).date():
        errors.append(FieldError("/ends_on", "out_of_range", f"From {FIRST_DAY} to today."))
    if errors:
        raise InvalidInput(errors=errors)
    if revision.state in {RevisionState.PUBLISHED, RevisionState.RETIRED}:
        raise WrongRevisionState(f"The revision is {revision.state}.", state=revision.state)
    moved_to = None if ends_on else _moved_to(programs.bind(revision).engine, days, zone, at)
    until = ends_at(ends_on or moved_to or at.astimezone(zone).date(), zone, at)
    params = {
        "number": revision.number, "days": days, "by": by.label[:200], "until": until.isoformat(),
        "is_moved": moved_to is not None, "asked_at": at.isoformat(),
    }  # fmt: skip
    return jobs.start(kind=KIND, params=params, by=by, at=at)


def _moved_to(engine: Engine, days: int, zone: tzinfo, at: datetime) -> date | None:
    """Return the day of the last event where nothing has happened in the last days."""
    newest = rehearsal_activity.newest(engine, at)
    if newest is None or newest >= starts_at(at, days, zone):
        return None
    return newest.astimezone(zone).date()


def rehearse(
    *, tenant: Tenant, number: int, days: int, by: Actor, label: str, at: datetime, progress: Progress,
    until: datetime | None = None, is_moved: bool = False, asked_at: datetime | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Play the days before ``until`` (``None``: now) through a revision and keep the result with it.

    Opens its own scopes. The result says whether the days were moved to where the last event is. A draft
    becomes rehearsed unless somebody edited it meanwhile. What was ``asked_at`` a moment keeps one result,
    also if it runs again because a worker died. Raises ``NotFound``.
    """
    with tenant_scope(tenant):
        row = ProgramRevision.objects.filter(number=number).first()
        if row is None:
            raise NotFound(f"There is no revision {number}.")
        document, engine = row.document, programs.bind(row).engine
        published = programs.published()
    result = play(tenant=tenant, engine=engine, days=days, until=until or at, progress=progress,
                  live=published.engine if published else None)  # fmt: skip
    result["is_moved"] = is_moved
    with tenant_scope(tenant):
        _keep(row.pk, document, days, result, by=by, label=label, at=at, asked_at=asked_at)
    return {"events": result["events"], "points": result["points"]["given"]}


def play(
    *, tenant: Tenant, engine: Engine, days: int, until: datetime, live: Engine | None, progress: Progress
) -> dict[str, Any]:
    """Return what a revision would have done with the events of so many days before a moment."""
    since = starts_at(until, days, engine.revision.time_zone)
    ledger = played(tenant=tenant, engine=engine, since=since, until=until, live=live, progress=progress)
    names = {rule.key: rule.name for each in (live, engine) if each for rule in each.revision.rules}
    with tenant_scope(tenant):
        actual = rehearsal_actuals.actual(live, since, until)
    return {**report(ledger, actual, until=until - INSTANT, live=live, names=names),
            "since": since.isoformat(), "until": until.isoformat(), "days": days}  # fmt: skip


def played(
    *, tenant: Tenant, engine: Engine, since: datetime, until: datetime, live: Engine | None,
    progress: Progress, tells_all_lots_apart: bool = False,
) -> ShadowLedger:  # fmt: skip
    """Return the ledger of a rehearsal in the end; ``until`` itself is not played.

    A day is read and played at a time, so that neither memory nor a transaction grows with the days.
    """
    with tenant_scope(tenant):
        ledger = shadow_ledgers.opened(engine, live, since, until, tells_all_lots_apart=tells_all_lots_apart)

    def read(day: tuple[datetime, datetime]) -> list[Any]:
        with tenant_scope(tenant):
            return what_happened(ledger, *day, began=since)

    days = pages(since, until)
    # Whoever is cancelled leaves no thread and no connection behind.
    with without_cycle_search(), closing(_read_ahead(read, days)) as told:
        for number, happened in enumerate(told, start=1):
            ledger.play(happened)
            progress(number, len(days), f"{ledger.totals.events} events")
    ledger.points.close(until - INSTANT)
    return ledger


def what_happened(ledger: ShadowLedger, since: datetime, until: datetime, *, began: datetime) -> list[Any]:
    """Return what happened in a day. What left a window at the very first instant was never in it."""
    engine, measures, challenges = ledger.engine, ledger.measures, ledger.challenges
    revision, after = engine.revision, since + INSTANT if since == began else since
    worth = revision.exchange
    returned = past.returns(since, until, worth)
    return in_time_order(
        rehearsal_windows.left_year(after, until, revision),
        rehearsal_windows.left_window(after, until, revision, measures) if measures else (),
        past.locks(since, until),
        rehearsal_challenges.asked(since, until) if challenges else (),
        past.orders(
            since, until, worth, with_items=engine.needs.items,
            with_skus=challenges is not None and challenges.asks_skus,
        ),
        past.late_orders(returned, began, engine),
        returned,
        past.asked_returns(returned, engine),
        past.recounted(returned) if challenges else (),
        past.events(
            since, until, answered=engine.event_names, counted=measures.event_names if measures else (),
            read=challenges.event_names if challenges else (), hidden=sensitive.hidden(),
        ),
        rehearsal_releases.by_events(since, until, revision),
        ledger.timetable.between(since, until),
        list(ledger.movements.between(since, until)),
        rehearsal_days.days_of_members(since, until, engine),
        rehearsal_days.nights(after, until, revision.time_zone),
    )  # fmt: skip


def _read_ahead(
    read: Callable[[tuple[datetime, datetime]], list[Any]], days: Iterable[tuple[datetime, datetime]]
) -> Generator[list[Any]]:
    """Yield what is read of each day, while a thread with a connection of its own reads the next ones.

    Inside an open transaction, whose rows no other connection sees, everything happens in turn.
    """
    if connection.in_atomic_block:
        yield from map(read, days)
        return
    with ThreadPoolExecutor(max_workers=1) as reader:
        waiting: deque[Future[list[Any]]] = deque()
        try:
            for day in days:
                waiting.append(reader.submit(read, day))
                if len(waiting) > DAYS_AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()
            reader.submit(connections.close_all)


def _keep(
    revision_id: int, document: Any, days: int, result: dict[str, Any], *, by: Actor, label: str,
    at: datetime, asked_at: datetime | None,
) -> None:  # fmt: skip
    row = lock_revision(revision_id)
    played = {
        "revision": row, "digest": digest_of(document), "days": days,
        "until": datetime.fromisoformat(result["until"]),
    }  # fmt: skip
    if asked_at is not None and Rehearsal.objects.filter(**played, rehearsed_at__gte=asked_at).exists():
        return
    Rehearsal.objects.create(
        **played, result=result, rehearsed_at=at, rehearsed_by=label or by.label[:200]
    )  # fmt: skip
    if may(Step.REHEARSE, row.state) and row.document == document:
        row.state = RevisionState(LEADS_TO[Step.REHEARSE])
        row.save(update_fields=["state"])
    diff = {"days": [None, days], "points": [None, result["points"]["given"]]}
    audit.record(action="program.rehearsed", target=row, by=by, at=at, diff=diff)
