"""What the demonstration does, as stages that each are one job of the product, and in which order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from tenants.domain.actors import Actor
from tenants.models import Job, Tenant
from tenants.scope import tenant_scope
from tenants.services import jobs


@dataclass(frozen=True, slots=True)
class Stage:
    """One job of one tenant, started when the stages named in `after` (of the same tenant) have succeeded."""

    name: str
    label: str
    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Track:
    """All stages of one tenant."""

    tenant: Tenant
    stages: Sequence[Stage]


class StageFailed(Exception):
    """A stage's job ended without success."""

    def __init__(self, track: Track, stage: Stage, job: Job) -> None:
        state = str(job.get_state_display()).lower()
        super().__init__(f"{track.tenant.name}: “{stage.label}” {state}. {job.message}")
        self.job = job


class Observer(Protocol):
    """Sees every stage at every turn: what draws the progress bars."""

    def show(self, track: Track, stage: Stage, job: Job | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Runs tracks side by side.

    The jobs in the database are the only memory: a stage whose job succeeded is done for ever, one whose job
    is open is waited for, and one that failed before `since`, in an earlier run, is started again.
    """

    tracks: Sequence[Track]
    by: Actor
    since: datetime
    observer: Observer

    def advance(self, at: datetime) -> bool:
        """Start what may start, show everything; return whether all is done. Raises `StageFailed`."""
        unfinished = [track for track in self.tracks if not self._advance_track(track, at)]
        return not unfinished

    def outcome(self) -> list[tuple[Track, Stage, Job]]:
        """Every stage that has a job, with it."""
        found = []
        for track in self.tracks:
            with tenant_scope(track.tenant):
                job_by_stage = self._jobs(track.stages)
            found += [(track, stage, job) for stage in track.stages if (job := job_by_stage[stage.name])]
        return found

    def _advance_track(self, track: Track, at: datetime) -> bool:
        with tenant_scope(track.tenant):
            job_by_stage = self._jobs(track.stages)
            done = {name for name, job in job_by_stage.items() if job and job.state == Job.State.SUCCEEDED}
            for stage in track.stages:
                if job_by_stage[stage.name] is None and done.issuperset(stage.after):
                    params = dict(stage.params)
                    job_by_stage[stage.name] = jobs.start(kind=stage.kind, params=params, by=self.by, at=at)
        for stage in track.stages:
            self._show(track, stage, job_by_stage[stage.name])
        return len(done) == len(track.stages)

    def _jobs(self, stages: Sequence[Stage]) -> dict[str, Job | None]:
        """The latest job of every stage: one query a turn, because the workers need the cores."""
        latest = {
            _key(job.kind, job.params): job
            for job in Job.objects.filter(kind__in={stage.kind for stage in stages}).order_by("id")
        }
        found = {stage.name: latest.get(_key(stage.kind, stage.params)) for stage in stages}
        return {name: None if job and self._is_forgotten(job) else job for name, job in found.items()}

    def _is_forgotten(self, job: Job) -> bool:
        return _is_failure(job) and job.created_at < self.since

    def _show(self, track: Track, stage: Stage, job: Job | None) -> None:
        self.observer.show(track, stage, job)
        if job is not None and _is_failure(job):
            raise StageFailed(track, stage, job)


def _key(kind: str, params: Mapping[str, Any]) -> tuple[str, str]:
    # By its name alone: the data of a checkout that was moved is still the same data.
    named = {key: Path(value).name if key == "path" else value for key, value in params.items()}
    return kind, json.dumps(named, sort_keys=True)


def _is_failure(job: Job) -> bool:
    return job.state in Job.FINISHED and job.state != Job.State.SUCCEEDED
