"""Codes: patterns, an alphabet nobody misreads, a check character; randomness comes from the caller.

The alphabet has no 0 O 1 I L. It has 31 characters, a prime: the weighted check character therefore finds
every single wrong character and every swap of two different ones (ISO 7064's argument for a prime modulus,
with weights that are all different and not 0).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
PLACE: Final = "#"
# Of a pattern, and of a code that somebody else made.
LONGEST: Final = 40
LONGEST_CODE: Final = 60
# The weights of the check character stay different modulo 31.
MOST_PLACES: Final = 24
# At most one guess in this many hits a code.
GUESSES_PER_HIT: Final = 10_000
_SIZE: Final = len(ALPHABET)
_VALUE: Final = {character: value for value, character in enumerate(ALPHABET)}
# The largest multiple of 31 below 256: higher bytes are thrown away, so that no character is likelier.
_FAIR: Final = 256 // _SIZE * _SIZE
_TABLE: Final = bytes(ord(ALPHABET[byte % _SIZE]) for byte in range(256))
_UNFAIR: Final = bytes(range(_FAIR, 256))
_SPELLING: Final = re.compile(r"[A-Z0-9#_.\-]+")


class PatternError(ValueError):
    """The pattern cannot make codes; ``reason`` is stable."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def normalised(code: str) -> str:
    """Return a code as it is stored: upper case, without white space or what nobody sees.

    Full-width letters, as input methods of East Asia write them, are the usual ones.
    """
    if not code.isascii():
        folded = unicodedata.normalize("NFKC", code)
        code = "".join(each for each in folded if unicodedata.category(each) != "Cf")
    return "".join(code.split()).upper()


def is_spelled(code: str) -> bool:
    """Whether a normalised code could be one."""
    return 0 < len(code) <= LONGEST_CODE and code.isprintable() and "\\" not in code


@dataclass(frozen=True, slots=True)
class Pattern:
    """``SUMMER-####-####``: each # is drawn; with a check character the last # is computed."""

    text: str
    has_checksum: bool = True

    def __post_init__(self) -> None:
        if not 0 < len(self.text) <= LONGEST or not _SPELLING.fullmatch(self.text):
            raise PatternError("pattern_spelling", f"Up to {LONGEST} of A-Z 0-9 - _ . and # for a drawn one.")
        if not 0 < self.drawn <= MOST_PLACES:
            raise PatternError("pattern_places", f"A pattern has 1 to {MOST_PLACES} places (#) to draw.")

    @property
    def places(self) -> int:
        return self.text.count(PLACE)

    @property
    def drawn(self) -> int:
        return self.places - self.has_checksum

    @property
    def capacity(self) -> int:
        """Codes of this pattern that can be out before guessing gets easy."""
        return int(_SIZE**self.drawn // GUESSES_PER_HIT)

    def require_room_for(self, count: int) -> None:
        """Raise ``PatternError`` when so many codes could be guessed."""
        if count > self.capacity:
            needed = self.text.count(PLACE)
            while _SIZE ** (needed - self.has_checksum) // GUESSES_PER_HIT < count:
                needed += 1
            raise PatternError("pattern_too_short", f"So many codes need at least {needed} places (#).")

    def codes(self, count: int, random_bytes: Callable[[int], bytes]) -> Iterator[str]:
        """Yield ``count`` codes, which may repeat one another."""
        template = self.text.replace("{", "{{").replace("}", "}}").replace(PLACE, "{}")
        stream = _characters(count * self.drawn, random_bytes)
        for start in range(0, count * self.drawn, self.drawn):
            drawn = stream[start : start + self.drawn]
            yield template.format(*drawn, *(check_character(drawn) if self.has_checksum else ""))

    def is_checked(self, code: str) -> bool:
        """Whether a code of this pattern has the right check character; a mistyped one is known at once."""
        if len(code) != len(self.text) or not self.has_checksum:
            return not self.has_checksum
        drawn = "".join(c for c, p in zip(code, self.text, strict=True) if p == PLACE)
        return all(c in _VALUE for c in drawn) and check_character(drawn[:-1]) == drawn[-1]


def check_character(characters: str) -> str:
    """Return the character that makes the weighted sum of all a multiple of 31."""
    total = 0
    for weight, character in enumerate(characters, start=2):
        total += weight * _VALUE[character]
    return ALPHABET[-total % _SIZE]


def _characters(count: int, random_bytes: Callable[[int], bytes]) -> str:
    found = b""
    while len(found) < count:
        found += random_bytes((count - len(found)) * 256 // _FAIR + 16).translate(_TABLE, _UNFAIR)
    return found[:count].decode("ascii")
