"""Points that customers bring along: a credit once for ever per customer and wallet, posted in batches."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db import transaction

from crm.models import Customer, CustomerState
from crm.queries import survivors
from crm.services import customer_touches
from rewards.domain.sources import customer_key
from rewards.models import LedgerTransaction, TransactionKind, Wallet
from rewards.queries import credit_terms
from rewards.services import hand_limits, ledger, points
from rewards.services.ledger import Credit
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.scope import active_tenant
from tenants.services import audit

REASON: Final = "Opening balance from a file"
# One statement locks so many accounts.
_AT_ONCE: Final = 2_000


class Verdict(StrEnum):
    """What became of a balance; all but the first two are refusals."""

    POSTED = "posted"
    KNOWN = "known"
    OTHER_POINTS = "source_reused"
    NO_WALLET = "unknown_wallet"
    NEEDS_APPROVAL = "approval_required"
    NOT_EDITABLE = "customer_not_editable"
    FROZEN = "account_frozen"


@dataclass(frozen=True, slots=True)
class Balance:
    """Points above zero that a customer has had elsewhere."""

    customer_id: int
    points: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict, with the ledger's transaction where there is one."""

    verdict: Verdict
    transaction_id: int | None = None


def foresee(*, wallet_key: str, balances: Sequence[Balance], by: Actor) -> list[Outcome]:
    """Return for each balance what ``post`` would answer, except for frozen accounts; nothing is written."""
    if not Wallet.objects.filter(key=wallet_key).exists():
        return [Outcome(Verdict.NO_WALLET)] * len(balances)
    limit = hand_limits.limit_of(by, wallet_key)
    ids = {each.customer_id for each in balances}
    editable = set(
        Customer.objects.filter(pk__in=ids)
        .exclude(state__in=[CustomerState.MERGED, CustomerState.ANONYMISED])
        .values_list("pk", flat=True)
    )
    posted = _posted(wallet_key, ids)
    outcomes = []
    for each in balances:
        found = posted[each.customer_id]
        if found:
            verdict = Verdict.KNOWN if each.points in found else Verdict.OTHER_POINTS
        elif each.customer_id not in editable:
            verdict = Verdict.NOT_EDITABLE
        elif limit is not None and each.points > limit:
            verdict = Verdict.NEEDS_APPROVAL
        else:
            # A second row of the same customer meets what the first one posts.
            verdict, posted[each.customer_id] = Verdict.POSTED, {each.points: 0}
        outcomes.append(Outcome(verdict))
    return outcomes


@transaction.atomic
def post(*, wallet_key: str, balances: Sequence[Balance], by: Actor, at: datetime) -> list[Outcome]:
    """Credit the balances that are new, in batches, and return what became of each.

    One audit entry counts a batch; the ledger names actor and reason of every posting.
    """
    by.require(Permission.POINTS_APPROVE)
    outcomes: list[Outcome] = []
    for start in range(0, len(balances), _AT_ONCE):
        outcomes += _post_some(wallet_key, balances[start : start + _AT_ONCE], by, at)
    return outcomes


def _post_some(wallet_key: str, balances: Sequence[Balance], by: Actor, at: datetime) -> list[Outcome]:
    outcomes = foresee(wallet_key=wallet_key, balances=balances, by=by)
    wanted = [
        balance
        for balance, outcome in zip(balances, outcomes, strict=True)
        if outcome.verdict == Verdict.POSTED
    ]
    if not wanted:
        return outcomes
    wallet = Wallet.objects.get(key=wallet_key)
    policy = hand_limits.policy_of(wallet_key)
    earned = [(each.customer_id, at) for each in wanted]
    terms = credit_terms.of_earned(policy, zone=active_tenant().zone, earned=earned)
    result = ledger.post_batch(
        wallet_id=wallet.pk,
        kind=TransactionKind.ADJUST,
        source_type=points.SOURCE,
        credits=[
            Credit(each.customer_id, each.points, _source(wallet_key, each.customer_id), at, term.expires_at)
            for each, term in zip(wanted, terms, strict=True)
        ],
        by=by,
        at=at,
        reason=REASON,
    )
    hand_limits.note_sources([_source(wallet_key, each.customer_id) for each in wanted], by=by)
    diff = {
        "balances": [None, result.posted],
        "points": [None, sum(each.points for each in wanted)],
        "reason": [None, REASON],
    }
    customer_touches.add({each.customer_id for each in wanted}, is_history=False)
    audit.record(action="points.balances_posted", target=wallet, by=by, at=at, diff=diff)
    posted = _posted(wallet_key, {each.customer_id for each in wanted})
    return [
        _settled(balance, posted) if outcome.verdict == Verdict.POSTED else outcome
        for balance, outcome in zip(balances, outcomes, strict=True)
    ]


def _settled(balance: Balance, posted: Mapping[int, Mapping[int, int]]) -> Outcome:
    found = posted[balance.customer_id].get(balance.points)
    return Outcome(Verdict.POSTED, found) if found else Outcome(Verdict.FROZEN)


def _source(wallet_key: str, customer_id: int) -> str:
    return customer_key(customer_id, f"opening-balance:{wallet_key}")


def _posted(wallet_key: str, customer_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """Return the opening balances that are there by customer: the points of each, with its transaction.

    Those of records merged into a customer are the customer's: the same file again credits nobody twice.
    """
    holders = survivors.holders(customer_ids)
    customer_by_source = {_source(wallet_key, each): holder for each, holder in holders.items()}
    found = LedgerTransaction.objects.filter(
        source_type=points.SOURCE, source_id__in=list(customer_by_source)
    )
    posted: dict[int, dict[int, int]] = {each: {} for each in customer_ids}
    for source, pk, given in found.values_list("source_id", "pk", "points"):
        posted[customer_by_source[source]][given] = pk
    return posted
