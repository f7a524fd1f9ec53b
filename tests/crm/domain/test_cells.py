from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.domain.cells import CellError, CellRule, decimal_of, reader_of
from crm.domain.import_fields import ValueType
from crm.domain.spreadsheets import as_it_was, neutral

SHANGHAI = ZoneInfo("Asia/Shanghai")


def read(cell: str, value_type: ValueType, **options: Any) -> Any:
    return reader_of(CellRule(value_type, **options))(cell)


@pytest.mark.parametrize(
    ("cell", "comma", "number"),
    [
        ("1234", False, "1234"),
        ("1,234.50", False, "1234.50"),
        ("1.234,50", True, "1234.50"),
        ("1 234,5", True, "1234.5"),
        ("¥1,200", False, "1200"),
        ("12.5 元", False, "12.5"),
        ("(3.20)", False, "-3.20"),
        ("−5", False, "-5"),
        ("1.2E+05", False, "120000"),
    ],
)
def test_numbers_as_people_write_them(cell: str, comma: bool, number: str) -> None:
    assert decimal_of(cell, is_decimal_comma=comma) == Decimal(number)


@pytest.mark.parametrize(
    ("cell", "comma"), [("1,5", False), ("1.5.2", True), ("1,23,4", False), ("x", False), ("", True)]
)
def test_what_could_be_misread_is_refused(cell: str, comma: bool) -> None:
    with pytest.raises(CellError, match="number_invalid"):
        decimal_of(cell, is_decimal_comma=comma)


@pytest.mark.parametrize(
    ("cell", "options", "minor"),
    [
        ("1.005", {}, 101),
        ("-1.005", {}, -101),
        ("1250", {"is_minor": True}, 1250),
        ("1250", {"exponent": 0}, 1250),
        ("1,5", {"is_decimal_comma": True}, 150),
    ],
)
def test_money_becomes_minor_units(cell: str, options: dict[str, Any], minor: int) -> None:
    assert read(cell, ValueType.MONEY, **options) == minor


@pytest.mark.parametrize(
    ("cell", "date_format", "moment"),
    [
        ("2026-01-05T10:00:00+01:00", "dmy", "2026-01-05T09:00:00+00:00"),
        ("2026-01-05 10:00", "mdy", "2026-01-05T02:00:00+00:00"),
        ("2026年1月5日", "dmy", "2026-01-04T16:00:00+00:00"),
        ("5/1/2026 10:00", "dmy", "2026-01-05T02:00:00+00:00"),
        ("1/5/2026 10:00 PM", "mdy", "2026-01-05T14:00:00+00:00"),
        ("5.1.26", "dmy", "2026-01-04T16:00:00+00:00"),
        ("46027.5", "excel", "2026-01-05T04:00:00+00:00"),
        ("1767578400", "unix", "2026-01-05T02:00:00+00:00"),
        ("1767578400000", "unix_ms", "2026-01-05T02:00:00+00:00"),
    ],
)
def test_moments_in_the_zone_of_the_file(cell: str, date_format: str, moment: str) -> None:
    assert read(cell, ValueType.MOMENT, date_format=date_format, zone=SHANGHAI) == moment


@pytest.mark.parametrize("cell", ["31/02/2026", "2026-13-01", "yesterday", "12345", "1/2", "0001-01-01"])
def test_no_moment(cell: str) -> None:
    with pytest.raises(CellError, match="time_invalid"):
        read(cell, ValueType.MOMENT)


def test_other_types() -> None:
    assert read("1990-02-03", ValueType.DAY) == read("3.2.1990", ValueType.DAY) == "1990-02-03"
    assert [read(cell, ValueType.BOOLEAN) for cell in ("Yes", "是", "0")] == [True, True, False]
    assert read("1,000", ValueType.WHOLE) == 1000
    assert read("1.50", ValueType.NUMBER) == 1.5
    for cell, value_type, code in (
        ("1.5", ValueType.WHOLE, "number_invalid"),
        ("maybe", ValueType.BOOLEAN, "boolean_invalid"),
        ("nobody", ValueType.EMAIL, "email_invalid"),
        ("x" * 2001, ValueType.TEXT, "value_too_long"),
        ("1" * 20, ValueType.MONEY, "amount_invalid"),
    ):
        with pytest.raises(CellError, match=code):
            read(cell, value_type)


@settings(max_examples=150)
@given(
    st.text(max_size=12),
    st.sampled_from(list(ValueType)),
    st.sampled_from(["dmy", "mdy", "excel", "unix"]),
    st.booleans(),
)
def test_no_text_breaks_a_reader(cell: str, value_type: ValueType, date_format: str, comma: bool) -> None:
    with suppress(CellError):
        read(cell, value_type, date_format=date_format, is_decimal_comma=comma)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("+cmd|x", "'+cmd|x"),
        ("\tx", "'\tx"),
        ("-5", "-5"),
        ("+49 30 1", "+49 30 1"),
    ],
)
def test_formulas_are_shown_and_not_run(cell: str, shown: str) -> None:
    assert neutral(cell) == shown
    assert as_it_was(shown) == cell
