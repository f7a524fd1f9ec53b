"""Who sample members are and what happens on one of their days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from crm.domain.feedback import Kind
from rewards.domain.presets.definition import ShelfItem


@dataclass(frozen=True, slots=True)
class PlannedMember:
    """Somebody: a number outside, and a name where names are kept; ``agrees`` to hear of offers."""

    external_id: str
    given_name: str
    family_name: str
    joins_on: date
    leaves_on: date
    zeal: float
    attributes: Mapping[str, Any]
    postcode: str = ""
    enters: bool = False
    agrees: bool = False
    brought_by: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    member: int
    name: str
    message_id: str
    occurred_at: datetime
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    member: int
    external_id: str
    placed_at: datetime
    lines: tuple[tuple[ShelfItem, int], ...]
    is_returned: bool
    has_coupon: bool
    channel: str


@dataclass(frozen=True, slots=True)
class PlannedRemark:
    """Feedback of a member; ``text`` stands in the catalogue of translations, ``order`` is its id outside."""

    member: int
    source_id: str
    kind: Kind
    occurred_at: datetime
    rating: int | None
    text: str
    sku: str
    order: str


@dataclass(frozen=True, slots=True)
class Day:
    """What happens on one local day, in order of time.

    ``looking`` are members who look at the rewards: who looks more often on a day takes more than one.
    """

    day: date
    events: tuple[PlannedEvent, ...]
    orders: tuple[PlannedOrder, ...]
    remarks: tuple[PlannedRemark, ...]
    looking: tuple[int, ...]
