"""Rehearsals that read ahead on a connection of their own."""

from __future__ import annotations

import contextlib
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from rewards.models import Rehearsal
from rewards.services import programs, rehearsals
from tenants.domain.actors import SYSTEM
from tenants.models import AuditEntry, Job, Tenant
from tenants.scope import tenant_scope
from tenants.services import jobs
from tenants.services.heartbeats import JobCancelled
from tests.rewards.factories import NOW, make_customer, make_order
from tests.rewards.test_rules import play_history, publish, rules

DAY = timedelta(days=1)


def rehearsed(tenant: Tenant, number: int) -> Any:
    rehearsals.rehearse(
        tenant=tenant, number=number, days=60, by=SYSTEM, label="me", at=NOW, progress=lambda *_: None
    )
    with tenant_scope(tenant):
        return Rehearsal.objects.latest("id").result


@pytest.mark.django_db(transaction=True)
def test_reading_ahead_and_reading_in_turn_tell_the_same(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        make_order(make_customer(member_since=NOW), [("A", 1, 1000)], NOW - 2 * DAY)
    with tenant_scope(tenant):
        budget = [{"key": "b", "name": "B", "period": "week", "points": 25}]
        published = publish(*rules(), budgets=budget)
        play_history()
        draft = programs.save_draft(document=published.document, by=SYSTEM, at=NOW)
    assert not connection.in_atomic_block
    ahead = rehearsed(tenant, draft.number)
    with transaction.atomic():
        in_turn = rehearsed(tenant, draft.number)
    assert ahead == in_turn
    assert ahead["events"] == 20
    assert ahead["points"] == ahead["actual"]


@pytest.mark.django_db(transaction=True)
def test_an_error_while_reading_ahead_ends_the_rehearsal(tenant: Tenant, monkeypatch: Any) -> None:
    with tenant_scope(tenant):
        draft = programs.save_draft(document=publish(*rules()[:2]).document, by=SYSTEM, at=NOW)
    read, days = rehearsals.past.orders, []

    def fail_on_the_third(since: Any, *rest: Any, **options: Any) -> Any:
        days.append(since)
        if len(days) == 3:
            raise RuntimeError("the connection is gone")
        return read(since, *rest, **options)

    monkeypatch.setattr(rehearsals.past, "orders", fail_on_the_third)
    with pytest.raises(RuntimeError, match="the connection is gone"):
        rehearsed(tenant, draft.number)
    with tenant_scope(tenant):
        assert not Rehearsal.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_rehearsal_leaves_neither_a_result_nor_a_reader(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        draft = programs.save_draft(document=publish(*rules()[:2]).document, by=SYSTEM, at=NOW)
    readers = threading.active_count()

    def cancel_on_the_second_day(done: int, _total: int, _message: str) -> None:
        if done == 2:
            raise JobCancelled

    with pytest.raises(JobCancelled) as cancelled:
        rehearsals.rehearse(
            tenant=tenant, number=draft.number, days=60, by=SYSTEM, label="me", at=NOW,
            progress=cancel_on_the_second_day,
        )  # fmt: skip
    # Whoever holds the error holds nothing else.
    assert (cancelled.traceback is not None, threading.active_count()) == (True, readers)
    with tenant_scope(tenant):
        assert not Rehearsal.objects.exists()
        draft.refresh_from_db()
        assert draft.state == "draft"


@pytest.mark.django_db(transaction=True, databases=["default", "platform"])
def test_a_job_that_is_run_again_after_its_worker_died_keeps_one_result(
    tenant: Tenant, monkeypatch: Any
) -> None:
    with tenant_scope(tenant):
        draft = programs.save_draft(document=publish(*rules()[:2]).document, by=SYSTEM, at=NOW)
        job = rehearsals.request(revision=draft, days=5, by=SYSTEM, at=timezone.now())
    keep = rehearsals._keep
    # Killed in the transaction that keeps the result, then right after it, before the job has ended.
    for kept, dies in ((0, _dying_before), (1, _dying_after), (1, keep)):
        monkeypatch.setattr(rehearsals, "_keep", dies if dies is keep else dies(keep))
        with contextlib.suppress(SystemExit):
            jobs.run(tenant_id=tenant.pk, job_id=job.pk)
        with tenant_scope(tenant):
            assert Rehearsal.objects.count() == kept
            assert AuditEntry.objects.filter(action="program.rehearsed").count() == kept
            draft.refresh_from_db()
            assert draft.state == ("rehearsed" if kept else "draft")
        jobs.sweep(at=timezone.now() + DAY)
    with tenant_scope(tenant):
        job.refresh_from_db()
        assert (job.state, job.attempts) == (Job.State.SUCCEEDED, 3)
        until, now = datetime.fromisoformat(job.params["until"]), timezone.now()
        rehearsals.rehearse(
            tenant=tenant, number=draft.number, days=5, by=SYSTEM, label="me", at=now,
            progress=lambda *_: None, until=until, asked_at=now,
        )  # fmt: skip
        # Who asks again gets another one: what has arrived since counts.
        assert Rehearsal.objects.count() == 2


def _dying_before(keep: Any) -> Any:
    def die(*values: Any, **options: Any) -> None:
        with transaction.atomic():
            keep(*values, **options)
            raise SystemExit

    return die


def _dying_after(keep: Any) -> Any:
    def die(*values: Any, **options: Any) -> None:
        transaction.on_commit(_exit)
        keep(*values, **options)

    return die


def _exit() -> None:
    raise SystemExit
