"""What one published revision of a loyalty program says, as immutable values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rewards.domain.conditions import Condition

PERCENT = 100


def _no_percents() -> Mapping[str, int]:
    return MappingProxyType({})


class RefundPolicy(StrEnum):
    """What a returned line may take back once the points are no longer pending.

    ``ONLY_PENDING`` leaves active points alone. ``WITHIN_BALANCE`` takes the lot the line earned, then other
    lots, and forgives what is already spent.
    """

    ONLY_PENDING = "only_pending"
    WITHIN_BALANCE = "within_balance"


class Trigger(StrEnum):
    """The kinds of facts a rule can answer to."""

    ORDER = "order"


class CapKind(StrEnum):
    """Which limit reduced what a rule would have given."""

    PER_ORDER = "per_order"
    PER_MONTH = "per_month"


@dataclass(frozen=True, slots=True)
class WalletPolicy:
    """How points of one wallet live: when they expire and what a return takes back."""

    key: str
    name: str
    expiry_months: int | None = None
    refund_policy: RefundPolicy = RefundPolicy.WITHIN_BALANCE


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


@dataclass(frozen=True, slots=True)
class Tier:
    """A level reached by qualifying spend in the rolling year."""

    key: str
    name: str
    threshold_minor: int


@dataclass(frozen=True, slots=True)
class Revision:
    """A parsed program revision: rules by priority, tiers by rising threshold.

    ``time_zone`` is the tenant's; it belongs to the reading of the document, not to the document.
    """

    wallets: tuple[WalletPolicy, ...]
    rules: tuple[EarningRule, ...]
    tiers: tuple[Tier, ...]
    time_zone: tzinfo = UTC

    def wallet(self, key: str) -> WalletPolicy:
        """Policy of one wallet; ``KeyError`` when the revision has no such wallet."""
        for wallet in self.wallets:
            if wallet.key == key:
                return wallet
        raise KeyError(key)

    @property
    def has_monthly_caps(self) -> bool:
        """Whether evaluating needs to know what the customer earned this month."""
        return any(rule.caps.per_month is not None for rule in self.rules)
