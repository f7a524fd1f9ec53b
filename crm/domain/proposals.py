"""A first plan for a file nobody has seen before, from its headings and the look of its cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from crm.domain.cells import BOOLEANS, CellError, decimal_of
from crm.domain.identities import normalise_email
from crm.domain.import_fields import FieldSet, ImportField, ValueType
from crm.domain.import_plans import OWN_COLUMNS, ColumnPlan, DateFormat, ImportPlan

_NOISE: Final = re.compile(r"[\W_]+")
_DAY_PARTS: Final = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4}(?:\D.*)?")
_STARTS_WITH_YEAR: Final = re.compile(r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}")
_DECIMAL_COMMA: Final = re.compile(r"-?\d{1,3}(?:[. ]\d{3})*,\d{1,2}|-?\d+,\d{1,2}")
_MOST: Final = 0.8
_LAST_MONTH: Final = 12
# Numbers in a column of times: seconds and milliseconds since 1970, days since 1900.
_SPAN_BY_COUNT: Final[dict[DateFormat, range]] = {
    "unix": range(10**9, 4 * 10**9),
    "unix_ms": range(10**12, 4 * 10**12),
    "excel": range(20_000, 80_000),
}


def propose(
    *,
    header: Sequence[str],
    sample: Sequence[Sequence[str | None]],
    fields: FieldSet,
    prefers: DateFormat = "dmy",
) -> ImportPlan:
    """Return a plan: each column to the field its heading names, the best match first.

    ``prefers`` decides between day first and month first where the sample does not.
    """
    values = [[row[at] for row in sample if row[at] is not None] for at in range(len(header))]
    target_by_position = _matched(header, values, fields)
    return ImportPlan(
        columns=tuple(
            _column(name, [each for each in values[at] if each], target_by_position.get(at), fields, prefers)
            for at, name in enumerate(header)
        )
    )


def bare(heading: str) -> str:
    """Return a heading without case, spaces and punctuation: ``E-Mail Address`` is ``emailaddress``."""
    return _NOISE.sub("", heading.casefold())


def likely_type(values: Sequence[str]) -> ValueType:
    """Return the type most of the cells look like."""
    if not values:
        return ValueType.TEXT
    if (
        _share(values, lambda cell: bool(_STARTS_WITH_YEAR.match(cell) or _DAY_PARTS.fullmatch(cell)))
        >= _MOST
    ):
        return ValueType.MOMENT if any(":" in cell for cell in values) else ValueType.DAY
    if set(values) - {"1", "0"} and all(cell.casefold() in BOOLEANS for cell in values):
        return ValueType.BOOLEAN
    # A leading zero means a code: postcodes and card numbers are no quantities.
    is_code = any(cell.startswith("0") and cell.isdigit() and len(cell) > 1 for cell in values)
    if not is_code and all(_is_number(cell) for cell in values):
        return ValueType.NUMBER
    return ValueType.TEXT


def _matched(
    header: Sequence[str], values: Sequence[Sequence[str | None]], fields: FieldSet
) -> dict[int, ImportField]:
    scored = sorted(
        (
            (_score(name, [cell for cell in values[at] if cell], field), -at, number, field)
            for at, name in enumerate(header)
            if name not in OWN_COLUMNS
            for number, field in enumerate(fields.fields)
        ),
        key=lambda each: (-each[0], -each[1], each[2]),
    )
    found: dict[int, ImportField] = {}
    taken: set[str] = set()
    for score, negative, _number, field in scored:
        if score > 0 and -negative not in found and field.key not in taken:
            found[-negative] = field
            taken.add(field.key)
    return found


def _score(heading: str, values: Sequence[str], field: ImportField) -> float:
    """3 for a heading that is a synonym, less for one that contains it or for cells that look like it."""
    name = bare(heading)
    synonyms = {bare(each) for each in (*field.synonyms, field.key.rpartition(".")[2])}
    if name in synonyms:
        return 3.0
    if any(len(each) > 3 and (name.endswith(each) or name.startswith(each)) for each in synonyms):  # noqa: PLR2004 - short words are in many headings
        return 2.0
    is_email = bool(values) and _share(values, lambda cell: bool(normalise_email(cell))) >= _MOST
    return 1.0 if field.type == ValueType.EMAIL and is_email else 0.0


def _column(
    name: str, values: Sequence[str], field: ImportField | None, fields: FieldSet, prefers: DateFormat
) -> ColumnPlan:
    if field is None:
        if not fields.open_prefix or name in OWN_COLUMNS or not values or name.startswith("column "):
            return ColumnPlan(source=name)
        key = re.sub(r"[^\w]+", "_", name.casefold()).strip("_")[:60]
        found = likely_type(values)
        target = fields.open_prefix + key if key else ""
        return ColumnPlan(
            source=name, target=target, type=found, date_format=_date_format(values, found, prefers)
        )
    return ColumnPlan(
        source=name,
        target=field.key,
        date_format=_date_format(values, field.type, prefers),
        decimal_comma=field.type in {ValueType.MONEY, ValueType.NUMBER} and _has_decimal_comma(values),
    )


def _date_format(values: Sequence[str], value_type: ValueType, prefers: DateFormat) -> DateFormat:
    """Tell day first from month first by the parts above twelve; numbers count days or seconds."""
    if value_type not in {ValueType.DAY, ValueType.MOMENT}:
        return "dmy"
    parts = [match for cell in values if (match := _DAY_PARTS.fullmatch(cell))]
    if any(int(match[1]) > _LAST_MONTH for match in parts):
        return "dmy"
    if any(int(match[2]) > _LAST_MONTH for match in parts):
        return "mdy"
    numbers = [int(float(cell)) for cell in values if re.fullmatch(r"\d+(\.\d+)?", cell)]
    if numbers and len(numbers) == len(values):
        for name, span in _SPAN_BY_COUNT.items():
            if all(number in span for number in numbers):
                return name
    return prefers


def _has_decimal_comma(values: Sequence[str]) -> bool:
    return (
        bool(values)
        and any(_DECIMAL_COMMA.fullmatch(cell) for cell in values)
        and not any(re.fullmatch(r"-?\d{1,3}(,\d{3})*\.\d+", cell) for cell in values)
    )


def _is_number(cell: str) -> bool:
    try:
        decimal_of(cell)
    except CellError:
        return False
    return True


def _share(values: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, values)) / len(values)
