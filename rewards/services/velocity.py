"""Guessing of codes: counted per shopper outside the database, because refused requests are rolled back."""

from __future__ import annotations

from typing import Final, cast

from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from tenants.errors import DomainError
from tenants.scope import active_tenant_id

GUESSES: Final = 10
GUESSES_OF_A_KEY: Final = 1_000
GUESS_MINUTES: Final = 10
_limiter = FixedWindowRateLimiter(cast("Storage", storage_from_string(settings.RATE_LIMIT_STORAGE_URL)))


class TooManyGuesses(DomainError):
    """Too many unknown codes; carries ``wait_minutes``."""

    code = "too_many_guesses"
    status = 429
    title = "Too many unknown codes; try again later"


def require_no_guessing(guesser: str, *, is_shopper: bool) -> None:
    """Raise ``TooManyGuesses`` when the guesser has sent too many unknown codes lately."""
    if not _limiter.test(_limit(is_shopper), _name(guesser)):
        raise TooManyGuesses(wait_minutes=GUESS_MINUTES)


def count_guesses(guesser: str, count: int, *, is_shopper: bool) -> bool:
    """Count unknown codes; returns whether this reached the limit."""
    limit, name = _limit(is_shopper), _name(guesser)
    for _ in range(count):
        _limiter.hit(limit, name)
    return bool(count) and not _limiter.test(limit, name)


def _limit(is_shopper: bool) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(GUESSES if is_shopper else GUESSES_OF_A_KEY, GUESS_MINUTES)


def _name(guesser: str) -> str:
    return f"coupon-guesses:{active_tenant_id()}:{guesser}"
