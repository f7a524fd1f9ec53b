"""A RabbitMQ node of a test's own, which may be stopped and killed: the machine's service is not touched."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kombu import Connection

from loyalty_saas.embedded.processes import Program, Supervisor
from loyalty_saas.embedded.sockets import free_port

# Debian's command changes to another user and its own directories; what it calls in the end does not.
_DEBIAN = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


def server_command() -> str | None:
    return str(_DEBIAN) if _DEBIAN.exists() else shutil.which("rabbitmq-server")


@dataclass(frozen=True)
class RabbitNode:
    """Everything of the node lies under ``home``; what is acknowledged there outlives it."""

    home: Path
    port: int = field(default_factory=free_port)
    _neighbour_port: int = field(default_factory=free_port)
    _names_port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def program(self) -> Program:
        command = server_command()
        assert command
        self.home.mkdir(exist_ok=True)
        environment = {
            "HOME": str(self.home),
            "RABBITMQ_NODENAME": f"loyalty{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._neighbour_port),
            "ERL_EPMD_PORT": str(self._names_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(self.home / "data"),
            "RABBITMQ_LOG_BASE": str(self.home / "log"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(self.home / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.home / "plugins"),
            # Nothing spins while it waits.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }
        return Program("rabbitmq", (command,), environment, is_ready=self._answers)

    def _answers(self) -> bool:
        try:
            with Connection(self.url, connect_timeout=5) as connection:
                return bool(connection.connect())
        except OSError:
            return False

    def forget_names(self) -> None:
        """End the daemon that Erlang starts beside its first node and leaves behind."""
        names = shutil.which("epmd")
        if names:
            subprocess.run([names, "-port", str(self._names_port), "-kill"], check=False, capture_output=True)


@contextmanager
def node_of(supervisor: Supervisor) -> Iterator[RabbitNode]:
    """Yield a node that is not started yet; what it leaves is gone after the supervisor has stopped it."""
    node = RabbitNode(supervisor.directory / "rabbitmq")
    try:
        yield node
    finally:
        supervisor.stop()
        node.forget_names()
