from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
import redis
from kombu import Connection

from loyalty_saas.embedded import accounts, postgres, run, services, sockets, valkey
from loyalty_saas.embedded.errors import PortInUse, ServiceMissing
from loyalty_saas.embedded.postgres import EmbeddedPostgres
from loyalty_saas.embedded.processes import Supervisor
from loyalty_saas.embedded.valkey import EmbeddedValkey
from tenants.services.attempt_counts import AttemptCounts
from tests.processes import PATIENCE_SECONDS


@pytest.fixture
def home() -> Path:
    """A short directory: pytest's own are too long for a unix socket."""
    directory = Path(tempfile.mkdtemp(prefix="ls-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


def scalar(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_postgres_starts_keeps_its_data_and_is_not_superuser_of_the_machine(home: Path) -> None:
    server = EmbeddedPostgres(home / "postgres")
    with Supervisor(home) as supervisor:
        server.prepare()
        [child] = supervisor.start(server.program())
        with psycopg.connect(server.url()) as connection:
            connection.execute("CREATE EXTENSION pg_trgm")
            connection.execute("CREATE TABLE kept AS SELECT 41 AS answer")
        assert scalar(server.url(), "SHOW listen_addresses") == ""
        assert scalar(server.url(), "SHOW jit") == "off"
        owner = server.data.stat().st_uid
        assert owner != 0
        assert Path(f"/proc/{child.process.pid}").stat().st_uid == owner
        # As after a power cut: no clean shutdown, a stale postmaster.pid stays behind.
        child.process.send_signal(signal.SIGQUIT)
        child.process.wait(PATIENCE_SECONDS)
    with Supervisor(home) as supervisor:
        server.prepare()
        supervisor.start(server.program())
        assert scalar(server.url(), "SELECT answer FROM kept") == 41
    assert not server.is_ready()


def test_an_interrupted_initdb_is_done_again(home: Path) -> None:
    server = EmbeddedPostgres(home / "postgres", is_durable=False)
    partial = server.home / "data.partial"
    partial.mkdir(parents=True)
    (partial / "PG_VERSION").write_text("18\n")
    server.prepare()
    assert not partial.exists()
    assert (server.data / "global").is_dir()


def test_a_durable_server_syncs(home: Path) -> None:
    durable = EmbeddedPostgres(home / "postgres").program().command
    fast = EmbeddedPostgres(home / "postgres", is_durable=False).program().command
    assert "fsync=off" not in durable
    assert "fsync=off" in fast


def test_every_client_reads_the_address_of_valkey(home: Path) -> None:
    server = EmbeddedValkey(home / "valkey")
    with Supervisor(home) as supervisor:
        supervisor.start(server.program())
        counts = AttemptCounts(server.cache_url)
        assert (counts.add("key", 2, ttl_seconds=60), counts.add("key", 3, ttl_seconds=60)) == (2, 5)
        assert AttemptCounts(server.cache_url).get("key") == 5
        with Connection(server.broker_url) as broker:
            assert broker.ensure_connection(max_retries=1).connected


def test_valkey_remembers_after_a_kill(home: Path) -> None:
    server = EmbeddedValkey(home / "valkey")
    with Supervisor(home) as supervisor:
        [child] = supervisor.start(server.program())
        client = redis.Redis.from_url(server.cache_url)
        client.set("kept", "41")
        assert client.execute_command("WAITAOF", 1, 0, 1000 * PATIENCE_SECONDS)[0] == 1
        child.process.kill()
        child.process.wait(PATIENCE_SECONDS)
    with Supervisor(home) as supervisor:
        supervisor.start(server.program())
        assert redis.Redis.from_url(server.cache_url).get("kept") == b"41"


def test_without_a_wheel_a_server_on_the_path_is_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = home / "redis-server"
    stand_in.write_text("#!/bin/sh\n")
    stand_in.chmod(0o755)
    monkeypatch.setattr(valkey.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(home))
    assert valkey.server_binary() == stand_in


def test_missing_services_say_what_to_install_or_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(ServiceMissing, match=r"loyalty-saas\[embedded\].*redis-server.*REDIS_URL"):
        valkey.server_binary()
    with pytest.raises(ServiceMissing, match=r"loyalty-saas\[embedded\].*DATABASE_ADMIN_URL"):
        postgres.binary_directory()


@pytest.mark.parametrize("variable", ["DATABASE_URL", "DATABASE_ADMIN_URL"])
def test_a_database_of_the_user_is_not_started(home: Path, variable: str) -> None:
    with Supervisor(home) as supervisor:
        assert services.start_database(supervisor, {variable: "postgresql://elsewhere/x"}) == ({}, [])
        assert supervisor.children == []


@pytest.mark.parametrize("variable", ["REDIS_URL", "CELERY_BROKER_URL"])
def test_a_broker_of_the_user_is_not_started(home: Path, variable: str) -> None:
    with Supervisor(home) as supervisor:
        assert services.start_broker(supervisor, {variable: "redis://elsewhere"}) == {}
        assert supervisor.children == []


def test_a_port_somebody_listens_on_is_refused() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(PortInUse, match=f"Port {port} on 127.0.0.1 is in use"):
            sockets.require_free_port(port)
    sockets.require_free_port(port)


def test_a_deep_checkout_gets_a_short_socket_directory() -> None:
    shallow, deep = Path("/srv/loyalty/var"), Path("/srv") / ("d" * 90) / "var"
    assert sockets.socket_directory(shallow) == shallow
    moved = sockets.socket_directory(deep)
    assert moved != deep
    assert moved == sockets.socket_directory(deep)
    assert len(f"{moved}/.s.PGSQL.5432.lock") <= 103


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may open directories for another account")
def test_only_the_search_bit_is_opened_on_the_way(home: Path) -> None:
    private = home / "private"
    private.mkdir(mode=0o700)
    nobody = accounts.Account("nobody", 65534, 65534)
    assert accounts.open_path_for(nobody, private) == [home, private]
    assert private.stat().st_mode & 0o777 == 0o701
    assert accounts.open_path_for(nobody, private) == []


def test_run_returns_the_status_of_the_command_and_names_its_server(home: Path) -> None:
    note = home / "note"
    script = (
        "import os, pathlib, psycopg, sys;"
        "c = psycopg.connect(os.environ['TEST_DATABASE_URL']);"
        f"pathlib.Path({str(note)!r}).write_text(c.execute('SHOW fsync').fetchone()[0]);"
        "sys.exit(7)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TEST_DATABASE_URL"}
    command = [sys.executable, "-m", "loyalty_saas.embedded.run", "--directory", str(home), "--"]
    root = Path(__file__).resolve().parents[3]
    outcome = run.subprocess.run(
        [*command, sys.executable, "-c", script], env=environment, cwd=root, check=False
    )
    assert outcome.returncode == 7
    assert note.read_text() == "off"


def test_run_uses_the_server_of_the_user(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", "postgresql://mine/x")
    check = "import os, sys; sys.exit(0 if os.environ['TEST_DATABASE_URL'] == 'postgresql://mine/x' else 1)"
    assert run.main(["--directory", str(home / "unused"), "--", sys.executable, "-c", check]) == 0
    assert not (home / "unused").exists()
