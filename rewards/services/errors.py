"""Refusals of the ledger."""

from __future__ import annotations

from tenants.errors import DomainError


class InsufficientPoints(DomainError):
    """The customer cannot spend that many; carries ``missing``."""

    code = "insufficient_points"
    status = 409
    title = "The customer does not have enough points"


class AccountFrozen(DomainError):
    """The account failed verification; nothing is posted until somebody has looked."""

    code = "account_frozen"
    status = 409
    title = "The points account is frozen"


class SourceReused(DomainError):
    """The source was posted before with another amount: a bug or an attack, never a retry."""

    code = "source_reused"
    status = 409
    title = "This source was posted before with other points"


class HoldClosed(DomainError):
    code = "hold_closed"
    status = 409
    title = "The hold is not open any more"


class NotReversible(DomainError):
    """Reversals, expiries, transfers and merges are undone by other means; carries ``kind``."""

    code = "not_reversible"
    status = 409
    title = "This posting cannot be reversed"
