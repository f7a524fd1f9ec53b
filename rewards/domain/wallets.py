"""How points of one wallet live."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RefundPolicy(StrEnum):
    """What a returned line may take back once the points are no longer pending.

    ``ONLY_PENDING`` leaves active points alone. ``WITHIN_BALANCE`` takes the lot the line earned, then other
    lots, and forgives what is already spent. ``ALLOW_DEBT`` takes that too: it becomes a debt which the next
    earn repays.
    """

    ONLY_PENDING = "only_pending"
    WITHIN_BALANCE = "within_balance"
    ALLOW_DEBT = "allow_debt"


@dataclass(frozen=True, slots=True)
class WalletPolicy:
    """How points of one wallet live: when they expire, what a return takes back, what they are worth.

    ``thousand_points_minor`` is the money, in minor units, that a thousand points cost when they are spent;
    ``None`` where nobody has said so.
    """

    key: str
    name: str
    expiry_months: int | None = None
    refund_policy: RefundPolicy = RefundPolicy.WITHIN_BALANCE
    thousand_points_minor: int | None = None

    def cost_minor(self, points: int) -> int:
        """Return what ``points`` cost when they are spent, rounded up to a minor unit."""
        return -(-points * (self.thousand_points_minor or 0) // 1000)
