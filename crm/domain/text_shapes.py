"""What a text file is written in: its encoding and its delimiter, told from its bytes."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

DELIMITERS: Final = (",", ";", "\t", "|")
# Detection may be told to look at these; the user may choose among them.
ENCODINGS: Final = ("utf-8", "gb18030", "cp1252", "latin-1", "utf-16", "big5", "shift_jis", "cp1251")
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HEAD_BYTES: Final = 65_536
_SAMPLE_BYTES: Final = 65_536
_LINES_COMPARED: Final = 60
# Every second byte of western text in UTF-16 is NUL; a stray NUL in a file of bytes is rare.
_NUL_SHARE: Final = 0.3
_CONTROL_SHARE: Final = 0.1
_NON_ASCII: Final = re.compile(rb"[\x80-\xff]+")
_GB2312_RUN: Final = re.compile(rb"(?:[\xa1-\xf7][\xa1-\xfe])+")
_GB_SHARE: Final = 0.9
_BROKEN_SHARE: Final = 0.1


@dataclass(slots=True)
class ByteScan:
    """Reads a file's blocks once: is all of it UTF-8, and if not, which lines say what else it is.

    The whole file is looked at: the first name with an accent may stand in the last row.
    """

    head: bytes = b""
    is_utf8: bool = True
    sample: bytearray = field(default_factory=bytearray)
    _decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))

    def feed(self, block: bytes) -> None:
        if len(self.head) < _HEAD_BYTES:
            self.head += block[: _HEAD_BYTES - len(self.head)]
        if self.is_utf8:
            try:
                self._decoder.decode(block)
            except UnicodeDecodeError:
                self.is_utf8 = False
        if not block.isascii() and len(self.sample) < _SAMPLE_BYTES:
            for line in block.split(b"\n"):
                if not line.isascii():
                    self.sample += line[: _SAMPLE_BYTES - len(self.sample)] + b"\n"

    def finish(self) -> None:
        """Tell that the file has ended: a character cut in two is no UTF-8."""
        if self.is_utf8:
            try:
                self._decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                self.is_utf8 = False


def encoding_of(scan: ByteScan) -> str:
    """Return the encoding: the byte order mark's, UTF-16, UTF-8, GB18030, else the likeliest code page."""
    for mark, name in _BOMS:
        if scan.head.startswith(mark):
            return name
    if wide := _utf_16(scan.head):
        return wide
    if scan.is_utf8:
        return "utf-8"
    sample = bytes(scan.sample)
    if _is_broken_utf_8(sample):
        return "utf-8"
    return "gb18030" if _is_gb(sample) else _likeliest(sample)


def is_binary(head: bytes) -> bool:
    """Tell whether bytes are no text in any encoding: many control characters beside NUL."""
    controls = sum(byte < 32 and byte not in b"\0\t\n\r\f\x1a" for byte in head)  # noqa: PLR2004 - the first printable character
    return controls > _CONTROL_SHARE * len(head)


def delimiter_of(text: str) -> str:
    """Return the delimiter that cuts most lines into as many cells as the first, and into the most cells."""
    return max(DELIMITERS, key=lambda delimiter: _regularity(text, delimiter))


def header_names(cells: list[str | None]) -> tuple[str, ...]:
    """Return one name a column: blanks are numbered, a repeated name gets a number."""
    names: list[str] = []
    seen: Counter[str] = Counter()
    for position, cell in enumerate(cells, start=1):
        name = (cell or "").strip() or f"column {position}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(names)


def _utf_16(head: bytes) -> str:
    pairs = len(head) // 2
    if not pairs:
        return ""
    if head[1::2].count(0) > _NUL_SHARE * pairs and head[::2].count(0) == 0:
        return "utf-16-le"
    if head[::2].count(0) > _NUL_SHARE * pairs and head[1::2].count(0) == 0:
        return "utf-16-be"
    return ""


def _is_gb(sample: bytes) -> bool:
    """Chinese text is runs of whole GB2312 pairs; an accented letter of a code page stands alone."""
    runs = _NON_ASCII.findall(sample)
    paired = sum(len(run) for run in runs if _GB2312_RUN.fullmatch(run))
    if paired < _GB_SHARE * sum(map(len, runs)):
        return False
    return not _is_undecodable(sample, "gb18030")


def _is_broken_utf_8(sample: bytes) -> bool:
    """A few bad bytes among many good characters: the rows that hold them are at fault, not the file."""
    text = sample.decode("utf-8", "replace")
    strange = sum(not character.isascii() for character in text)
    return text.count("\ufffd") < _BROKEN_SHARE * strange


def _is_undecodable(sample: bytes, encoding: str) -> bool:
    try:
        sample.rpartition(b"\n")[0].decode(encoding)
    except UnicodeDecodeError:
        return True
    return False


def _likeliest(sample: bytes) -> str:
    runs = _NON_ASCII.findall(sample)
    if sum(len(run) == 1 for run in runs) > len(runs) / 2:
        # Single accented letters among plain ones: other scripts write whole words of such bytes.
        return "cp1252"
    import charset_normalizer  # noqa: PLC0415 - only files of unknown code pages pay for its tables

    pages = ["cp1252", "latin_1", "big5", "shift_jis", "cp1251", "gb18030"]
    best = charset_normalizer.from_bytes(sample, cp_isolation=pages).best()
    return best.encoding.replace("_", "-") if best is not None else "latin-1"


def _regularity(text: str, delimiter: str) -> tuple[bool, float]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        widths = [len(row) for _number, row in zip(range(_LINES_COMPARED), lines, strict=False) if row]
    except csv.Error:
        return False, 0.0
    if not widths or widths[0] == 1:
        return False, 0.0
    share = widths.count(widths[0]) / len(widths)
    return True, share * (1 + min(widths[0], 50) / 50)
