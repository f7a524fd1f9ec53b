from __future__ import annotations

import pytest

from crm.domain.text_shapes import ByteScan, delimiter_of, encoding_of, header_names, is_binary

CHINESE = "编号,姓名,城市\n1,张三,北京\n2,李四,上海浦东\n"
GERMAN = "id;name;city\n1;Müller;Köln\n2;Jörg Groß;Überlingen\n"


def scanned(data: bytes, size: int = 7) -> ByteScan:
    scan = ByteScan()
    for start in range(0, len(data), size):
        scan.feed(data[start : start + size])
    scan.finish()
    return scan


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (CHINESE.encode("gb18030"), "gb18030"),
        (CHINESE.encode("utf-8"), "utf-8"),
        (CHINESE.encode("utf-8-sig"), "utf-8-sig"),
        (CHINESE.encode("utf-16"), "utf-16"),
        (GERMAN.encode("utf-16-le"), "utf-16-le"),
        (GERMAN.encode("utf-16-be"), "utf-16-be"),
        (GERMAN.encode("latin-1"), "cp1252"),
        ("id;name\n1;Zoë\n".encode("cp1252"), "cp1252"),
        ("id,имя\n1,Мария Иванова\n2,Иван Петров\n".encode("cp1251"), "cp1251"),
        (b"id,name\n1,Ann\n", "utf-8"),
        (CHINESE.encode() * 20 + b"3,\xff\xfe,x\n", "utf-8"),
    ],
)
def test_encoding(data: bytes, encoding: str) -> None:
    assert encoding_of(scanned(data, size=4096)) == encoding


def test_utf_8_is_told_across_blocks_and_to_the_last_byte() -> None:
    assert scanned(CHINESE.encode()).is_utf8
    assert not scanned(CHINESE.encode()[:-3]).is_utf8
    late = b"id,name\n" + b"1,Ann\n" * 50_000 + "2,Zoë\n".encode("latin-1")
    assert encoding_of(scanned(late, size=65_536)) == "cp1252"


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b;c\n1;2,5;3\n1;2,5;3\n", ";"),
        ("a\tb\n1,5\t2\n", "\t"),
        ('a|b\n"x|y\nz"|1\n', "|"),
        ("only\n1\n2\n", ","),
        ('id,text\n1,"a;b;c"\n2,"d;e;f"\n', ","),
    ],
)
def test_delimiter(text: str, delimiter: str) -> None:
    assert delimiter_of(text) == delimiter


def test_names_of_columns_are_unique_and_never_blank() -> None:
    assert header_names(["id", None, " id ", "", "id"]) == (
        "id", "column 2", "id (2)", "column 4", "id (3)",
    )  # fmt: skip


def test_pictures_are_no_text() -> None:
    assert is_binary(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\x01\x02\x03\x04\x05\x06")
    assert not is_binary(b"id,name\r\n1,a\0b\n")
