"""The pipeline remembers through its jobs alone; here the worker is a function call."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from loyalty_saas.demo.stages import Pipeline, Stage, StageFailed, Track
from tenants.domain.actors import Actor
from tenants.models import Job, Tenant
from tenants.queue import JobContext, registry
from tenants.scope import tenant_scope
from tenants.services import jobs

pytestmark = pytest.mark.django_db(transaction=True)


class Screen:
    """An observer that keeps what it was shown."""

    def __init__(self) -> None:
        self.state_by_stage: dict[str, str | None] = {}

    def show(self, track: Track, stage: Stage, job: Job | None) -> None:
        self.state_by_stage[f"{track.tenant.slug}/{stage.name}"] = job.state if job else None


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three kinds of job that write down their runs; `demo_test.fragile` fails while told to."""
    journal: list[str] = []

    def handler(*, job: JobContext) -> dict[str, Any]:
        journal.append(f"{job.tenant.slug}/{job.params['name']}")
        if job.params.get("fails") and journal.count(journal[-1]) == 1:
            raise RuntimeError("the disk was full")
        return {"rows": 3}

    monkeypatch.setitem(registry.handler_by_kind, "demo_test.step", handler)
    monkeypatch.setitem(registry.queue_by_kind, "demo_test.step", "default")
    monkeypatch.setattr("tenants.queue.send", lambda *_: None)
    return journal


def step(name: str, *after: str, **params: object) -> Stage:
    return Stage(name, name.capitalize(), "demo_test.step", {"name": name, **params}, after)


def work_off(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        queued = list(Job.objects.filter(state=Job.State.QUEUED).values_list("pk", flat=True))
    for job_id in queued:
        jobs.run(tenant_id=tenant.pk, job_id=job_id)


def pipeline(actor: Actor, since: datetime, *tracks: Track) -> tuple[Pipeline, Screen]:
    screen = Screen()
    return Pipeline(tracks, actor, since, screen), screen


def test_stages_wait_for_those_they_come_after(
    tenant: Tenant, other_tenant: Tenant, actor: Actor, now: datetime, kinds: list[str]
) -> None:
    diamond = [step("load"), step("points", "load"), step("train", "load"), step("close", "points", "train")]
    run, screen = pipeline(actor, now, Track(tenant, diamond), Track(other_tenant, [step("load")]))
    assert run.advance(now) is False
    assert screen.state_by_stage == {
        "acme/load": "queued",
        "acme/points": None,
        "acme/train": None,
        "acme/close": None,
        "globex/load": "queued",
    }
    for moving in (tenant, other_tenant, tenant):
        work_off(moving)
        run.advance(now)
    assert kinds == ["acme/load", "globex/load", "acme/points", "acme/train"]
    assert screen.state_by_stage["acme/close"] == "queued"
    work_off(tenant)
    assert run.advance(now) is True
    assert [(track.tenant.slug, stage.name, job.state) for track, stage, job in run.outcome()] == [
        ("acme", "load", "succeeded"),
        ("acme", "points", "succeeded"),
        ("acme", "train", "succeeded"),
        ("acme", "close", "succeeded"),
        ("globex", "load", "succeeded"),
    ]


def test_a_second_run_does_nothing_again(
    tenant: Tenant, actor: Actor, now: datetime, kinds: list[str]
) -> None:
    track = Track(tenant, [step("load"), step("points", "load")])
    first, _ = pipeline(actor, now, track)
    for _turn in range(3):
        first.advance(now)
        work_off(tenant)
    later = now + timedelta(days=1)
    second, _ = pipeline(actor, later, track)
    assert second.advance(later) is True
    assert kinds == ["acme/load", "acme/points"]
    with tenant_scope(tenant):
        assert Job.objects.count() == 2


def test_an_interrupted_run_continues_with_the_open_stage(
    tenant: Tenant, actor: Actor, now: datetime, kinds: list[str]
) -> None:
    track = Track(tenant, [step("load"), step("points", "load")])
    interrupted, _ = pipeline(actor, now, track)
    interrupted.advance(now)
    later = now + timedelta(hours=1)
    resumed, screen = pipeline(actor, later, track)
    assert resumed.advance(later) is False
    assert screen.state_by_stage["acme/load"] == "queued"
    work_off(tenant)
    resumed.advance(later)
    work_off(tenant)
    assert resumed.advance(later) is True
    assert kinds == ["acme/load", "acme/points"]


def test_a_failed_stage_ends_the_run_and_is_tried_again_by_the_next(
    tenant: Tenant, actor: Actor, now: datetime, kinds: list[str]
) -> None:
    track = Track(tenant, [step("load", fails=True)])
    first, screen = pipeline(actor, now, track)
    first.advance(now)
    work_off(tenant)
    with pytest.raises(StageFailed, match=r"Acme: “Load” failed. the disk was full") as caught:
        first.advance(now)
    assert "RuntimeError: the disk was full" in caught.value.job.error
    assert screen.state_by_stage == {"acme/load": "failed"}
    later = now + timedelta(hours=1)
    second, _ = pipeline(actor, later, track)
    assert second.advance(later) is False
    work_off(tenant)
    assert second.advance(later) is True
    assert kinds == ["acme/load", "acme/load"]


def test_other_parameters_are_another_stage(tenant: Tenant, actor: Actor, now: datetime) -> None:
    first, _ = pipeline(actor, now, Track(tenant, [step("train", model="churn")]))
    first.advance(now)
    work_off(tenant)
    assert first.advance(now) is True
    second, _ = pipeline(actor, now, Track(tenant, [step("train", model="purchase")]))
    assert second.advance(now) is False


def test_a_moved_file_is_the_same_stage(
    tenant: Tenant, actor: Actor, now: datetime, kinds: list[str]
) -> None:
    first, _ = pipeline(actor, now, Track(tenant, [step("load", path="/old/place/orders.csv")]))
    first.advance(now)
    work_off(tenant)
    moved, _ = pipeline(actor, now, Track(tenant, [step("load", path="/new/place/orders.csv")]))
    assert moved.advance(now) is True
    other, _ = pipeline(actor, now, Track(tenant, [step("load", path="/new/place/returns.csv")]))
    assert other.advance(now) is False
