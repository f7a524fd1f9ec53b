"""Every kind of file becomes numbered rows of text; what cannot be a row says why."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.services.imports import files
from crm.services.imports.errors import UnreadableFile


def written(tmp_path: Path, data: bytes, name: str = "file.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def content(path: Path, **options: Any) -> tuple[list[list[str | None]], dict[int, str]]:
    cells, flaws = [], {}
    for rows in files.read(path, files.shape_of(path), **options):
        cells += rows.cells
        flaws |= rows.flaws
    return cells, flaws


def test_rows_keep_quotes_newlines_and_numbers_through_any_dialect(tmp_path: Path) -> None:
    text = 'id;name;note\n1;"Müller; K.";"two\nlines ""here"""\n\n2;Ann;\n'
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "latin-1"):
        path = written(tmp_path, text.encode(encoding))
        assert content(path) == ([["1", "Müller; K.", 'two\nlines "here"'], ["2", "Ann", None]], {})


def test_flaws_do_not_stop_the_file(tmp_path: Path) -> None:
    many = "".join(f"{n},名\n" for n in range(10, 40)).encode()
    data = b"id,name\n1,a\0b\n2,x,y\n3\n4,\xff\n" + b'5,"' + b"x" * 300_000 + b'"\n6,ok\n' + many
    cells, flaws = content(written(tmp_path, data))
    assert flaws == {
        2: "row_malformed",
        3: "row_malformed",
        4: "character_unreadable",
        5: "cell_too_long",
    }
    assert (cells[0], cells[1], cells[2], cells[5]) == (["1", "ab"], ["2", "x | y"], ["3", None], ["6", "ok"])
    assert len(cells) == 36


def test_an_endless_line_and_an_open_quote_end_somewhere(tmp_path: Path) -> None:
    endless = written(tmp_path, b"id,name\n1," + b"x" * 3_000_000 + b"\n2,ok\n")
    assert content(endless) == ([[None, None], ["2", "ok"]], {1: "cell_too_long"})
    opened = written(tmp_path, b'id,name\n1,"' + b"never closed,\n" * 20_000 + b"2,ok\n")
    cells, flaws = content(opened)
    assert set(flaws.values()) <= {"cell_too_long", "row_malformed"}
    assert cells[-1] == ["2", "ok"]


def test_reading_starts_after_a_row_and_comes_in_blocks(tmp_path: Path) -> None:
    path = written(tmp_path, b"id\n" + b"".join(b"%d\n" % n for n in range(1, 11)))
    blocks = list(files.read(path, files.shape_of(path), after=3, size=3))
    assert [(rows.first_row, rows.last_row) for rows in blocks] == [(4, 6), (7, 9), (10, 10)]
    assert blocks[0].cells[0] == ["4"]


def test_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "when", "amount", "is new", "note"])
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.write_number(1, 0, 42)
        sheet.write_datetime(1, 1, datetime(2026, 1, 2, 3, 4, tzinfo=UTC).replace(tzinfo=None), moment)
        sheet.write_number(1, 2, 1.5)
        sheet.write_boolean(1, 3, True)
        sheet.write_formula(1, 4, "=1+1", None, 2)
        sheet.write_string(3, 0, "张三")
    assert content(path) == (
        [["42", "2026-01-02 03:04:00", "1.5", "true", "2"], ["张三", None, None, None, None]],
        {},
    )


def test_a_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    columns = {
        "id": [1.0, float("nan")],
        "day": [date(2026, 1, 2), None],
        "at": [datetime(2026, 1, 2, 3, 4, tzinfo=UTC), None],
        "yes": [True, None],
    }
    pq.write_table(pa.table(columns), path)
    assert content(path) == (
        [["1", "2026-01-02", "2026-01-02 03:04:00+00:00", "true"], [None, None, None, None]],
        {},
    )


def bomb(tmp_path: Path) -> bytes:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 20_000_000)
    return path.read_bytes()


def lying_bomb(tmp_path: Path) -> bytes:
    """Say in both headers that the part is small; its bytes unfold to more."""
    data = bomb(tmp_path)
    return data.replace((20_000_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little"))


@pytest.mark.parametrize("make", [bomb, lying_bomb])
def test_bombs_are_refused_before_they_are_opened(tmp_path: Path, make: Any) -> None:
    with pytest.raises(UnreadableFile):
        files.shape_of(written(tmp_path, make(tmp_path), "book.xlsx"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\x01\x02\x03\x04", "no text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
        (b"PK\x03\x04garbage", "XLSX"),
        (b"PAR1garbage", "Parquet"),
        (b",,\n\n,,\n", "column names"),
        (b",".join(b"c%d" % n for n in range(501)) + b"\n", "501 columns"),
    ],
)
def test_refused_files(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(UnreadableFile, match=message):
        files.shape_of(written(tmp_path, data))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    data=st.lists(
        st.sampled_from(
            [b'"', b"'", b",", b";", b"\t", b"|", b"\n", b"\r", b"\r\n", b"\0", b"a", b"=1+1", b"\xff\xfe",
             b"\xef\xbb\xbf", "é".encode("latin-1"), "张".encode("gb18030"), "张".encode(), b"x" * 100_001]
        ),
        max_size=40,
    ),
    start=st.sampled_from([b"", b"a,b\n", b"\xef\xbb\xbfa;b\n", b"\xff\xfe", b"PK\x03\x04", b"PAR1"]),
)  # fmt: skip
def test_no_bytes_break_the_reader_and_no_row_is_lost(
    tmp_path: Path, data: list[bytes], start: bytes
) -> None:
    path = written(tmp_path, start + b"".join(data))
    try:
        shape = files.shape_of(path)
    except UnreadableFile:
        return
    blocks = list(files.read(path, shape, size=3))
    expected = 1
    for rows in blocks:
        assert rows.first_row == expected
        assert all(len(row) == len(shape.header) for row in rows.cells)
        assert all(rows.first_row <= number <= rows.last_row for number in rows.flaws)
        expected = rows.last_row + 1
    again = [row for rows in files.read(path, shape) for row in rows.cells]
    assert [row for rows in blocks for row in rows.cells] == again
