"""Points of customers that crm merges and separates, in crm's own transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from rewards.services.errors import AccountFrozen
from rewards.services.ledger import fetch_one
from tenants.domain.actors import Actor

_MERGE: Final = "SELECT rewards_merge(%s, %s, %s, %s, %s)"
_UNMERGE: Final = "SELECT rewards_unmerge(%s, %s, %s, %s, %s)"
_FROZEN: Final = "frozen"


def merge(*, survivor_id: int, absorbed_id: int, by: Actor, at: datetime) -> None:
    """Give the absorbed customer's lots, pending ones and debt included, to the survivor with their expiry.

    Held points follow when their hold closes. Raises ``AccountFrozen`` when an account of either is frozen.
    """
    _call(_MERGE, absorbed_id, survivor_id, by=by, at=at)


def unmerge(*, survivor_id: int, absorbed_id: int, by: Actor, at: datetime) -> None:
    """Put what is left of each moved lot back into its old row. Raises ``AccountFrozen``."""
    _call(_UNMERGE, absorbed_id, survivor_id, by=by, at=at)


def _call(statement: str, absorbed_id: int, survivor_id: int, *, by: Actor, at: datetime) -> None:
    arguments = [absorbed_id, survivor_id, at, by.kind.value, by.label[:200]]
    if fetch_one(statement, arguments)[0] == _FROZEN:
        raise AccountFrozen
