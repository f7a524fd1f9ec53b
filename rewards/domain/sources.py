"""The names under which the ledger knows what was asked for."""

from __future__ import annotations

import hashlib

_LONGEST = 120


def customer_key(customer_id: int, key: str) -> str:
    """Return the ledger's source of a caller's key: a key sent for two customers is two sources.

    A long key becomes its digest; two keys that only differ at their ends stay two.
    """
    spelled = key if len(key) <= _LONGEST else hashlib.sha256(key.encode()).hexdigest()
    return f"{customer_id}:{spelled}"
