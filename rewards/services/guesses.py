"""Guessed coupon codes: counted by customer, by the shopper's address, and by API key; too many are refused.

Counts live outside the database, because refused requests are rolled back, and in a store that all web
processes share. One shopper's carts are looked at one after the other, until the transaction ends: however
many come at once, none is answered after the one that reached the limit. Those who share a counter do not
wait for each other; each of their carts takes its codes off the limit before it is answered and gives the
known ones back, so that no more unknown codes than the limit are ever answered. Close to such a limit carts
under way may keep out one that is honest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final

from django.conf import settings
from django.utils.crypto import salted_hmac

from rewards.domain.guessing import normalised_client, shown_code
from rewards.locks import lock_pace
from rewards.models import VelocityKind
from rewards.services.velocity import open_review
from tenants.domain.actors import Actor
from tenants.errors import DomainError
from tenants.scope import active_tenant_id, run_afterwards
from tenants.services.attempt_counts import AttemptCounts

MINUTES: Final = 10


class GuesserKind(StrEnum):
    """Who is counted: a customer, a shopper who is none, an address of several customers, a whole key."""

    CUSTOMER = "customer"
    CLIENT = "client"
    SHARED_CLIENT = "shared_client"
    API_KEY = "api_key"


MOST: Final[dict[GuesserKind, int]] = {
    GuesserKind.CUSTOMER: 10,
    GuesserKind.CLIENT: 10,
    GuesserKind.SHARED_CLIENT: 100,
    GuesserKind.API_KEY: 1_000,
}
_SHARED: Final = frozenset({GuesserKind.SHARED_CLIENT, GuesserKind.API_KEY})
_counts = AttemptCounts(settings.GUESS_STORAGE_URL)


class TooManyGuesses(DomainError):
    """Too many unknown codes; carries ``wait_minutes``, and ``shopper`` as the review names them."""

    code = "too_many_guesses"
    status = 429
    title = "Too many unknown codes; try again later"


@dataclass(frozen=True, slots=True)
class Guesser:
    """Who sends codes. ``name`` is in clear only here: what is kept of it is keyed."""

    kind: GuesserKind
    name: str
    customer_id: int | None = None

    @property
    def is_shared(self) -> bool:
        """Whether several shoppers stand behind it."""
        return self.kind in _SHARED

    @property
    def subject(self) -> str:
        """A short name that stays the same and that nobody can read back."""
        return f"{self.kind}:{self._digest()[:32]}"

    @property
    def label(self) -> str:
        """What staff see of it: a number where it is one of ours, else a few places of the digest."""
        if self.kind in {GuesserKind.CUSTOMER, GuesserKind.API_KEY}:
            return self.name
        digest = self._digest()
        return f"{digest[:4]}-{digest[4:8]}"

    @property
    def most(self) -> int:
        """Wrong guesses before its requests are refused."""
        return MOST[self.kind]

    def _digest(self) -> str:
        value = f"{active_tenant_id()}:{self.name}"
        return salted_hmac("rewards.guesser", value, algorithm="sha256").hexdigest()


def guessers_of(*, customer_id: int | None, client: str, by: Actor) -> list[Guesser]:
    """Return who is counted for a cart.

    ``client`` is what the shop says of its shopper. Where no server of the shop stands in between, the
    address of the request counts instead.
    """
    name = normalised_client(by.client_address or client)
    if customer_id is not None:
        found = [Guesser(GuesserKind.CUSTOMER, str(customer_id), customer_id)]
        return [*found, Guesser(GuesserKind.SHARED_CLIENT, name)] if name else found
    return [Guesser(GuesserKind.CLIENT, name) if name else Guesser(GuesserKind.API_KEY, str(by.id))]


@contextmanager
def counted(guessers: Sequence[Guesser], codes: Sequence[str], *, at: datetime) -> Iterator[list[str]]:
    """Let a cart be looked at, whose unknown ones of ``codes`` the block puts into the list it gets.

    The unknown ones are counted also if the block fails; one that reaches a limit opens a review. Raises
    ``TooManyGuesses`` where a limit is reached, before anything is looked at.
    """
    counts = [_Count(guesser, len(codes), at) for guesser in guessers]
    taken: list[_Count] = []
    unknown: list[str] = []
    try:
        for count in counts:
            count.take()
            taken.append(count)
        yield unknown
    finally:
        for count in taken:
            count.settle(unknown)


class _Count:
    """One guesser's counter while one cart is looked at."""

    def __init__(self, guesser: Guesser, codes: int, at: datetime) -> None:
        self._guesser, self._codes, self._at = guesser, codes, at
        self._key = _key(guesser.kind, guesser.subject, at)

    def take(self) -> None:
        """Wait for one's turn, or take all codes off the limit in advance."""
        guesser = self._guesser
        if not guesser.is_shared:
            lock_pace(f"guesses:{guesser.subject}")
            is_free = self._sum() < guesser.most
        elif not (is_free := self._add(self._codes) <= guesser.most):
            self._add(-self._codes)
        if not is_free:
            raise TooManyGuesses(wait_minutes=MINUTES, shopper=guesser.label)

    def settle(self, unknown: Sequence[str]) -> None:
        """Count the unknown codes, and nothing else."""
        difference = len(unknown) - (self._codes if self._guesser.is_shared else 0)
        total = self._add(difference) if difference else self._sum()
        if unknown and total >= self._guesser.most:
            run_afterwards(partial(_review, self._guesser, [shown_code(code) for code in unknown], self._at))

    def _sum(self) -> int:
        return _counts.get(self._key)

    def _add(self, codes: int) -> int:
        return _counts.add(self._key, codes, ttl_seconds=MINUTES * 60)


def _key(kind: GuesserKind, subject: str, at: datetime) -> str:
    """Return a counter's key; a shared one has a key for each window: nothing is given back to another."""
    window = f":{int(at.timestamp()) // (MINUTES * 60)}" if kind in _SHARED else ""
    return f"coupon-guesses:{active_tenant_id()}:{subject}{window}"


def _review(guesser: Guesser, codes: list[str], at: datetime) -> None:
    details = {"guesser": guesser.kind.value, "name": guesser.label, "codes": codes}
    open_review(
        kind=VelocityKind.GUESSES, customer_id=guesser.customer_id, subject=guesser.subject, details=details,
        at=at,
    )  # fmt: skip


def forget(subject: str, *, at: datetime) -> None:
    """Let a guesser go on at once, by the subject of its review."""
    _counts.clear(_key(GuesserKind(subject.partition(":")[0]), subject, at))
