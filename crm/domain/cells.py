"""Cells to values: numbers, money, days, moments, addresses, as people write them in files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from crm.domain.identities import normalise
from crm.domain.import_fields import ValueType

LARGEST_WHOLE: Final = 2**31 - 1
LARGEST_MINOR: Final = 10**15
FIRST_YEAR, LAST_YEAR = 1900, 2199
DATE_FORMATS: Final = ("dmy", "mdy", "excel", "unix", "unix_ms")
_EXCEL_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's days have no zone
_DIGITS: Final = {
    False: re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?"),
    True: re.compile(r"[+-]?(\d{1,3}([.' ]\d{3})+|\d+)?(,\d*)?"),
}
_MONEY_SIGNS: Final = re.compile(r"[¥￥$€£\s\u00a0]|CNY|RMB|USD|EUR|GBP|元", re.IGNORECASE)
_MOMENT: Final = re.compile(
    r"(?P<a>\d{1,4})[-/.年](?P<b>\d{1,2})[-/.月](?P<c>\d{1,4})日?"
    r"(?:[ T,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?\s*(?P<half>[ap]m)?)?",
    re.IGNORECASE,
)
BOOLEANS: Final = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "on", "是", "有", "对", "x"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "off", "否", "无", "错"), False),
}
_YEAR_DIGITS: Final = 4


class CellError(ValueError):
    """A cell that is no value of its type; ``code`` is the stable reason."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class CellRule:
    """How the cells of one column are written. ``zone`` is that of times that do not name their own."""

    type: ValueType
    zone: tzinfo = UTC
    date_format: str = "dmy"
    is_decimal_comma: bool = False
    is_minor: bool = False
    exponent: int = 2
    longest: int = 2000


def reader_of(rule: CellRule) -> Callable[[str], Any]:
    """Return the function that reads a trimmed, non-empty cell; it raises ``CellError``."""
    readers: dict[ValueType, Callable[[str, CellRule], Any]] = {
        ValueType.TEXT: _text,
        ValueType.WHOLE: _whole,
        ValueType.NUMBER: _number,
        ValueType.MONEY: _money,
        ValueType.DAY: _day,
        ValueType.MOMENT: _moment_text,
        ValueType.BOOLEAN: _boolean,
        ValueType.EMAIL: _email,
        ValueType.PHONE: _phone,
    }
    read = readers[rule.type]
    return lambda cell: read(cell, rule)


def decimal_of(cell: str, *, is_decimal_comma: bool = False) -> Decimal:
    """Return a number written with thousands separators and currency signs. Raises ``CellError``."""
    bare = cell.strip()
    is_negative = bare.startswith("(") and bare.endswith(")")
    bare = _MONEY_SIGNS.sub("", bare.strip("()")).replace("−", "-")
    if not _DIGITS[is_decimal_comma].fullmatch(bare):
        return _scientific(bare)
    if is_decimal_comma:
        bare = re.sub(r"[.' ]", "", bare).replace(",", ".")
    try:
        number = Decimal(bare.replace(",", ""))
    except InvalidOperation as error:
        raise CellError("number_invalid") from error
    return -number if is_negative else number


def _scientific(bare: str) -> Decimal:
    """Spreadsheets write long numbers as 1.2E+05."""
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?[eE][+-]?\d{1,3}", bare):
        raise CellError("number_invalid")
    return Decimal(bare)


def moment_of(cell: str, rule: CellRule) -> datetime:
    """Return the moment as written, without a zone when the cell names none. Raises ``CellError``.

    What begins with the year, ISO 8601 included, is read whatever the format; the format only decides
    between day first and month first, or says that numbers count days or seconds.
    """
    moment = _counted(cell, rule.date_format) or _iso(cell) or _parts(cell, rule.date_format)
    if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise CellError("time_invalid")
    return moment


def _counted(cell: str, date_format: str) -> datetime | None:
    if date_format not in {"excel", "unix", "unix_ms"}:
        return None
    try:
        number = float(cell)
        if date_format == "excel":
            return _EXCEL_EPOCH + timedelta(days=number)
        return datetime.fromtimestamp(number / (1000 if date_format == "unix_ms" else 1), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _iso(cell: str) -> datetime | None:
    if not (len(cell) > _YEAR_DIGITS and cell[:_YEAR_DIGITS].isdigit() and not cell.isdigit()):
        return None
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        return None


def _parts(cell: str, date_format: str) -> datetime | None:
    match = _MOMENT.fullmatch(cell)
    if match is None:
        return None
    a, b, c = (int(match[name]) for name in "abc")
    if len(match["a"]) == _YEAR_DIGITS:
        year, month, day = a, b, c
    else:
        year = c if len(match["c"]) == _YEAR_DIGITS else 2000 + c
        day, month = (b, a) if date_format == "mdy" else (a, b)
    hour = int(match["hour"] or 0)
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].lower() == "pm" else 0)
    try:
        return datetime(year, month, day, hour, int(match["minute"] or 0), int(match["second"] or 0))  # noqa: DTZ001 - the caller adds the zone
    except ValueError:
        return None


def _text(cell: str, rule: CellRule) -> str:
    if len(cell) > rule.longest:
        raise CellError("value_too_long")
    return cell


def _whole(cell: str, rule: CellRule) -> int:
    number = decimal_of(cell, is_decimal_comma=rule.is_decimal_comma)
    if number != number.to_integral_value() or abs(number) > LARGEST_WHOLE:
        raise CellError("number_invalid")
    return int(number)


def _number(cell: str, rule: CellRule) -> float:
    number = float(decimal_of(cell, is_decimal_comma=rule.is_decimal_comma))
    if abs(number) > LARGEST_MINOR:
        raise CellError("number_invalid")
    return int(number) if number.is_integer() else number


def _money(cell: str, rule: CellRule) -> int:
    """Return minor units, halves rounded away from zero."""
    number = decimal_of(cell, is_decimal_comma=rule.is_decimal_comma)
    if abs(number) > LARGEST_MINOR:
        raise CellError("amount_invalid")
    scaled = number if rule.is_minor else number.scaleb(rule.exponent)
    minor = int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    if abs(minor) > LARGEST_MINOR:
        raise CellError("amount_invalid")
    return minor


def _day(cell: str, rule: CellRule) -> str:
    if len(cell) == 10 and cell[4] == "-":  # noqa: PLR2004 - the usual spelling, fast
        try:
            return date.fromisoformat(cell).isoformat()
        except ValueError:
            pass
    try:
        return moment_of(cell, rule).date().isoformat()
    except CellError as error:
        raise CellError("date_invalid") from error


def _moment_text(cell: str, rule: CellRule) -> str:
    moment = moment_of(cell, rule)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=rule.zone)
    return moment.astimezone(UTC).isoformat()


def _boolean(cell: str, rule: CellRule) -> bool:
    found = BOOLEANS.get(cell.casefold())
    if found is None:
        raise CellError("boolean_invalid")
    return found


def _email(cell: str, rule: CellRule) -> str:
    if not normalise("email", cell):
        raise CellError("email_invalid")
    return _text(cell, rule)


def _phone(cell: str, rule: CellRule) -> str:
    if not normalise("phone", cell):
        raise CellError("phone_invalid")
    return _text(cell, rule)
