"""Refreshing rule segments: in full, or only for the customers to whom something happened.

A run works in the order in which segments refer to each other and in one transaction a segment. A segment
that fails keeps its members, says why and is tried again with growing pauses, in full, because it may have
missed notes; the others go on. Rules that time alone changes are refreshed in full every hour while that
is cheap, all of them every night.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from time import perf_counter

import structlog
from django.db import connection, transaction

from crm.domain.hidden_values import hiding
from crm.domain.rules import Rule, parse
from crm.domain.segment_order import refresh_order
from crm.locks import lock_segment
from crm.models import Segment, SegmentDeparture, SegmentKind, SegmentRun
from crm.queries import segment_references, segment_sql, sensitive
from crm.services import customer_touches, profile_additions, profiles, segment_members, segment_runs
from crm.services.segment_runs import RunTakenOver, back_off
from tenants.models import Tenant
from tenants.queue import send, shard_queue
from tenants.scope import active_tenant, tenant_scope, tenants_with

log = structlog.get_logger(__name__)
MOST_NOTES = 50_000
HOURLY = timedelta(hours=1)
# Dearer rules that depend on time wait for the night.
CHEAP_MS = 5_000
KEEP_HISTORY = timedelta(days=400)
Progress = Callable[[int, int, str], None]
_WANTED = "SELECT matched.id, ''::text AS reason FROM ({statement}) matched"
_DUE = """
SELECT t.id FROM tenants_tenant t
WHERE EXISTS (SELECT FROM crm_customertouch n WHERE n.tenant_id = t.id)
   OR EXISTS (SELECT FROM crm_segment s WHERE s.tenant_id = t.id AND s.kind = 'rule'
                AND (s.retry_at <= %(at)s
                     OR (s.retry_at IS NULL AND s.depends_on_time AND s.refresh_ms < %(cheap_ms)s
                         AND s.fully_refreshed_at < %(hour_ago)s)))
ORDER BY t.id
"""


def recompute(segment: Segment, rule: Rule, *, at: datetime) -> None:
    """Bring all members of the locked segment in line with the rule, and save it."""
    tenant, start = active_tenant(), perf_counter()
    statement, params = segment_sql.matching(rule, tenant_id=tenant.pk, at=at, zone=tenant.zone)
    with connection.cursor() as cursor:
        # Sorting and hashing a million customers in memory; the machine has the transaction's few at a time.
        cursor.execute("SET LOCAL work_mem = '128MB'; SET LOCAL jit = off")
    change = segment_members.sync(segment, (_WANTED.replace("{statement}", statement), params), at=at)
    segment_members.settle(segment, change, at=at)
    segment_members.note_dependents(segment, change, at=at)
    segment.refresh_ms = round((perf_counter() - start) * 1000)
    segment.fully_refreshed_at = at
    _save_healthy(segment)


def _recompute_some(segment: Segment, rule: Rule, customer_ids: Collection[int], at: datetime) -> None:
    tenant = active_tenant()
    statement, params = segment_sql.matching(
        rule, tenant_id=tenant.pk, at=at, zone=tenant.zone, only=customer_ids
    )
    wanted = (_WANTED.replace("{statement}", statement), params)
    change = segment_members.sync(segment, wanted, at=at, only=customer_ids)
    segment_members.settle(segment, change, at=at)
    _save_healthy(segment)


def _save_healthy(segment: Segment) -> None:
    segment.last_error, segment.failures, segment.retry_at = "", 0, None
    segment.save(
        update_fields=[
            "member_count", "refreshed_at", "refresh_ms", "fully_refreshed_at", "last_error", "failures",
            "retry_at",
        ]
    )  # fmt: skip


@transaction.atomic
def refresh(*, segment: Segment, at: datetime, customer_ids: Collection[int] | None = None) -> Segment:
    """Refresh a rule segment, in full or for some customers; a failure is kept on it with the next try."""
    segment = lock_segment(segment.pk)
    if segment.kind != SegmentKind.RULE:
        return segment
    try:
        with transaction.atomic():
            # What became sensitive after the segment was made is not read any more.
            rule = hiding(parse(segment.rule), sensitive.hidden())
            if customer_ids is None:
                recompute(segment, rule, at=at)
            else:
                _recompute_some(segment, rule, customer_ids, at)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is shown and the old members stay
        log.warning("segment.failed", segment=segment.key, error=str(error))
        segment = lock_segment(segment.pk)
        segment.last_error = f"{type(error).__name__}: {error}"[:2000]
        segment.failures += 1
        segment.retry_at = at + back_off(segment.failures)
        segment.save(update_fields=["last_error", "failures", "retry_at"])
    return segment


def in_order(keys: Collection[str] | None = None) -> list[Segment]:
    """Return the rule segments, all or those named, each after those it refers to."""
    by_key = {each.key: each for each in Segment.objects.filter(kind=SegmentKind.RULE)}
    order = refresh_order(segment_references.references())
    return [by_key[key] for key in order if key in by_key and (keys is None or key in keys)]


def refresh_all(
    *, tenant: Tenant, at: datetime, keys: Collection[str] | None = None, progress: Progress | None = None
) -> dict[str, object]:
    """Refresh every rule segment in full, or those named, each in a transaction of its own."""
    with tenant_scope(tenant):
        if keys is None:
            profiles.refresh_cells(at=at)
        due = in_order(keys)
    failed: list[str] = []
    for done, segment in enumerate(due, start=1):
        with tenant_scope(tenant):
            if refresh(segment=segment, at=at).last_error:
                failed.append(segment.key)
        if progress is not None:
            progress(done, len(due), segment.name)
    if keys is None:
        with tenant_scope(tenant):
            SegmentDeparture.objects.filter(left_at__lt=at - KEEP_HISTORY).delete()
    return {"refreshed": len(due) - len(failed), "failed": failed}


def refresh_touched(*, tenant: Tenant, at: datetime) -> SegmentRun | None:
    """Work off what happened since the last run; None when another run is at it or must be waited for.

    The notes are deleted at the very end, so a run that dies is repeated and nothing is missed.
    """
    start = perf_counter()
    with tenant_scope(tenant):
        touched = customer_touches.waiting(MOST_NOTES)
        run = segment_runs.begin(is_full=touched.is_everyone, at=at)
    if run is None:
        return None
    try:
        _work_off(tenant, run, touched, at)
    except RunTakenOver:
        raise
    except Exception as error:
        log.exception("segment_run.failed", tenant_id=tenant.pk)
        with tenant_scope(tenant):
            return segment_runs.finish(
                run, seconds=perf_counter() - start, error=f"{type(error).__name__}: {error}"
            )
    with tenant_scope(tenant):
        customer_touches.forget(touched.note_ids)
        return segment_runs.finish(run, seconds=perf_counter() - start)


def _work_off(tenant: Tenant, run: SegmentRun, touched: customer_touches.Touched, at: datetime) -> None:
    if touched.is_history_of_everyone:
        profiles.refresh_everyone(tenant=tenant, at=at, alive=lambda: segment_runs.extend(run, at=at))
    with tenant_scope(tenant):
        to_read = profile_additions.add(since_by_customer=touched.since_by_customer, at=at)
        profiles.refresh(customer_ids={*touched.history_ids, *to_read}, at=at)
        segments = in_order()
    run.customers = len(touched.customer_ids)
    for segment in segments:
        in_full = touched.is_everyone or _is_due_in_full(segment, at)
        if not in_full and (segment.retry_at is not None or not touched.customer_ids):
            continue
        with tenant_scope(tenant):
            segment_runs.extend(run, at=at)
            only: Sequence[int] | None = None if in_full else touched.customer_ids
            refreshed = refresh(segment=segment, at=at, customer_ids=only)
        run.segments += 1
        run.failed += bool(refreshed.last_error)


def _is_due_in_full(segment: Segment, at: datetime) -> bool:
    if segment.retry_at is not None:
        return segment.retry_at <= at
    if segment.fully_refreshed_at is None:
        return True
    is_cheap = (segment.refresh_ms or 0) < CHEAP_MS
    return segment.depends_on_time and is_cheap and segment.fully_refreshed_at < at - HOURLY


def start_due(*, at: datetime) -> int:
    """Send a run for every tenant that has something to work off; return how many. Safe to repeat."""
    due = tenants_with(_DUE, {"at": at, "hour_ago": at - HOURLY, "cheap_ms": CHEAP_MS})
    for tenant_id in due:
        send("crm.refresh_touched_segments", shard_queue("default", tenant_id), {"tenant_id": tenant_id})
    return len(due)
