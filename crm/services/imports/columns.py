"""Source columns to typed ones: whole columns in C++, and value by value where that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crm.domain.cells import CellError, CellRule, moment_of, reader_of

# Beyond these a number is a typing error, and would overflow the columns' types.
LARGEST_QUANTITY = 2**31 - 1
LARGEST_MINOR = 10**15


@dataclass(slots=True)
class ProblemColumn:
    """The first reason found against each row of a batch, or null."""

    length: int
    reasons: pa.Array | None = field(default=None)

    def mark(self, bad: pa.Array, reason: str) -> None:
        """Give ``reason`` to the rows where ``bad`` is true and no reason is known yet."""
        if not pc.any(bad).as_py():
            return
        marked = pc.if_else(bad, pa.scalar(reason), pa.scalar(None, pa.string()))
        self.reasons = marked if self.reasons is None else pc.coalesce(self.reasons, marked)

    def mark_positions(self, positions: Iterable[int], reason: str) -> None:
        bad = [False] * self.length
        for position in positions:
            bad[position] = True
        self.mark(pa.array(bad), reason)

    def array(self) -> pa.Array:
        return self.reasons if self.reasons is not None else pa.nulls(self.length, pa.string())


def without_nan(values: pa.Array) -> pa.Array:
    """Not-a-number is how some writers spell an empty cell."""
    if not pa.types.is_floating(values.type):
        return values
    return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)


def text(values: pa.Array) -> pa.Array:
    """Trimmed text, null when empty; whole floats, as ids from spreadsheets are, lose their ``.0``."""
    if pa.types.is_floating(values.type):
        values = without_nan(values)
        whole = pc.equal(pc.floor(values), values)
        if pc.all(pc.fill_null(whole, True)).as_py():
            values = pc.cast(values, pa.int64())
    if not pa.types.is_string(values.type):
        return pc.cast(values, pa.string())
    trimmed = pc.utf8_trim_whitespace(values)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def quantities(values: pa.Array, problems: ProblemColumn, rule: CellRule | None = None) -> pa.Array:
    """Whole numbers; a fraction, a word or a number out of range is marked ``quantity_invalid``."""
    parse = reader_of(rule) if rule else _whole
    return _checked(
        values, parse=parse, largest=LARGEST_QUANTITY, problems=problems, reason="quantity_invalid"
    )


def minor_units(
    values: pa.Array, exponent: int, problems: ProblemColumn, rule: CellRule | None = None
) -> pa.Array:
    """Amounts of the major unit as integers of the minor one, rounded half away from zero."""
    factor = 1 if rule and rule.is_minor else 10**exponent
    if pa.types.is_floating(values.type) or pa.types.is_integer(values.type):
        values = without_nan(values)
        scaled = pc.multiply(pc.cast(values, pa.float64()), float(factor))
        rounded = pc.round(scaled, ndigits=0, round_mode="half_towards_infinity")
        return _bounded(rounded, values, LARGEST_MINOR, problems, "amount_invalid")

    def parse(value: Any) -> int:
        if rule:
            return int(reader_of(rule)(str(value)))
        return int((Decimal(str(value).replace(",", "")) * factor).to_integral_value("ROUND_HALF_UP"))

    return _checked(values, parse=parse, largest=LARGEST_MINOR, problems=problems, reason="amount_invalid")


def local_times(
    values: pa.Array, problems: ProblemColumn, rule: CellRule | None = None
) -> tuple[pa.Array, pa.Array]:
    """Return the wall-clock times, and the texts of times that name their own offset from UTC."""
    if pa.types.is_timestamp(values.type):
        wall = pc.cast(values, pa.timestamp("us", values.type.tz), safe=False)
        if values.type.tz is None:
            return wall, pa.nulls(len(values), pa.string())
        return pa.nulls(len(values), pa.timestamp("us")), pc.cast(wall, pa.string())
    walls: list[datetime | None] = []
    offsets: list[str | None] = []
    bad: list[int] = []
    for position, value in enumerate(values.to_pylist()):
        moment = _moment(value, rule)
        if moment is None and value is not None:
            bad.append(position)
        aware = moment is not None and moment.tzinfo is not None
        walls.append(None if aware else moment)
        offsets.append(moment.isoformat() if moment is not None and aware else None)
    problems.mark_positions(bad, "time_invalid")
    return pa.array(walls, pa.timestamp("us")), pa.array(offsets, pa.string())


_DAY_FIRST = ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y")


def _moment(value: Any, rule: CellRule | None = None) -> datetime | None:
    if value is None:
        return None
    if rule:
        try:
            return moment_of(str(value), rule)
        except CellError:
            return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = next(filter(None, (_strptime(str(value), shape) for shape in _DAY_FIRST)), None)  # type: ignore[assignment]
    return moment if moment is not None and 1900 <= moment.year < 2200 else None  # noqa: PLR2004


def _strptime(value: str, shape: str) -> datetime | None:
    try:
        return datetime.strptime(value, shape)  # noqa: DTZ007 - wall-clock time; the tenant's zone is added later
    except ValueError:
        return None


def _whole(value: Any) -> int:
    number = Decimal(str(value))
    if number != number.to_integral_value():
        raise ValueError(value)
    return int(number)


def _checked(
    values: pa.Array,
    *,
    parse: Callable[[Any], int],
    largest: int,
    problems: ProblemColumn,
    reason: str,
) -> pa.Array:
    if not pa.types.is_string(values.type):
        try:
            return _bounded(pc.cast(without_nan(values), pa.int64()), values, largest, problems, reason)
        except pa.ArrowInvalid:
            # Some fraction among whole numbers: value by value then.
            values = without_nan(values)
    parsed: list[int | None] = []
    for value in values.to_pylist():
        try:
            number = None if value is None else parse(value)
        except (ValueError, InvalidOperation, OverflowError):
            number = None
        parsed.append(number if number is not None and abs(number) <= largest else None)
    result = pa.array(parsed, pa.int64())
    problems.mark(pc.and_(pc.is_null(result), pc.is_valid(values)), reason)
    return result


def _bounded(
    numbers: pa.Array, values: pa.Array, largest: int, problems: ProblemColumn, reason: str
) -> pa.Array:
    usable = pc.fill_null(pc.less_equal(pc.abs(numbers), largest), False)
    if not pc.all(usable).as_py():
        problems.mark(pc.and_(pc.invert(usable), pc.is_valid(values)), reason)
        numbers = pc.if_else(usable, numbers, pa.scalar(None, numbers.type))
    return pc.cast(numbers, pa.int64())
