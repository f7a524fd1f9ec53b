"""Staging: temporary tables filled by COPY, which row-level security refuses on the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

from django.db import connection

Progress = Callable[[int, int, str], None]


def no_progress(_done: int, _total: int, _message: str) -> None:
    """Stand in where nobody watches."""


@dataclass(slots=True)
class Stopwatch:
    """Seconds by stage, in the order the stages ran."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + perf_counter() - start, 3)


_ANALYZED_AFTER: Final = frozenset({1, 4, 16, 64})
_TABLES = (
    "staged",
    "staged_file",
    "verdict",
    "flagged",
    "staged_order",
    "staged_item",
    "sale_part",
    "return_part",
    "seen_item",
    "cancelled",
    "matched",
)


def begin() -> None:
    """Start with empty staging, the memory of one large sort, and no compiling of queries that run once.

    The tables end with the transaction; an earlier import of the same transaction may have left its own.
    """
    run(f"DROP TABLE IF EXISTS {', '.join(f'pg_temp.{name}' for name in _TABLES)}")
    run("SET LOCAL work_mem = '256MB'; SET LOCAL jit = off; SET LOCAL statement_timeout = 0")


def analyze_after(number: int) -> None:
    """Take the statistics of the loaded tables again after a few of the parts: they have grown that much.

    By those of a young installation the planner compares each row of a part with every row there is.
    """
    if number in _ANALYZED_AFTER:
        analyze_loaded()


def analyze_loaded() -> None:
    """Take the statistics of the tables that loads fill, which only their owner's function may.

    Until then the planner takes tables that this transaction filled for nearly empty.
    """
    run("SELECT crm_analyze_loaded_tables()")


def run(statement: str, params: dict[str, Any] | None = None) -> int:
    """Execute one statement and return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return max(int(cursor.rowcount), 0)


def rows(statement: str, params: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Execute one query and return all its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def copy_blocks(table: str, columns: Sequence[str], blocks: Iterable[bytes]) -> None:
    """COPY blocks of CSV into a temporary table."""
    with connection.cursor() as cursor:
        command = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT csv)"
        with cursor.cursor.copy(command) as copy:
            for block in blocks:
                copy.write(block)


def copy_rows(table: str, columns: Sequence[str], values: Iterable[Sequence[Any]]) -> None:
    """COPY Python rows into a temporary table."""
    with connection.cursor() as cursor:
        command = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with cursor.cursor.copy(command) as copy:
            for row in values:
                copy.write_row(row)
