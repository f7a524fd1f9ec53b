"""Expiry of lots. Spending never waits for it: an expired lot is unavailable from its instant on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rewards.services.ledger import fetch_one

_EXPIRE = "SELECT accounts, transactions, points FROM rewards_expire(%s, %s)"
ACCOUNTS_A_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class ExpiryReport:
    """What one batch expired."""

    accounts: int
    transactions: int
    points: int


def expire_batch(*, at: datetime) -> ExpiryReport:
    """Post the expiry of due lots of the next accounts; ``accounts`` 0 means nothing is left."""
    return ExpiryReport(*(int(value) for value in fetch_one(_EXPIRE, [at, ACCOUNTS_A_BATCH])))
