"""How much a program may hold: beyond, its check takes seconds and every event longer than its posting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

# The check compares rules with each other: 500 take a second, 2,000 more than ten; an event asks them all.
MOST_BY_SECTION: Final[Mapping[str, int]] = MappingProxyType(
    {"rules": 500, "challenges": 500, "coupons": 2_000, "coupon_campaigns": 500, "rewards": 2_000}
)


class TooMany(NamedTuple):
    """A section with more entries than a program may have."""

    section: str
    held: int
    most: int


def too_many(document: Mapping[str, Any], former: Mapping[str, Any]) -> Iterator[TooMany]:
    """Yield the sections that are too long and grow; a program that was longer before may be made shorter."""
    for section, most in MOST_BY_SECTION.items():
        count, before = (len(each.get(section) or ()) for each in (document, former))
        if count > most and count > before:
            yield TooMany(section, count, most)
