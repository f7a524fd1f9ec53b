"""A line to a server that can be cut or stalled; the server itself is well."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Event, Thread
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class Line:
    """Forwards connections to a server: a port of this machine, or a unix socket by its path."""

    def __init__(self, server: int | str) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._flows = Event()
        self._flows.set()
        self.port: int = self._listener.getsockname()[1]
        self.place = f"127.0.0.1:{self.port}"
        # How many have been made so far.
        self.connections = 0

    def __enter__(self) -> Self:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        self._flows.set()

    def cut(self) -> None:
        """Break every connection there is; later ones are forwarded again."""
        cut, self._open = self._open, []
        for end in cut:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def stall(self) -> None:
        """Connect whoever asks, take what is said, and let nothing through."""
        self._flows.clear()

    def go_on(self) -> None:
        """Let through what has been held back, and all that follows."""
        self._flows.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                self.connections += 1
                server = self._reach()
                self._open += [client, server]
                for ends in ((client, server), (server, client)):
                    Thread(target=self._forward, args=ends, daemon=True).start()

    def _reach(self) -> socket.socket:
        if isinstance(self._server, int):
            return socket.create_connection(("127.0.0.1", self._server))
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._server)
        return server

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(65536):
                self._flows.wait()
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)


def line_to(url: str) -> tuple[Line, str]:
    """Return a line to the server of a URL, and the URL that leads there by it."""
    parts = urlsplit(url)
    assert parts.port
    line = Line(parts.port)
    place = parts.netloc.replace(f"{parts.hostname}:{parts.port}", line.place)
    return line, urlunsplit(parts._replace(netloc=place))
