"""The names under which the ledger knows what was asked for."""

from __future__ import annotations

import hashlib
from typing import Final

_LONGEST = 120
RULE: Final = "rule"


def event_number(message_id: str) -> int:
    """Return the number under which an event is decided: 63 bits of its message id's digest.

    Two of a million events share one with a probability of one in twenty million; the second would not be
    paid, never paid twice.
    """
    digest = hashlib.blake2b(message_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def customer_key(customer_id: int, key: str) -> str:
    """Return the ledger's source of a caller's key: a key sent for two customers is two sources.

    A long key becomes its digest; two keys that only differ at their ends stay two.
    """
    spelled = key if len(key) <= _LONGEST else hashlib.sha256(key.encode()).hexdigest()
    return f"{customer_id}:{spelled}"


def rule_source(event_type: str, event_id: int, rule: str, key: str) -> tuple[str, str]:
    """Return the permanent source, kind and name, of one thing that one rule gave for one event."""
    return RULE, f"{event_type}:{event_id}:{rule}:{key}"


def source_id(event_id: int, pot: str) -> str:
    """The permanent source of what an event earned in one wallet, or by one rule with its own expiry."""
    return f"{event_id}:{pot}"
