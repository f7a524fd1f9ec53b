"""Velocity: what comes too fast from one customer waits for a review; who guesses codes is stopped.

Who counts against a limit holds its lock until the end of the transaction, so that requests side by side
cannot all be the last one that fits. Guesses are counted outside the database, because refused requests are
rolled back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final, cast

from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from rewards.locks import lock_pace
from rewards.models import AbuseReview, Redemption, Referral, ReviewState, VelocityKind, VelocityLimit
from tenants.domain.actors import Actor
from tenants.errors import DomainError, FieldError, InvalidInput
from tenants.scope import active_tenant_id, run_afterwards
from tenants.services import audit

GUESSES: Final = 10
GUESSES_OF_A_KEY: Final = 1_000
GUESS_MINUTES: Final = 10
CUSTOMER, CLIENT, API_KEY = "customer", "client", "api_key"
_limiter = FixedWindowRateLimiter(cast("Storage", storage_from_string(settings.RATE_LIMIT_STORAGE_URL)))


class TooManyGuesses(DomainError):
    """Too many unknown codes; carries ``wait_minutes``."""

    code = "too_many_guesses"
    status = 429
    title = "Too many unknown codes; try again later"


@dataclass(frozen=True, slots=True)
class Guesser:
    """Who sends codes: a customer, a shopper the shop names, or an API key for all its other shoppers."""

    kind: str
    name: str
    customer_id: int | None = None

    @property
    def is_shopper(self) -> bool:
        """Whether it is one shopper, who has fewer guesses than a whole shop."""
        return self.kind != API_KEY

    @property
    def subject(self) -> str:
        """A short name that is the same for ever."""
        return f"{self.kind}:{sha256(self.name.encode()).hexdigest()[:32]}"


def require_no_guessing(guesser: Guesser) -> None:
    """Raise ``TooManyGuesses`` when the guesser has sent too many unknown codes lately.

    One shopper's carts are looked at one after the other, until the transaction ends: however many come at
    once, no more than the limit are answered. The carts of a whole shop do not wait for each other.
    """
    if guesser.is_shopper:
        lock_pace(f"guesses:{guesser.subject}")
    if not _limiter.test(_limit(guesser), _name(guesser)):
        raise TooManyGuesses(wait_minutes=GUESS_MINUTES)


def count_guesses(guesser: Guesser, codes: Sequence[str], *, at: datetime) -> None:
    """Count unknown codes; the one that reaches the limit opens a review, also if the request is refused."""
    limit, name = _limit(guesser), _name(guesser)
    for _ in codes:
        _limiter.hit(limit, name)
    if codes and not _limiter.test(limit, name):
        run_afterwards(partial(_review_guesser, guesser, [code[:60] for code in codes], at))


def _review_guesser(guesser: Guesser, codes: list[str], at: datetime) -> None:
    details = {"guesser": guesser.kind, "name": guesser.name[:120], "codes": codes}
    open_review(
        kind=VelocityKind.GUESSES, customer_id=guesser.customer_id, subject=guesser.subject, details=details,
        at=at,
    )  # fmt: skip


def let_guess_again(subject: str) -> None:
    """Forget the guesses of a guesser, by the subject of its review."""
    for most in (GUESSES, GUESSES_OF_A_KEY):
        _limiter.clear(RateLimitItemPerMinute(most, GUESS_MINUTES), _counter(subject))


def _limit(guesser: Guesser) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(GUESSES if guesser.is_shopper else GUESSES_OF_A_KEY, GUESS_MINUTES)


def _name(guesser: Guesser) -> str:
    return _counter(guesser.subject)


def _counter(subject: str) -> str:
    return f"coupon-guesses:{active_tenant_id()}:{subject}"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` in ``window_hours``; the next one waits for a review."""

    most: int
    window_hours: int


USUAL: Final[Mapping[VelocityKind, Limit]] = {
    VelocityKind.REDEMPTIONS: Limit(50, 24),
    VelocityKind.REFUNDS: Limit(5, 7 * 24),
    VelocityKind.REFERRALS: Limit(10, 24),
}
LONGEST_WINDOW_HOURS: Final = 24 * 366


def limits() -> dict[VelocityKind, Limit]:
    """Return the tenant's limits, the usual ones where it has none of its own."""
    own = {VelocityKind(row.kind): Limit(row.most, row.window_hours) for row in VelocityLimit.objects.all()}
    return {**USUAL, **own}


def save_limit(*, kind: VelocityKind, limit: Limit, by: Actor, at: datetime) -> VelocityLimit:
    """Set one limit of the tenant. Raises ``InvalidInput``."""
    if not (limit.most >= 1 and 1 <= limit.window_hours <= LONGEST_WINDOW_HOURS):
        raise InvalidInput(errors=[FieldError(f"/{kind}", "out_of_range", "At least one, within a year.")])
    values = {"most": limit.most, "window_hours": limit.window_hours}
    row, _created = VelocityLimit.objects.update_or_create(kind=kind, defaults=values)
    audit.record(action="velocity_limit.saved", target=row, by=by, at=at, diff=_diff(values))
    found: VelocityLimit = row
    return found


def _diff(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: [None, value] for name, value in values.items()}


def is_too_fast(kind: VelocityKind, *, customer_id: int, at: datetime) -> bool:
    """Whether the customer has had as many in the window before ``at`` as the limit allows.

    Locks the customer's pace of this kind until the transaction ends: whoever asks next sees what this one
    has done. Ask in the transaction that does it.
    """
    lock_pace(f"{kind.value}:{customer_id}")
    limit = limits()[kind]
    since = at - timedelta(hours=limit.window_hours)
    count = {
        VelocityKind.REDEMPTIONS: Redemption.objects.filter(customer=customer_id, reserved_at__gt=since),
        VelocityKind.REFUNDS: Redemption.objects.filter(customer=customer_id, refunded_at__gt=since),
        VelocityKind.REFERRALS: Referral.objects.filter(referrer=customer_id, created_at__gt=since),
    }[kind].count()
    return count >= limit.most


def open_review(
    *, kind: VelocityKind, customer_id: int | None, subject: str, details: Mapping[str, Any], at: datetime
) -> AbuseReview:
    """Put something into the review queue; what waits there already waits once."""
    review, _created = AbuseReview.objects.get_or_create(
        kind=kind,
        subject=subject,
        state=ReviewState.OPEN,
        defaults={"customer_id": customer_id, "details": dict(details), "opened_at": at},
    )
    found: AbuseReview = review
    return found
