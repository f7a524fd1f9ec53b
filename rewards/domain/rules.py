"""Earning rules as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rewards.domain.conditions import Condition

PERCENT: Final = 100


def _no_percents() -> Mapping[str, int]:
    return MappingProxyType({})


class Trigger(StrEnum):
    """The kinds of facts a rule can answer to."""

    ORDER = "order"


class CapKind(StrEnum):
    """Which limit reduced what a rule would have given."""

    PER_ORDER = "per_order"
    PER_MONTH = "per_month"


@dataclass(frozen=True, slots=True)
class Caps:
    """Most points a rule may give to one customer, per order and per calendar month of the tenant's zone."""

    per_order: int | None = None
    per_month: int | None = None


@dataclass(frozen=True, slots=True)
class EarningRule:
    """One way of earning.

    ``points`` are given for each ``per_minor`` of eligible line money, or once per order when ``per_minor``
    is ``None``. Percents multiply: a category at 200 and a tier at 150 give three times the points.
    """

    key: str
    name: str
    wallet: str
    points: int
    per_minor: int | None
    trigger: Trigger = Trigger.ORDER
    priority: int = PERCENT
    stops: bool = False
    conditions: tuple[Condition, ...] = ()
    categories: frozenset[str] = frozenset()
    category_percent: Mapping[str, int] = field(default_factory=_no_percents)
    tier_percent: Mapping[str, int] = field(default_factory=_no_percents)
    caps: Caps = field(default_factory=Caps)
