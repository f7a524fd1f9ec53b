"""A small supervisor: starts children in order, notices a death, stops them in reverse order."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

from loyalty_saas.embedded.accounts import Account
from loyalty_saas.embedded.errors import AlreadyRunning, ChildDied, StartTimeout

_POLL_SECONDS = 0.05
_MODE_PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, as whom, and how it likes to be stopped."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 15.0
    is_ready: Callable[[], bool] | None = None
    ready_seconds: float = 180.0


@dataclass(slots=True)
class Child:
    """A running program."""

    program: Program
    process: subprocess.Popen[bytes]
    log: Path
    record: Path


@dataclass(slots=True)
class Supervisor:
    """Owns the processes of one directory; logs go to `log/`, process records to `run/`.

    The directory is held by an advisory lock that the kernel drops with us, so a `kill -9` leaves no stale
    lock. What it does leave is orphaned children: entering the context stops those first.
    """

    directory: Path
    children: list[Child] = field(default_factory=list)
    _lock: IO[str] | None = None

    def __enter__(self) -> Self:
        for room in ("log", "run"):
            (self.directory / room).mkdir(parents=True, exist_ok=True)
        self._acquire()
        self._stop_orphans()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _interrupts_ignored():
            self.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def start(self, *programs: Program) -> list[Child]:
        """Start programs side by side and wait until all are ready; raise `ChildDied` or `StartTimeout`."""
        children = [self._launch(program) for program in programs]
        for child in children:
            if child.program.is_ready is not None:
                self._await_ready(child, child.program.is_ready)
        return children

    def _launch(self, program: Program) -> Child:
        log = self.directory / "log" / f"{program.name}.log"
        with log.open("ab") as stream:
            process = _spawn(program, stream)
        child = Child(program, process, log, self.directory / "run" / f"{program.name}.json")
        self.children.append(child)
        _write_record(child)
        return child

    def check(self) -> None:
        """Raise `ChildDied` for the first child that is gone."""
        for child in self.children:
            status = child.process.poll()
            if status is not None:
                raise ChildDied(child.program.name, status, child.log)

    def stop(self) -> None:
        """Stop everything, last started first: workers before the broker, the broker before the database."""
        while self.children:
            self.stop_child(self.children[-1])

    def stop_child(self, child: Child) -> None:
        """Ask, wait, insist; whatever the leader leaves of its process group is killed."""
        self.children.remove(child)
        if child.process.poll() is None:
            child.process.send_signal(child.program.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(child.program.grace_seconds)
        _kill_group(child.process.pid)
        child.process.wait()
        child.record.unlink(missing_ok=True)

    def _acquire(self) -> None:
        lock = (self.directory / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise AlreadyRunning(
                f"{self.directory} is in use by process {holder}. Stop that one first, with Ctrl-C or kill."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _await_ready(self, child: Child, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + child.program.ready_seconds
        while not is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise StartTimeout(child.program.name, child.program.ready_seconds, child.log)
            time.sleep(_POLL_SECONDS)

    def _stop_orphans(self) -> None:
        records = [(_read_record(path), path) for path in (self.directory / "run").glob("*.json")]
        for record, path in sorted(records, key=lambda pair: pair[0]["created"], reverse=True):
            _stop_orphan(record)
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """A second Ctrl-C must not cut the orderly stop short. Signals belong to the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _spawn(program: Program, log: IO[bytes]) -> subprocess.Popen[bytes]:
    account = program.account
    return subprocess.Popen(  # noqa: S603 - commands are ours
        program.command,
        env=None if program.environment is None else {**os.environ, **program.environment},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        # Its own session: Ctrl-C in the terminal reaches us alone, and we stop the children in order.
        start_new_session=True,
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
    )


def _write_record(child: Child) -> None:
    try:
        created = psutil.Process(child.process.pid).create_time()
    except psutil.NoSuchProcess:
        return
    record = {
        "pid": child.process.pid,
        "created": created,
        "stop_signal": int(child.program.stop_signal),
        "grace_seconds": child.program.grace_seconds,
    }
    partial = child.record.with_suffix(".partial")
    partial.write_text(json.dumps(record), encoding="utf-8")
    partial.chmod(_MODE_PRIVATE)
    partial.replace(child.record)


def _read_record(path: Path) -> dict[str, float]:
    record: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
    return record


def _stop_orphan(record: Mapping[str, float]) -> None:
    """Stop what an earlier, killed supervisor left; a recycled process id is recognised by its start time."""
    pid = int(record["pid"])
    with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
        process = psutil.Process(pid)
        if process.create_time() != record["created"]:
            return
        process.send_signal(signal.Signals(int(record["stop_signal"])))
        process.wait(record["grace_seconds"])
    # The kernel gives no new process an id that still names a group: these are our leftovers.
    _kill_group(pid)


def _kill_group(leader: int) -> None:
    # macOS answers "not permitted" for a group that holds only zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
