"""Refusals of the ledger, and of whom nothing is given to."""

from __future__ import annotations

from tenants.errors import Conflict, DomainError


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
    """The hold was captured, released or timed out before."""

    code = "hold_closed"
    status = 409
    title = "The hold is not open any more"


class LotNotPending(DomainError):
    """The points were released, cancelled or activated before."""

    code = "lot_not_pending"
    status = 409
    title = "The points are not pending any more"


class NotReversible(DomainError):
    """Reversals, expiries, transfers and merges are undone by other means; carries ``kind``."""

    code = "not_reversible"
    status = 409
    title = "This posting cannot be reversed"


class ApprovalRequired(DomainError):
    """The adjustment exceeds what the actor may move alone; carries ``limit``."""

    code = "approval_required"
    status = 403
    title = "An adjustment of this size needs another person's approval"


class AdjustmentDecided(DomainError):
    """Somebody was faster; carries ``state``."""

    code = "adjustment_decided"
    status = 409
    title = "The request has been decided already"


class OwnRequest(DomainError):
    """Nobody approves or refuses what they asked for themselves."""

    code = "own_request"
    status = 403
    title = "Somebody else must decide your request"


class GovernedByProgram(DomainError):
    """The revision in force says what this is; another revision changes it."""

    code = "governed_by_program"
    title = "The program governs this; change it in a draft of the program"


class CustomerNotActive(DomainError):
    """Suspended, merged and anonymised customers get and redeem nothing; carries ``state``."""

    code = "customer_not_active"
    status = 409
    title = "The customer is not active"


class Paused(Conflict):
    """An emergency brake keeps it back; carries the ``key`` of what is paused."""

    code = "paused"
    title = "Paused by an emergency brake"


class CouponPaused(Paused):
    """The coupon, or its campaign, is paused: its codes are neither issued nor redeemed."""

    code = "coupon_paused"
    title = "The coupon is paused by an emergency brake"


class RewardPaused(Paused):
    """The reward is paused: nobody redeems it until the brake is released."""

    code = "reward_paused"
    title = "The reward is paused by an emergency brake"
