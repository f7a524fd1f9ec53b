from __future__ import annotations

from crm.domain.import_fields import FieldSet, ImportField, ValueType
from crm.domain.import_plans import OWN_COLUMNS, ColumnPlan, ImportPlan, fingerprint_of
from crm.domain.proposals import likely_type, propose
from crm.domain.row_parser import RowParser

FIELDS = FieldSet(
    fields=(
        ImportField("id", "Id", synonyms=("customer id", "编号")),
        ImportField("email", "E-mail", ValueType.EMAIL, synonyms=("e-mail", "邮箱")),
        ImportField("born", "Born", ValueType.DAY, synonyms=("birthday",)),
        ImportField("spent", "Spent", ValueType.MONEY, synonyms=("amount",)),
    ),
    open_prefix="attribute.",
)


def proposed(header: list[str], *rows: list[str | None]) -> dict[str, ColumnPlan]:
    plan = propose(header=header, sample=rows, fields=FIELDS)
    return {column.source: column for column in plan.columns}


def test_headings_in_two_languages_and_cells_decide() -> None:
    plan = proposed(
        ["编号", "Contact", "Birthday", "Total amount", "Favourite colour", *OWN_COLUMNS, "empty"],
        ["1", "a@b.co", "02/13/1990", "1.234,50", "red", "7", "why", "Contact", None],
        ["2", "c@d.co", "01/02/1990", "2,50", "blue", "8", "why", "Contact", None],
    )
    assert [column.target for column in plan.values()] == [
        "id", "email", "born", "spent", "attribute.favourite_colour", "", "", "", "",
    ]  # fmt: skip
    assert (plan["Birthday"].date_format, plan["Total amount"].decimal_comma) == ("mdy", True)


def test_numbers_of_days_and_seconds_are_told_by_their_size() -> None:
    assert proposed(["birthday"], ["32000"])["birthday"].date_format == "excel"
    assert proposed(["birthday"], ["1767578400"])["birthday"].date_format == "unix"
    assert proposed(["birthday"], ["03/04/1990"])["birthday"].date_format == "dmy"


def test_types_of_own_columns() -> None:
    assert likely_type(["1", "2.5"]) == ValueType.NUMBER
    assert likely_type(["00123", "00124"]) == ValueType.TEXT
    assert likely_type(["yes", "no"]) == ValueType.BOOLEAN
    assert likely_type(["2026-01-02", "2026-01-03"]) == ValueType.DAY
    assert likely_type(["2026-01-02 10:00"]) == ValueType.MOMENT
    assert likely_type([]) == ValueType.TEXT


def test_files_with_the_same_columns_share_a_fingerprint() -> None:
    assert fingerprint_of(["A", "b "]) == fingerprint_of(["b", "a", *OWN_COLUMNS]) != fingerprint_of(["a"])


def test_rows_are_read_after_the_plan() -> None:
    plan = ImportPlan(
        columns=(
            ColumnPlan("a", "id", missing="previous"),
            ColumnPlan("b", "spent", unit="minor"),
            ColumnPlan("c", "attribute.size", type="number", missing="fill", fill="3"),
            ColumnPlan("d", "email", missing="drop"),
            ColumnPlan("e"),
        )
    )
    parse = RowParser(plan, header=["a", "b", "c", "d", "e"], fields=FIELDS, zone="UTC", currency="EUR")
    assert parse(["1", "5", None, "a@b.co", "x"]).values == {
        "id": "1", "spent": 5, "attribute.size": 3, "email": "a@b.co",
    }  # fmt: skip
    assert parse([None, None, "4", "a@b.co", None]).values == {
        "id": "1",
        "attribute.size": 4,
        "email": "a@b.co",
    }
    dropped = parse(["1", "5", None, None, None])
    assert (dropped.reason, dropped.column) == ("value_missing", "d")
    wrong = parse(["1", "x", None, None, None])
    assert (wrong.reason, wrong.column) == ("number_invalid", "b")
