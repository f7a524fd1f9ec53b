"""How points of one wallet live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from rewards.domain.expiry import Expiry, ExpiryKind, start_of_day

_PERCENT = 100
_ENDLESS: Final = Expiry()


class RefundPolicy(StrEnum):
    """What a returned line may take back once the points are no longer pending.

    ``ONLY_PENDING`` leaves active points alone. ``WITHIN_BALANCE`` takes the lot the line earned, then other
    lots, and forgives what is already spent. ``ALLOW_DEBT`` takes that too: it becomes a debt which the next
    earn repays.
    """

    ONLY_PENDING = "only_pending"
    WITHIN_BALANCE = "within_balance"
    ALLOW_DEBT = "allow_debt"


class WalletKind(StrEnum):
    """What a wallet's unit is: points to spend, points that only count, or money in minor units."""

    SPENDABLE = "spendable"
    STATUS = "status"
    CASHBACK = "cashback"


MANUAL = "manual"
# Days before the end at which members hear of it, where a wallet does not say otherwise.
WARNING_DAYS: Final = (30, 7)


@dataclass(frozen=True, slots=True)
class Pending:
    """When earned points become spendable: ``days`` after earning, and once ``event`` has happened.

    ``event`` is the name of an event that names the order (``order_delivered``), or ``manual`` for staff.
    With both, whichever comes first counts. ``until`` stands alone: what is earned before that local day
    becomes spendable at its start, what is earned later at once.
    """

    days: int = 0
    event: str = ""
    until: date | None = None

    @property
    def names_an_event(self) -> bool:
        """Whether points wait for an event about their order, not only for a date or for staff."""
        return self.event not in {"", MANUAL}

    def activates_at(self, earned_at: datetime, zone: tzinfo) -> datetime | None:
        """Return the start of the local day on which the wait is over; ``None`` without a date."""
        if self.until is not None:
            is_before = earned_at.astimezone(zone).date() < self.until
            return start_of_day(self.until, zone) if is_before else None
        if not self.days:
            return None
        return start_of_day(earned_at.astimezone(zone).date() + timedelta(days=self.days), zone)

    def awaits(self, event_type: str, event_id: int) -> str | None:
        """Return what a lot of this event waits for; ``None`` for nothing."""
        if not self.event:
            return None
        return MANUAL if self.event == MANUAL else awaited(self.event, event_type, event_id)


def named_order(properties: Mapping[str, Any]) -> str | None:
    """Return the order that an event names, as the client calls it."""
    order = properties.get("order_id")
    return str(order) if isinstance(order, str | int) else None


def events_awaited(wallets: Iterable[WalletPolicy]) -> frozenset[str]:
    """Return the names of the events that make points of some wallet spendable."""
    return frozenset(wallet.pending.event for wallet in wallets if wallet.pending.names_an_event)


def released_by_staff(source_type: str, source: str) -> str:
    """Return the name under which staff release a credit ahead of what it waits for."""
    return f"{MANUAL}:{source_type}:{source}"


def awaited(event: str, event_type: str, event_id: int) -> str:
    """The name under which lots wait: the event, and the order (or other fact) it must name."""
    return f"{event}:{event_type}:{event_id}"


def _nothing() -> Mapping[str, Expiry]:
    return MappingProxyType({})


def _no_limits() -> Mapping[str, int]:
    return MappingProxyType({})


class CreditTerms(NamedTuple):
    """When a credit ends, when its wait is over, and what it waits for; ``None`` for never and nothing."""

    expires_at: datetime | None = None
    activates_at: datetime | None = None
    awaits: str | None = None


@dataclass(frozen=True, slots=True)
class WalletPolicy:
    """How points of one wallet live: when they expire, what a return takes back, what they are worth.

    ``thousand_points_minor`` is the money, in minor units, that a thousand points cost when they are spent;
    ``None`` where nobody has said so. ``redemption_percent`` is the share of points expected to be spent.
    ``expiry`` wins over the older ``expiry_months``, a tier's own over both. ``adjustment_limits`` are points
    a role (or ``api_key``) may move by hand, of a member in a day; more needs another person's approval.
    ``warning_days`` say how many days before their end members hear of points; none for no warning.
    """

    key: str
    name: str
    expiry_months: int | None = None
    refund_policy: RefundPolicy = RefundPolicy.WITHIN_BALANCE
    thousand_points_minor: int | None = None
    kind: WalletKind = WalletKind.SPENDABLE
    expiry: Expiry | None = None
    expiry_by_tier: Mapping[str, Expiry] = field(default_factory=_nothing)
    pending: Pending = Pending()
    restore_grace_days: int = 0
    allows_transfers: bool = False
    redemption_percent: int = _PERCENT
    adjustment_limits: Mapping[str, int] = field(default_factory=_no_limits)
    warning_days: tuple[int, ...] = WARNING_DAYS

    @property
    def thousand_cost_minor(self) -> int:
        """What a thousand points cost: cashback is money already; 0 where nobody has said so."""
        return 1000 if self.kind is WalletKind.CASHBACK else self.thousand_points_minor or 0

    def cost_minor(self, points: int) -> int:
        """Return what ``points`` cost when they are spent, rounded up to a minor unit."""
        return -(-points * self.thousand_cost_minor // 1000)

    def liability_minor(self, points: int) -> int:
        """Return what ``points`` are expected to cost, given how many of them are ever spent."""
        return -(-self.cost_minor(points) * self.redemption_percent // _PERCENT)

    def expiry_for(self, tier: str | None = None) -> Expiry:
        """The expiry that holds for a member of ``tier``."""
        own = self.expiry_by_tier.get(tier or "") or self.expiry
        if own is not None:
            return own
        if self.expiry_months is None:
            return _ENDLESS
        return Expiry(ExpiryKind.ROLLING, months=self.expiry_months)

    @property
    def has_inactivity(self) -> bool:
        """Whether activity moves the end of the points of any member."""
        kinds = {self.expiry_for().kind, *(expiry.kind for expiry in self.expiry_by_tier.values())}
        return ExpiryKind.INACTIVITY in kinds

    def expires_at(self, earned_at: datetime, zone: tzinfo, tier: str | None = None) -> datetime | None:
        """Return the first instant at which points earned at a moment are gone; ``None`` is never."""
        return self.expiry_for(tier).ends_at(earned_at, zone)

    def terms(self, earned_at: datetime, zone: tzinfo, tier: str | None) -> CreditTerms:
        """Return the terms of a credit that no order and no event of a rule earned.

        Staff can be waited for; an event cannot, for no order is named.
        """
        awaits = MANUAL if self.pending.event == MANUAL else None
        expires_at = self.expires_at(earned_at, zone, tier)
        return CreditTerms(expires_at, self.pending.activates_at(earned_at, zone), awaits)

    def grace_until(self, at: datetime, zone: tzinfo) -> datetime | None:
        """Until when points that come back after their expiry may be used; ``None`` for no grace."""
        if not self.restore_grace_days:
            return None
        return start_of_day(at.astimezone(zone).date() + timedelta(days=self.restore_grace_days + 1), zone)
