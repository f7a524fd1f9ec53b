"""The ledger: every movement of points is one database function and one round trip.

Locks, lots, lines and guards live in the functions (``migrations/sql``); here are their typed fronts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, cast

from django.db import connection

from rewards.domain.wallets import RefundPolicy
from rewards.models import LedgerTransaction, TransactionKind
from rewards.services.errors import (
    AccountFrozen,
    HoldClosed,
    InsufficientPoints,
    NotReversible,
    SourceReused,
)
from tenants.domain.actors import Actor

if TYPE_CHECKING:
    from tenants.postgresql.base import DatabaseWrapper

REVERSIBLE: Final = frozenset({TransactionKind.EARN, TransactionKind.ADJUST, TransactionKind.REDEEM})
_POST_BATCH = """SELECT posted, frozen FROM rewards_post_batch(
    %s, %s, %s, %s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[],
    %s, %s, %s, %s, %s::timestamptz[], %s::text[], %s)"""
_TAKE_BACK_BATCH = """SELECT * FROM rewards_take_back_batch(
    %s::bigint[], %s::bigint[], %s, %s::text[], %s::timestamptz[], %s, %s, %s, %s, %s::text[])"""
# What was returned before a reversal: one that is repeated answers as it did.
_TAKEN_BACK = """
    SELECT COALESCE(-SUM(e.points), 0)::bigint
    FROM rewards_ledgerentry earned
    JOIN rewards_ledgerentry e ON e.tenant_id = earned.tenant_id AND e.lot_id = earned.lot_id AND e.points < 0
    JOIN rewards_ledgertransaction t ON t.tenant_id = e.tenant_id AND t.id = e.transaction_id
    WHERE earned.tenant_id = %s AND earned.transaction_id = %s AND earned.points > 0
      AND t.kind = 'return' AND NOT EXISTS (
          SELECT FROM rewards_ledgertransaction r
          WHERE r.tenant_id = earned.tenant_id AND r.reverses_id = earned.transaction_id AND r.id < t.id)
"""


class Outcome(StrEnum):
    """What a posting function answers; refusals are answers so that the transaction survives them."""

    POSTED = "posted"
    DUPLICATE = "duplicate"
    INSUFFICIENT = "insufficient"
    FROZEN = "frozen"
    NOTHING = "nothing"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Source:
    """What a posting is for. Unique for ever: a second posting of it is the first one."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class Posting:
    """A carried out (or found) posting: signed points and the balance available after it."""

    transaction_id: int | None
    points: int
    available: int
    is_new: bool
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Credit:
    """One element of a batch."""

    customer_id: int
    points: int
    source_id: str
    occurred_at: datetime
    expires_at: datetime | None
    activates_at: datetime | None = None
    awaits: str | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """How many credits were new, and the sources refused because their account is frozen."""

    posted: int
    frozen_sources: frozenset[str]


@dataclass(frozen=True, slots=True)
class TakeBack:
    """One return of a batch: take ``points`` of what transaction ``earn_id`` credited."""

    earn_id: int
    points: int
    source_id: str
    occurred_at: datetime
    policy: RefundPolicy = RefundPolicy.WITHIN_BALANCE


def array_literal(values: Iterable[int | datetime | None]) -> str:
    """Write an array as PostgreSQL reads it; the driver would ask of each element whether it needs quotes."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def fetch_one(statement: str, parameters: Sequence[Any]) -> tuple[Any, ...]:
    """Run one statement that returns exactly one row."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row: tuple[Any, ...] = cursor.fetchone()
    return row


def call(function: str, *arguments: Any) -> Posting:
    """Call a posting function and read its answer.

    Raises ``InsufficientPoints``, ``AccountFrozen`` or ``HoldClosed``.
    """
    row = cast("DatabaseWrapper", connection).call(function, arguments)
    outcome, transaction_id, points, available, missing = row
    if outcome == "insufficient":
        raise InsufficientPoints(f"{missing} points are missing.", missing=int(missing or 0))
    if outcome == "frozen":
        raise AccountFrozen
    if outcome == "closed":
        raise HoldClosed
    return Posting(
        int(transaction_id) if transaction_id else None,
        int(points or 0),
        int(available or 0),
        outcome == "posted",
        int(missing or 0),
    )


def post(
    *,
    customer_id: int,
    wallet_id: int,
    kind: TransactionKind,
    points: int,
    source: Source,
    occurred_at: datetime,
    by: Actor,
    at: datetime,
    expires_at: datetime | None = None,
    activates_at: datetime | None = None,
    awaits: str | None = None,
    revision_id: int | None = None,
    reason: str = "",
) -> Posting:
    """Credit (positive) or debit (negative) one account, once per source.

    A credit repays the account's debt and makes a lot of the rest; the lot ends at ``expires_at`` and is
    pending until ``activates_at``, or until what it ``awaits`` happens. A debit consumes lots by expiry.
    Raises ``InsufficientPoints``, ``AccountFrozen``, and ``SourceReused`` when the source has other points.
    """
    posting = call(
        "rewards_post", customer_id, wallet_id, kind.value, points, source.type, source.id, occurred_at, at,
        expires_at, revision_id, by.kind.value, by.label[:200], reason, activates_at, awaits,
    )  # fmt: skip
    if posting.points != points:
        raise SourceReused(f"{source.type} {source.id} was posted with {posting.points} points.")
    return posting


def post_batch(
    *,
    wallet_id: int,
    kind: TransactionKind,
    source_type: str,
    credits: Sequence[Credit],  # noqa: A002 - the ledger's word; the site builtin is for the prompt
    by: Actor,
    at: datetime,
    revision_id: int | None = None,
    reason: str = "",
) -> BatchResult:
    """Credit many accounts of one wallet in one statement, in the order given; known sources are skipped.

    The sources of a batch must differ from each other; otherwise ``IntegrityError``, and nothing is posted.
    """
    if not credits:
        return BatchResult(0, frozenset())
    posted, frozen = fetch_one(
        _POST_BATCH,
        [
            wallet_id,
            kind.value,
            source_type,
            array_literal(credit.customer_id for credit in credits),
            array_literal(credit.points for credit in credits),
            [credit.source_id for credit in credits],
            array_literal(credit.occurred_at for credit in credits),
            array_literal(credit.expires_at for credit in credits),
            at,
            revision_id,
            by.kind.value,
            by.label[:200],
            array_literal(credit.activates_at for credit in credits),
            [credit.awaits for credit in credits] if any(credit.awaits for credit in credits) else None,
            reason[:500],
        ],
    )
    return BatchResult(posted, frozenset(frozen))


def take_back_batch(
    *, source_type: str, returns: Sequence[TakeBack], by: Actor, at: datetime, revision_id: int
) -> dict[str, tuple[Outcome, int]]:
    """Take back what returned lines earned; maps each source to its outcome and signed points."""
    if not returns:
        return {}
    parameters: list[Any] = [
        [item.earn_id for item in returns],
        [item.points for item in returns],
        source_type,
        [item.source_id for item in returns],
        [item.occurred_at for item in returns],
        at,
        revision_id,
        by.kind.value,
        by.label[:200],
        [item.policy.value for item in returns],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_BACK_BATCH, parameters)
        return {source: (Outcome(outcome), points or 0) for source, outcome, points in cursor.fetchall()}


def reverse(
    *,
    transaction: LedgerTransaction,
    source: Source,
    by: Actor,
    at: datetime,
    reason: str = "",
    policy: RefundPolicy = RefundPolicy.WITHIN_BALANCE,
    grace_until: datetime | None = None,
) -> Posting:
    """Negate a posting, at most once.

    A credit is taken back from its own lot first, then from the other lots; what is spent already is
    ``missing``, or a debt where the policy says so. A debit gives the same lots their points back with their
    original expiry; those past it may be used until ``grace_until``. Raises ``NotReversible``,
    ``AccountFrozen``.
    """
    if transaction.kind not in REVERSIBLE:
        raise NotReversible(f"{transaction.kind} cannot be reversed.", kind=transaction.kind)
    actor = (by.kind.value, by.label[:200], reason)
    if transaction.points < 0:
        return call("rewards_restore", transaction.pk, source.type, source.id, at, at, *actor, grace_until)
    (taken,) = fetch_one(_TAKEN_BACK, [transaction.tenant_id, transaction.pk])
    return call(
        "rewards_take_back", transaction.pk, transaction.points - taken, TransactionKind.REVERSAL.value,
        transaction.pk, source.type, source.id, at, at, transaction.revision_id, *actor, policy.value,
    )  # fmt: skip
