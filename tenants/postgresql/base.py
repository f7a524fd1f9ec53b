from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from types import NoneType
from typing import Any, Final

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base, features
from django.db.backends.utils import debug_transaction
from django.db.transaction import TransactionManagementError
from psycopg import pq
from psycopg.errors import error_from_result

from tenants.postgresql import silence
from tenants.postgresql.prepared_calls import PreparedCalls


def _text(value: str) -> str:
    """Quote text as PostgreSQL reads it with standard_conforming_strings, which the wrapper insists on."""
    if "\0" in value:
        raise psycopg.DataError("PostgreSQL text cannot contain NUL bytes.")
    return "'" + value.replace("'", "''") + "'"


def _write_unusual(argument: Any) -> str:
    """Write a flag, a member of an enumeration or a safe string: such may print in their own way."""
    if isinstance(argument, int):
        return str(int(argument))
    if isinstance(argument, str):
        return _text(argument)
    raise TypeError(f"{type(argument).__name__} cannot be an argument here.")


_LITERALS: Final[dict[type, Callable[[Any], str]]] = {
    NoneType: lambda _: "NULL",
    int: str,
    str: _text,
    datetime: lambda moment: f"'{moment.isoformat()}'",
}


class DatabaseFeatures(features.DatabaseFeatures):
    def allows_group_by_selected_pks_on_model(self, model: Any) -> bool:
        """Group a tenant's rows by all their columns.

        Django would group by ``id`` alone, which determines the row only for PostgreSQL's own primary key;
        that is (tenant_id, id).
        """
        has_tenant = any(field.column == "tenant_id" for field in model._meta.concrete_fields)
        return not has_tenant and super().allows_group_by_selected_pks_on_model(model)


class DatabaseWrapper(base.DatabaseWrapper):
    """Named by ``ENGINE`` in the settings."""

    features_class = DatabaseFeatures
    # Django's; its stubs leave them out.
    health_check_enabled: bool
    health_check_done: bool
    # The setting (name, value) that the transaction has to begin with; sent with its first statement.
    _opening: tuple[str, str] | None = None
    # Whether the next call of a function is the transaction's last statement, and whether it was sent.
    _ends_with_call: bool = False
    _has_ended: bool = False
    # Of this connection; None where a pooler does not follow prepared statements.
    _prepared: PreparedCalls | None = None

    def open_with(self, name: str, value: str) -> None:
        """Begin the transaction that is about to begin by setting ``name`` to ``value``, words of ours.

        It travels with the first call of a function, or when the first cursor is asked for; a transaction in
        which nothing happens is not begun at all.
        """
        self._opening = name, value

    def end_with_call(self) -> None:
        """Commit in the message of the next call of a function; nothing may follow it in the transaction."""
        self._ends_with_call = True

    def forget_opening(self) -> None:
        """Drop an opening that nothing has needed, and what was said of the end."""
        self._opening = None
        self._ends_with_call = self._has_ended = False

    def get_new_connection(self, conn_params: Any) -> Any:
        connection = super().get_new_connection(conn_params)
        if connection.pgconn.parameter_status(b"standard_conforming_strings") != b"on":
            raise ImproperlyConfigured("The server must have standard_conforming_strings on.")
        silence.register(connection)
        is_followed = self.settings_dict.get("PREPARED_CALLS", True)
        self._prepared = PreparedCalls(connection.pgconn) if is_followed else None
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        self._must_go_on()
        if self._opening:
            self._send("")
        return super().create_cursor(name)

    def set_autocommit(
        self, autocommit: bool, force_begin_transaction_with_broken_autocommit: bool = False
    ) -> None:
        """Do what Django does, without its questions where all are answered: twice a transaction it asks."""
        if (
            self.connection is None
            or self.in_atomic_block
            or (self.health_check_enabled and not self.health_check_done)
            or self.queries_logged
        ):
            super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)
            return
        self._set_autocommit(autocommit)
        self.autocommit = autocommit
        if autocommit and self.run_commit_hooks_on_set_autocommit_on:
            self.run_and_clear_commit_hooks()
            self.run_commit_hooks_on_set_autocommit_on = False

    def _set_autocommit(self, autocommit: bool) -> None:
        connection = self.connection
        if connection.pgconn.transaction_status == pq.TransactionStatus.IDLE:
            # The driver's own way takes a lock and runs a generator to set this flag.
            connection._autocommit = autocommit  # noqa: SLF001
        else:
            with self.wrap_database_errors:
                connection.autocommit = autocommit

    def _commit(self) -> None:
        # The driver's own way of waiting costs as much as a short posting's whole Python.
        if self.connection is None or self.connection.pgconn.transaction_status == pq.TransactionStatus.IDLE:
            return
        if self.queries_logged:
            with debug_transaction(self, "COMMIT"):
                self._send("COMMIT")
        else:
            self._send("COMMIT")

    def call(self, function: str, arguments: Sequence[Any]) -> tuple[str | None, ...]:
        """Call a database function that returns one row of words and numbers, as text; nulls are ``None``.

        Where the transaction is only beginning, one message begins it and calls the function. With cursors
        the same takes two round trips and, with a dozen arguments, three times the work in Python. Arguments
        are whole numbers, moments, text and null.
        """
        self.ensure_connection()
        self._must_go_on()
        is_alone = self._ends_with_call and self._opening is not None
        if self.queries_logged or self.execute_wrappers:
            with self.cursor() as cursor:
                # A percent sign would be read as a placeholder.
                cursor.execute(f"{_written(function, arguments).replace('%', '%%')}::text", [])
                row = cursor.fetchone()[0]
        elif self._prepared is not None and (is_alone or self._opening is None):
            row = self._call_prepared(self._prepared, function, arguments)
        else:
            with self.wrap_database_errors:
                statement = _written(function, arguments)
            row = self._send_alone(statement) if is_alone else self._send(statement)
        return tuple([part or None for part in row[1:-1].split(",")])

    def _call_prepared(self, prepared: PreparedCalls, function: str, arguments: Sequence[Any]) -> str:
        opening, self._opening = self._opening, None
        with self.wrap_database_errors:
            if opening is not None:
                result = prepared.call_alone(opening, function, arguments)
            else:
                if not self.connection.autocommit and self._is_idle:
                    self._exchange("BEGIN")
                result = prepared.call(function, arguments)
            answer = _answer(result)
        self._has_ended = opening is not None
        return answer

    def _must_go_on(self) -> None:
        if self._has_ended:
            raise TransactionManagementError("The transaction ended with its call; nothing may follow.")

    def _send(self, statement: str) -> str:
        opening, self._opening = self._opening, None
        if opening:
            return self._exchange(f"BEGIN; {_set(opening)}; {statement}")
        return self._exchange(
            f"BEGIN; {statement}" if self._is_idle and not self.connection.autocommit else statement
        )

    def _send_alone(self, statement: str) -> str:
        """Send the opening and a statement as one message, which is a transaction without any BEGIN.

        Its answer arrives when it is committed; what a deferred constraint refuses is its error.
        """
        opening, self._opening = self._opening, None
        answer = self._exchange(f"{_set(opening)}; {statement}" if opening else statement)
        self._has_ended = True
        return answer

    @property
    def _is_idle(self) -> bool:
        return bool(self.connection.pgconn.transaction_status == pq.TransactionStatus.IDLE)

    def _exchange(self, message: str) -> str:
        """Send a message of statements and return the last one's first value as text."""
        with self.wrap_database_errors:
            return _answer(self.connection.pgconn.exec_(message.encode()))


def _set(setting: tuple[str, str]) -> str:
    # SET takes no parameters.
    name, value = setting
    return f"SET LOCAL {name} = '{value}'"


def _written(function: str, arguments: Sequence[Any]) -> str:
    literals = ", ".join([_LITERALS.get(type(part), _write_unusual)(part) for part in arguments])
    return f"SELECT {function}({literals})"


def _answer(result: pq.abc.PGresult) -> str:
    """Return a result's first value as text, or raise its error."""
    if result.status not in {pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK}:
        raise error_from_result(result, "utf-8")
    value = result.get_value(0, 0) if result.ntuples else None
    return value.decode() if value else ""
