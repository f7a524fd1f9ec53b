"""Money of other currencies in the tenant's own, by the rates of a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from crm.domain.money import exponent

NO_RATE: Final = "no_exchange_rate"


class Exchanged(NamedTuple):
    """The currency of an order, which is not the tenant's own, and the rate it counts by, if there is one."""

    currency: str
    rate: str | None

    def to_json(self) -> dict[str, Any]:
        """Return it as decision records have it."""
        if self.rate is None:
            return {"currency": self.currency, "reason": NO_RATE}
        return {"currency": self.currency, "rate": self.rate}


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one major unit of other currencies is worth in major units of ``own``.

    Without an own currency all money is taken as it is.
    """

    own: str = ""
    rates: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))

    def is_own(self, currency: str) -> bool:
        return not self.own or currency in {"", self.own}

    def factor(self, currency: str) -> Decimal:
        """Return minor units of ``own`` for a minor unit of another currency; 0 where there is no rate."""
        rate = self.rates.get(currency)
        return rate.scaleb(exponent(self.own) - exponent(currency)) if rate is not None else Decimal(0)

    @property
    def factors(self) -> dict[str, str]:
        """The factors of all currencies that have a rate, as decimal numbers."""
        return {currency: f"{self.factor(currency):f}" for currency in self.rates if currency != self.own}

    def minor(self, amount_minor: int, currency: str) -> int:
        """Return an amount in minor units of ``own``, halves away from zero; 0 where there is no rate."""
        if self.is_own(currency):
            return amount_minor
        return int((amount_minor * self.factor(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))

    def exchanged(self, currency: str) -> Exchanged | None:
        """Return how an order of a currency counts; ``None`` as it is."""
        if self.is_own(currency):
            return None
        rate = self.rates.get(currency)
        return Exchanged(currency, None if rate is None else f"{rate:f}")
