"""What can go wrong while services start, in words that say what to do."""

from __future__ import annotations

from pathlib import Path


class EmbeddedError(Exception):
    """A service could not be started or kept running; the message says what to set, install or read."""


class ServiceMissing(EmbeddedError):
    """Nothing on this machine can play the service's part."""


class StartTimeout(EmbeddedError):
    """A process runs but does not answer."""

    def __init__(self, name: str, seconds: float, log: Path) -> None:
        super().__init__(f"{name} did not answer within {seconds:g} seconds. Its log is {log}")


class ChildDied(EmbeddedError):
    """A supervised process ended although nobody asked it to."""

    def __init__(self, name: str, status: int, log: Path) -> None:
        reason = f"by signal {-status}" if status < 0 else f"with exit status {status}"
        super().__init__(f"{name} ended {reason}. Its log is {log}")
        self.name = name
        self.log = log


class AlreadyRunning(EmbeddedError):
    """Another process holds the directory."""


class PortInUse(EmbeddedError):
    """Somebody listens on the port we were asked to serve."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} on 127.0.0.1 is in use. Stop the program that uses it, or choose another port "
            f'with: make demo ARGS="--port {port + 1}"'
        )
