from __future__ import annotations

import os
import socket
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from loyalty_saas.demo import __main__ as demo
from loyalty_saas.demo import credentials
from loyalty_saas.demo.summary import Summary, brief, busy_seconds
from loyalty_saas.embedded.processes import Supervisor

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


@pytest.fixture(autouse=True)
def var_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    for variable in ("DATABASE_URL", "DATABASE_ADMIN_URL", "REDIS_URL", "CELERY_BROKER_URL"):
        monkeypatch.delenv(variable, raising=False)
    # Signal handlers belong to the process that runs the suite.
    monkeypatch.setattr(demo.signal, "signal", lambda *_: None)
    return tmp_path


def test_a_port_in_use_is_said_before_anything_starts(
    var_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert demo.main(["--port", str(port)]) == 2
    assert f"Port {port} on 127.0.0.1 is in use" in capsys.readouterr().err
    assert list(var_directory.iterdir()) == []


def test_a_second_demonstration_names_the_first(
    var_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Supervisor(var_directory / "demo"):
        assert demo.main(["--once"]) == 2
    assert f"in use by process {os.getpid()}" in capsys.readouterr().err.replace("\n", " ")


def test_reset_refuses_to_touch_a_server_of_the_user(
    var_directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app_rw@elsewhere/loyalty")
    kept = var_directory / "demo" / "inbox"
    kept.mkdir(parents=True)
    assert demo.main(["--once", "--reset"]) == 2
    assert "drop its database yourself" in capsys.readouterr().err.replace("\n", " ")
    assert kept.is_dir()


def test_reset_removes_everything_but_the_supervisors_own(var_directory: Path) -> None:
    home = var_directory / "demo"
    (home / "postgres" / "data").mkdir(parents=True)
    (home / "summary.json").write_text("{}")
    with Supervisor(home):
        demo._reset(home)
    assert sorted(path.name for path in home.iterdir()) == ["lock", "log", "run"]


def test_credentials_are_drawn_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    drawn = credentials.load_or_draw(path)
    credentials.save(drawn.with_api_key("sk_1"), path)
    assert credentials.load_or_draw(path) == drawn.with_api_key("sk_1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(drawn.password) >= 16


def span(begin: int, end: int) -> tuple[None, None, SimpleNamespace]:
    job = SimpleNamespace(created_at=NOW + timedelta(seconds=begin), finished_at=NOW + timedelta(seconds=end))
    return None, None, job


def test_pipeline_time_counts_parallel_stages_once_and_pauses_never() -> None:
    # 0-10 and 5-12 overlap, 11-12 lies inside, 100-103 comes after a pause.
    assert busy_seconds([span(100, 103), span(0, 10), span(5, 12), span(11, 12)]) == 15.0
    assert busy_seconds([]) == 0.0


def test_brief_shows_counts_or_the_verdict_on_a_model() -> None:
    imported = {"rows_read": 1469307, "import_run": "01a2", "report": {"a": 1}, "share": 0.81239}
    assert brief(imported) == "rows read 1,469,307, share 0.8124"
    assert brief({"method": "ease", "report": "accepted", "seconds": 3.1}) == "ease, accepted"
    assert brief({}) == ""


def test_the_summary_file_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_text("old")
    summary = Summary(1.0, 2.0, [], {}, {}, "http://127.0.0.1:8000/", [], "sk_1", "curl")
    summary.write(path)
    assert '"pipeline_s": 1.0' in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["summary.json"]
