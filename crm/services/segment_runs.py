"""Runs over a tenant's segments: one at a time, by a lease that ends by itself when its worker dies."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F

from crm.models import SegmentRun, SegmentRunState
from tenants.errors import Conflict

LEASE = timedelta(minutes=10)
KEEP_RUNS = timedelta(days=30)
# Minutes before the next try, by failures in a row; the last for all further ones.
BACK_OFF_MINUTES = (1, 5, 15, 60)


class RunTakenOver(Conflict):
    """The lease ended and another run began: this one must not write any more."""

    code = "segment_run_taken_over"
    title = "The run lost its lease"


def back_off(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row (at least one)."""
    return timedelta(minutes=BACK_OFF_MINUTES[min(failures, len(BACK_OFF_MINUTES)) - 1])


@transaction.atomic
def begin(*, is_full: bool, at: datetime) -> SegmentRun | None:
    """Start a run; None while another holds its lease or the last failures ask for patience."""
    SegmentRun.objects.filter(state=SegmentRunState.RUNNING, lease_until__lt=at).update(
        state=SegmentRunState.FAILED,
        finished_at=F("lease_until"),
        error="The worker was lost; the run was taken over.",
    )
    if _must_wait(at):
        return None
    run: SegmentRun = SegmentRun(
        state=SegmentRunState.RUNNING, is_full=is_full, started_at=at, lease_until=at + LEASE
    )
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError:
        return None
    return run


def _must_wait(at: datetime) -> bool:
    """Tell whether runs failed one after the other and the pause after the last is not over."""
    failures = 0
    latest: datetime | None = None
    longest = len(BACK_OFF_MINUTES)
    for run in SegmentRun.objects.exclude(state=SegmentRunState.RUNNING).order_by("-started_at")[:longest]:
        if run.state != SegmentRunState.FAILED:
            break
        latest = latest or run.finished_at
        failures += 1
    return latest is not None and at < latest + back_off(failures)


def extend(run: SegmentRun, *, at: datetime) -> None:
    """Show a sign of life. Raises ``RunTakenOver``."""
    held = SegmentRun.objects.filter(pk=run.pk, state=SegmentRunState.RUNNING)
    if not held.update(lease_until=at + LEASE):
        raise RunTakenOver


@transaction.atomic
def finish(run: SegmentRun, *, seconds: float, error: str = "") -> SegmentRun:
    """End the run with its counts and how long it took; old runs are forgotten."""
    run.duration_ms = round(seconds * 1000)
    run.finished_at = run.started_at + timedelta(seconds=seconds)
    run.state = SegmentRunState.FAILED if error else SegmentRunState.DONE
    run.error = error[:2000]
    run.save()
    SegmentRun.objects.filter(started_at__lt=run.started_at - KEEP_RUNS).delete()
    return run
