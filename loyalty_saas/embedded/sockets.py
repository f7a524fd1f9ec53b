"""Where unix sockets live, and whether a TCP port is free."""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
from pathlib import Path

from loyalty_saas.embedded.errors import PortInUse

# The kernel's sun_path holds 108 bytes on Linux and 104 on macOS, with the closing NUL.
_LONGEST_SOCKET_PATH = 103
_LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432.lock")


def socket_directory(home: Path) -> Path:
    """`home` itself, or a short directory derived from it when the checkout lies too deep for a socket."""
    if len(os.fsencode(home)) + _LONGEST_SOCKET_NAME <= _LONGEST_SOCKET_PATH:
        return home
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"loyalty-{os.geteuid()}-{digest}"


def require_free_port(port: int) -> None:
    """Raise `PortInUse` when 127.0.0.1:`port` cannot be bound."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As gunicorn binds: a port in TIME_WAIT is free, one with a listener is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortInUse(port) from error


def free_port() -> int:
    """A TCP port nobody listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
