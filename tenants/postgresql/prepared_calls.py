"""Calls of database functions that the server parses and plans once a connection.

A call written out as text costs the server a sixth of a short posting to read. Statements are prepared in the
protocol; a pooler in transaction mode has to follow them (PgBouncer does since 1.21), or they are turned off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from types import NoneType
from typing import Any, Final

from psycopg import DataError, pq

_IS_UNKNOWN: Final = b"26000"


def _text(value: str) -> bytes:
    if "\0" in value:
        raise DataError("PostgreSQL text cannot contain NUL bytes.")
    return value.encode()


def _unusual(argument: Any) -> bytes:
    """Write a flag, a member of an enumeration or a safe string: such may print in their own way."""
    if isinstance(argument, int):
        return str(int(argument)).encode()
    if isinstance(argument, str):
        return _text(argument)
    raise TypeError(f"{type(argument).__name__} cannot be an argument here.")


_PARAMETERS: Final[dict[type, Callable[[Any], bytes | None]]] = {
    NoneType: lambda _: None,
    int: lambda number: str(number).encode(),
    str: _text,
    datetime: lambda moment: moment.isoformat().encode(),
}


class PreparedCalls:
    """The calls that one connection has prepared."""

    def __init__(self, pgconn: pq.abc.PGconn) -> None:
        self._pgconn = pgconn
        self._names: dict[tuple[str, int], bytes] = {}
        self._names_alone: dict[tuple[str, int], bytes] = {}

    def call(self, function: str, arguments: Sequence[Any]) -> pq.abc.PGresult:
        """Call a function in the transaction that is open; an error is the result's status."""
        key = function, len(arguments)
        name = self._names.get(key)
        if name is None:
            name = f"{function}/{len(arguments)}".encode()
            failed = self._prepare(name, f"SELECT {function}({_marks(1, len(arguments))})")
            if failed:
                return failed
            self._names[key] = name
        return self._pgconn.exec_prepared(name, _parameters(arguments))

    def call_alone(
        self, setting: tuple[str, str], function: str, arguments: Sequence[Any]
    ) -> pq.abc.PGresult:
        """Make a setting (name, value) and call a function, in a transaction that ends with the answer."""
        result = self._call_alone(setting, function, arguments)
        if result.error_field(pq.DiagnosticField.SQLSTATE) == _IS_UNKNOWN:
            # A pooler has handed out another of its connections. Nothing was done; it is prepared there, too.
            self._names_alone.clear()
            result = self._call_alone(setting, function, arguments)
        return result

    def _call_alone(
        self, setting: tuple[str, str], function: str, arguments: Sequence[Any]
    ) -> pq.abc.PGresult:
        key = function, len(arguments)
        name = self._names_alone.get(key)
        if name is None:
            name = f"{function}/{len(arguments)} alone".encode()
            called = f"{function}({_marks(3, len(arguments))})"
            # CASE: the call must not be evaluated before the setting is made.
            failed = self._prepare(name, f"SELECT CASE WHEN set_config($1, $2, true) = $2 THEN {called} END")
            if failed:
                return failed
            self._names_alone[key] = name
        return self._pgconn.exec_prepared(name, _parameters((*setting, *arguments)))

    def _prepare(self, name: bytes, statement: str) -> pq.abc.PGresult | None:
        """Prepare a statement; returns the result of a failure."""
        result = self._pgconn.prepare(name, statement.encode())
        return None if result.status == pq.ExecStatus.COMMAND_OK else result


def _marks(first: int, count: int) -> str:
    return ", ".join(f"${number}" for number in range(first, first + count))


def _parameters(arguments: Sequence[Any]) -> list[Any]:
    return [_PARAMETERS.get(type(part), _unusual)(part) for part in arguments]
