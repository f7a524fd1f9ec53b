"""What voices are made of, and short ways to write remarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from crm.domain.feedback import Feeling, Kind

# What people tick whose words sound like this.
RATINGS: Final[Mapping[tuple[Kind, Feeling], tuple[int, ...]]] = MappingProxyType(
    {
        (Kind.NPS, Feeling.POSITIVE): (8, 9, 9, 10, 10, 10),
        (Kind.NPS, Feeling.MIXED): (7, 7, 8),
        (Kind.NPS, Feeling.NEGATIVE): (1, 3, 4, 5, 6),
        (Kind.CSAT, Feeling.POSITIVE): (4, 5, 5),
        (Kind.CSAT, Feeling.MIXED): (3,),
        (Kind.CSAT, Feeling.NEGATIVE): (1, 2, 2),
        (Kind.REVIEW, Feeling.POSITIVE): (4, 5, 5),
        (Kind.REVIEW, Feeling.MIXED): (3,),
        (Kind.REVIEW, Feeling.NEGATIVE): (1, 2, 2),
    }
)


@dataclass(frozen=True, slots=True)
class Remark:
    """One text; it stands in the catalogue of translations."""

    kind: Kind
    feeling: Feeling
    text: str


def _nothing() -> Mapping[Kind, float]:
    return MappingProxyType({})


def _nobody() -> Mapping[str, Kind]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Voices:
    """The remarks of a vertical. ``per_week``: how often one of average zeal speaks up, by kind.

    ``after_orders`` is the share of orders that are reviewed some days later. ``after_events`` names events
    that come with words of a kind, their rating is the property ``rated_by`` where there is one; of those
    about what was bought, nobody speaks who has bought nothing.
    """

    remarks: tuple[Remark, ...] = ()
    per_week: Mapping[Kind, float] = field(default_factory=_nothing)
    after_orders: float = 0.0
    after_events: Mapping[str, Kind] = field(default_factory=_nobody)
    rated_by: str = "stars"


def praise(kind: Kind, *texts: str) -> list[Remark]:
    """Write remarks of the pleased."""
    return [Remark(kind, Feeling.POSITIVE, text) for text in texts]


def so_so(kind: Kind, *texts: str) -> list[Remark]:
    """Write remarks that say both."""
    return [Remark(kind, Feeling.MIXED, text) for text in texts]


def complaint(kind: Kind, *texts: str) -> list[Remark]:
    """Write remarks of the angry and the disappointed."""
    return [Remark(kind, Feeling.NEGATIVE, text) for text in texts]
