"""Refusals of coupons."""

from __future__ import annotations

from tenants.errors import Conflict, DomainError


class CouponsRejected(DomainError):
    """At least one code cannot be used, so none was; ``codes`` says which, why and how much is missing."""

    code = "coupons_rejected"
    status = 409
    title = "The coupons cannot be used"


class CouponsBusy(Conflict):
    """Somebody else took the last use between the check and the taking; nothing was taken."""

    code = "coupons_busy"
    title = "Another cart took the coupon at the same moment"


class NoCodes(Conflict):
    """The definition has no free code and no pattern left to make one from."""

    code = "no_codes"
    title = "There is no free code"


class WrongCouponState(Conflict):
    """The redemption or code is not in a state that allows this; carries ``state``."""

    code = "coupon_state"
    title = "The coupon's state does not allow this"


class CouponsTooFast(DomainError):
    """More carts with coupons than the tenant's velocity limit; carries ``most`` and ``window_hours``."""

    code = "coupons_too_fast"
    status = 429
    title = "Too many carts with coupons; somebody is asked to look"


class TooManyCodes(DomainError):
    """The cart names more codes than one call looks at; nothing was taken."""

    code = "too_many_codes"
    status = 422
    title = "Too many codes in one call"
