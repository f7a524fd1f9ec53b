"""What an evaluation asks to be done. Each kind is carried out by one module of ``services/effects``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_TIER_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class Earn:
    """Credit ``points`` to a wallet, usable before ``expires_at``.

    ``rule`` names the rule whose own expiry that is; without one the wallet's holds.
    """

    wallet: str
    points: int
    expires_at: datetime | None
    rule: str = ""

    @property
    def pot(self) -> str:
        """The name of these points among all that one event earned: no key has a colon."""
        return f"{self.wallet}:{self.rule}" if self.rule else self.wallet


@dataclass(frozen=True, slots=True)
class IssueCoupon:
    """Give the customer a code of the coupon definition ``coupon``."""

    rule: str
    coupon: str

    @property
    def recorded(self) -> str:
        """How decision records call it."""
        return f"coupon:{self.coupon}"


@dataclass(frozen=True, slots=True)
class GrantReward:
    """Redeem the catalogue's ``reward`` for the customer at zero points."""

    rule: str
    reward: str

    @property
    def recorded(self) -> str:
        """How decision records call it."""
        return f"reward:{self.reward}"


@dataclass(frozen=True, slots=True)
class AdvanceChallenge:
    """Add ``progress`` to the customer's challenge."""

    rule: str
    challenge: str
    progress: int


@dataclass(frozen=True, slots=True)
class ChangeTier:
    """Lift the customer to ``tier`` for ``days`` (``None``: a year)."""

    rule: str
    tier: str
    days: int | None

    @property
    def recorded(self) -> str:
        """How decision records call it."""
        return f"tier:{self.tier}"

    def until(self, at: datetime) -> datetime:
        """Return the moment until which the tier is held."""
        return at + timedelta(days=self.days or _TIER_DAYS)


@dataclass(frozen=True, slots=True)
class SetTrait:
    """Write a trait of the customer."""

    rule: str
    trait: str
    value: float | str


@dataclass(frozen=True, slots=True)
class TriggerMessage:
    """Tell the messaging side that ``trigger`` happened to the customer."""

    rule: str
    trigger: str


Effect = Earn | IssueCoupon | GrantReward | AdvanceChallenge | ChangeTier | SetTrait | TriggerMessage
