"""The account of a run: what was done, how long it took, where to sign in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from loyalty_saas.demo.progress import seconds_of
from loyalty_saas.demo.stages import Stage, Track
from tenants.models import Job


@dataclass(frozen=True, slots=True)
class StageReport:
    """One line of the account; `result` is what the job returned: counts and metrics."""

    tenant: str
    stage: str
    label: str
    kind: str
    seconds: float
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody who may sign in to the demonstration."""

    email: str
    password: str
    role: str
    tenants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """Written to var/demo/summary.json and shown in the terminal."""

    pipeline_s: float
    start_s: float
    stages: list[StageReport]
    totals: dict[str, dict[str, int]]
    known_truth: dict[str, Any]
    sign_in_url: str
    sign_ins: list[SignIn]
    api_key: str
    curl: str

    def write(self, path: Path) -> None:
        """Replace the file in one step; it holds demo passwords, so only its owner reads it."""
        partial = path.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.replace(path)

    def show(self, console: Console) -> None:
        """Print the account for a person."""
        console.print(self._stage_table())
        console.print(f"\nPipeline: [bold]{self.pipeline_s:.1f} s[/]", highlight=False)
        for tenant, counts in self.totals.items():
            line = ", ".join(f"{count:,} {name}" for name, count in counts.items())
            console.print(f"[bold]{tenant}[/]: {line}", highlight=False)
        console.print(f"\nSign in at [bold]{self.sign_in_url}[/]")
        for person in self.sign_ins:
            where = ", ".join(person.tenants)
            console.print(f"  {person.email}  {person.password}  ({person.role}: {where})", highlight=False)
        console.print(f"\nAPI key: {self.api_key}\n  {self.curl}", highlight=False, soft_wrap=True)

    def _stage_table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for heading in ("Tenant", "Stage"):
            table.add_column(heading)
        table.add_column("Seconds", justify="right")
        table.add_column("What was done", style="dim")
        for report in self.stages:
            table.add_row(report.tenant, report.label, f"{report.seconds:.1f}", brief(report.result))
        return table


def report_stages(outcome: Sequence[tuple[Track, Stage, Job]]) -> list[StageReport]:
    """One report per finished stage, in the order in which they ended."""
    finished = [
        (job.finished_at, job.pk, track, stage, job) for track, stage, job in outcome if job.finished_at
    ]
    return [
        StageReport(
            tenant=track.tenant.slug,
            stage=stage.name,
            label=stage.label,
            kind=stage.kind,
            seconds=round(seconds_of(job), 3),
            result=job.result,
        )
        for _, _, track, stage, job in sorted(finished, key=itemgetter(0, 1))
    ]


def busy_seconds(outcome: Sequence[tuple[Track, Stage, Job]]) -> float:
    """Time during which at least one stage was waiting for a worker or running.

    On an uninterrupted run that is the pipeline's wall time; a pause between two runs does not count.
    """
    spans = sorted((job.created_at, job.finished_at) for _, _, job in outcome if job.finished_at)
    total, covered_until = 0.0, None
    for began, ended in spans:
        start = began if covered_until is None else max(began, covered_until)
        total += max(0.0, (ended - start).total_seconds())
        covered_until = ended if covered_until is None else max(ended, covered_until)
    return round(total, 3)


def brief(result: dict[str, Any]) -> str:
    """The counts and the verdict of a job's result, for one line of the table."""
    if isinstance(result.get("report"), str):
        return f"{result.get('method', '')}, {result['report']}".lstrip(", ")
    plain = [(name, value) for name, value in result.items() if isinstance(value, (int, float))]
    return ", ".join(f"{name.replace('_', ' ')} {_short(value)}" for name, value in plain)


def _short(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
