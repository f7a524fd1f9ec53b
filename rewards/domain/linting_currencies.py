"""Currencies that orders come in and a program does not know."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rewards.domain.findings import Finding, Reason, Severity
from rewards.domain.programs import Revision


def unpriced(revision: Revision, currencies: Collection[str]) -> Iterator[Finding]:
    """Yield a warning for each of the ``currencies`` of orders that has no exchange rate."""
    for currency in sorted(currencies):
        exchanged = revision.exchange.exchanged(currency)
        if exchanged is not None and exchanged.rate is None:
            pointer, named = "/policies/exchange_rates", {"currency": currency}
            yield Finding(Severity.WARNING, Reason.NO_RATE, pointer, currency, named)
