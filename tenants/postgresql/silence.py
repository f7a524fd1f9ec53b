"""Gives up on a database that took a statement and says nothing: a line or a pooler that stalls.

The driver waits for an answer without end, and the server's own time-outs do not help when what it says
does not arrive. What the kernel knows of the connection tells a silent one, so that nothing is measured, and
no time lost, with each statement.
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from threading import Event, Thread
from typing import Final
from weakref import WeakSet

import psycopg
import structlog
from psycopg import pq

log = structlog.get_logger(__name__)
# Of the kernel's tcp_info: milliseconds since data was sent, since an acknowledgement was, since data came.
_AGES: Final = struct.Struct("44xI4xI")
_connections: WeakSet[psycopg.Connection] = WeakSet()


def register(connection: psycopg.Connection) -> None:
    """Let the watch of this process, should there be one, look after a new connection."""
    _connections.add(connection)


def watch(limit_seconds: float) -> None:
    """Start a thread that breaks connections which have been silent for longer, once in a process.

    Whoever waits gets the driver's ``OperationalError``. Connections by unix socket are left alone, and so
    are all where the kernel does not tell (it is Linux that does).
    """
    if hasattr(socket, "TCP_INFO"):
        Thread(target=_watch, args=[limit_seconds], name="database-silence", daemon=True).start()


def _watch(limit_seconds: float) -> None:
    pause = Event()
    while not pause.wait(limit_seconds / 10):
        for connection in tuple(_connections):
            # It may be closed at any moment.
            with suppress(OSError, psycopg.OperationalError):
                _break_if_silent(connection, limit_seconds)


def _break_if_silent(connection: psycopg.Connection, limit_seconds: float) -> None:
    pgconn = connection.pgconn
    if pgconn.transaction_status != pq.TransactionStatus.ACTIVE:
        return
    with socket.socket(fileno=os.dup(pgconn.socket)) as line:
        if line.family == socket.AF_UNIX:
            return
        sent, came = _AGES.unpack(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _AGES.size))
        if min(sent, came) > 1000 * limit_seconds:
            log.error("database.silent", seconds=min(sent, came) // 1000)
            line.shutdown(socket.SHUT_RDWR)
