"""What the terminal shows while the pipeline runs."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from loyalty_saas.demo.stages import Stage, Track
from tenants.models import Job


class StageBars:
    """One bar per running stage; a line for each finished one. Without a terminal, only the lines."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._progress = Progress(
            TextColumn("[bold]{task.fields[tenant]}[/]"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[message]}[/]"),
            console=console,
            disable=not console.is_terminal,
        )
        self._bars: dict[tuple[str, str], TaskID] = {}
        self._finished: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, track: Track, stage: Stage, job: Job | None) -> None:
        """Draw one stage as its job stands now."""
        key = (track.tenant.slug, stage.name)
        if job is None or key in self._finished:
            return
        if job.state == Job.State.SUCCEEDED:
            self._finish(key, track, stage, job)
        else:
            self._update(key, track, stage, job)

    def _update(self, key: tuple[str, str], track: Track, stage: Stage, job: Job) -> None:
        if key not in self._bars:
            self._bars[key] = self._progress.add_task(
                stage.label, total=None, tenant=track.tenant.name, message=""
            )
        self._progress.update(
            self._bars[key], completed=job.done, total=job.total or None, message=job.message[:60]
        )

    def _finish(self, key: tuple[str, str], track: Track, stage: Stage, job: Job) -> None:
        self._finished.add(key)
        if key in self._bars:
            self._progress.remove_task(self._bars.pop(key))
        seconds = f"{seconds_of(job):6.1f} s"
        self.console.print(f"  [green]✓[/] {seconds}  {track.tenant.name}: {stage.label}", highlight=False)


def seconds_of(job: Job) -> float:
    """How long a worker had the job."""
    if job.started_at is None or job.finished_at is None:
        return 0.0
    return (job.finished_at - job.started_at).total_seconds()
