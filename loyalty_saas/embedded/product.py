"""The product's own processes: web, workers by pool, beat."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from loyalty_saas.embedded.processes import Program

_CELERY = [sys.executable, "-m", "celery", "--app", "loyalty_saas.celery", "--quiet"]
# Numeric libraries would otherwise start one thread per core in every process.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Pool:
    """Worker processes that share queues; a long task in one pool never delays another pool."""

    name: str
    queues: tuple[str, ...]
    concurrency: int


def worker_pools(shards: int, cores: int) -> tuple[Pool, ...]:
    """The pools of one machine: short work apart from long, models one at a time."""
    return (
        Pool("interactive", ("interactive", "webhooks"), 1),
        Pool("default", tuple(f"default.{shard}" for shard in range(shards)), max(2, cores)),
        Pool("ml", ("ml",), 1),
    )


def worker_program(
    pool: Pool, environment: Mapping[str, str], run_directory: Path, include: tuple[str, ...] = ()
) -> Program:
    """One Celery worker; it leaves a note once it consumes, see loyalty_saas.celery."""
    ready_note = run_directory / f"worker-{pool.name}.ready"
    ready_note.unlink(missing_ok=True)
    command = [*_CELERY, "worker", "--queues", ",".join(pool.queues), "--concurrency", str(pool.concurrency)]
    command += ["--hostname", f"{pool.name}@%h", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    command += [f"--include={module}" for module in include]
    return Program(
        name=f"worker-{pool.name}",
        command=tuple(command),
        environment={**_ONE_THREAD, **environment, "WORKER_READY_NOTE": str(ready_note)},
        # A warm stop waits for the running task, which may take minutes; the row brings it back (acks_late).
        grace_seconds=4,
        is_ready=ready_note.exists,
    )


def beat_program(environment: Mapping[str, str], schedule: Path) -> Program:
    """The clock of the periodic tasks; of several one sends, see loyalty_saas.beat."""
    command = [*_CELERY, "beat", "--schedule", str(schedule), "--pidfile=", "--loglevel", "INFO"]
    return Program(name="beat", command=tuple(command), environment=environment)


def web_program(environment: Mapping[str, str], port: int) -> Program:
    """Gunicorn on 127.0.0.1, see loyalty_saas.gunicorn."""
    command = [sys.executable, "-m", "gunicorn", "--config", "python:loyalty_saas.gunicorn"]
    command += ["--bind", f"127.0.0.1:{port}"]
    return Program(
        name="web",
        command=tuple(command),
        environment={**_ONE_THREAD, **environment},
        is_ready=lambda: _answers(f"http://127.0.0.1:{port}/healthz"),
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own address
            return bool(response.status == HTTPStatus.OK)
    except OSError:
        return False
