from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from loyalty_saas.embedded.errors import AlreadyRunning, ChildDied, StartTimeout
from loyalty_saas.embedded.processes import Program, Supervisor
from tests.processes import PATIENCE_SECONDS, wait_until


def sleeper(name: str, **options: object) -> Program:
    return Program(name=name, command=(sys.executable, "-c", "import time; time.sleep(600)"), **options)


def writer(name: str, journal: Path) -> Program:
    """Writes its name to the journal when asked to stop."""
    code = (
        "import pathlib, signal, sys, time\n"
        "def stop(*_):\n"
        f"    with open({str(journal)!r}, 'a') as f: f.write({name!r} + ' ')\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        f"pathlib.Path({str(journal)!r} + '.' + {name!r}).touch()\n"
        "time.sleep(600)\n"
    )
    ready = Path(f"{journal}.{name}")
    return Program(name=name, command=(sys.executable, "-c", code), is_ready=ready.exists)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_children_stop_in_reverse_order(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with Supervisor(tmp_path / "home") as supervisor:
        for name in ("first", "second", "third"):
            supervisor.start(writer(name, journal))
    assert journal.read_text() == "third second first "
    assert list((tmp_path / "home" / "run").iterdir()) == []


def test_output_goes_to_a_log_named_after_the_program(tmp_path: Path) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr)"
    with Supervisor(tmp_path) as supervisor:
        [child] = supervisor.start(Program(name="talker", command=(sys.executable, "-c", code)))
        child.process.wait(PATIENCE_SECONDS)
    assert sorted((tmp_path / "log" / "talker.log").read_text().split()) == ["err", "out"]


def test_death_of_a_child_names_its_status_and_log(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.check()
        [child] = supervisor.start(
            Program(name="doomed", command=(sys.executable, "-c", "raise SystemExit(3)"))
        )
        child.process.wait(PATIENCE_SECONDS)
        with pytest.raises(ChildDied) as caught:
            supervisor.check()
    assert (
        str(caught.value) == f"doomed ended with exit status 3. Its log is {tmp_path / 'log' / 'doomed.log'}"
    )


def test_death_before_readiness_is_reported_at_once(tmp_path: Path) -> None:
    program = Program(
        name="doomed",
        command=(sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"),
        is_ready=lambda: False,
    )
    with Supervisor(tmp_path) as supervisor, pytest.raises(ChildDied, match="doomed ended by signal 9"):
        supervisor.start(program)


def test_silence_is_a_timeout_and_the_child_is_stopped(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        with pytest.raises(StartTimeout, match=r"quiet did not answer within 0\.2 seconds"):
            supervisor.start(sleeper("quiet", is_ready=lambda: False, ready_seconds=0.2))
        pid = supervisor.children[0].process.pid
    assert not is_alive(pid)


def test_a_child_deaf_to_the_stop_signal_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = (
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(600)"
    )
    with Supervisor(tmp_path) as supervisor:
        [child] = supervisor.start(
            Program(
                name="deaf", command=(sys.executable, "-c", code), grace_seconds=0.2, is_ready=ready.exists
            )
        )
    assert child.process.returncode == -signal.SIGKILL


def test_grandchildren_end_with_their_parent(tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    code = (
        "import pathlib, subprocess, sys, time; "
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        f"t = pathlib.Path({str(note)!r} + '.new'); t.write_text(str(p.pid)); t.rename({str(note)!r}); "
        "time.sleep(600)"
    )
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(Program(name="parent", command=(sys.executable, "-c", code), is_ready=note.exists))
        grandchild = int(note.read_text())
        assert is_alive(grandchild)
    wait_until(lambda: not is_alive(grandchild))


def test_one_directory_has_one_supervisor(tmp_path: Path) -> None:
    with Supervisor(tmp_path), pytest.raises(AlreadyRunning, match=f"in use by process {os.getpid()}"):
        Supervisor(tmp_path).__enter__()
    with Supervisor(tmp_path):
        pass


def test_orphans_of_a_killed_supervisor_are_stopped_by_the_next(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib\n"
        "from loyalty_saas.embedded.processes import Program, Supervisor\n"
        f"with Supervisor(pathlib.Path({str(tmp_path)!r})) as supervisor:\n"
        "    [child] = supervisor.start(Program('orphan', ('sleep', '600')))\n"
        "    print(child.process.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    root = Path(__file__).resolve().parents[3]
    killed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=False
    )
    orphan = int(killed.stdout)
    assert killed.returncode == -signal.SIGKILL
    assert is_alive(orphan)
    with Supervisor(tmp_path):
        assert not is_alive(orphan)
    assert list((tmp_path / "run").iterdir()) == []


def test_a_recycled_process_id_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    try:
        record = {"pid": stranger.pid, "created": 1.0, "stop_signal": 15, "grace_seconds": 1}
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "old.json").write_text(json.dumps(record))
        with Supervisor(tmp_path):
            assert is_alive(stranger.pid)
    finally:
        stranger.kill()
        stranger.wait()
