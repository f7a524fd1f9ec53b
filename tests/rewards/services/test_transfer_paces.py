"""Points given away too fast, as from a stolen account, are refused until somebody has looked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.models import Customer
from rewards.domain.policies import Pace, VelocityLimit
from rewards.models import AbuseReview, LedgerTransaction, TransactionKind, Wallet
from rewards.services import programs, reviews, transfers, velocity
from rewards.services.transfers import TransfersTooFast
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, balance_of, make_customer, post

HOUR = timedelta(hours=1)
Pair = tuple[Customer, Customer]


@pytest.fixture
def pair(tenant: Tenant, other_tenant: Tenant) -> Pair:
    """May give points away twice a day; the other tenant allows once."""
    for each, most in ((other_tenant, 1), (tenant, 2)):
        with tenant_scope(each):
            wallets = [{"key": "points", "name": "Points", "allows_transfers": True}]
            draft = programs.save_draft(document={"wallets": wallets}, by=SYSTEM, at=NOW)
            programs.publish(revision=draft, by=SYSTEM, at=NOW)
            velocity.save_limit(limit=VelocityLimit(Pace.TRANSFERS, most, 24), by=SYSTEM, at=NOW)
    with tenant_scope(tenant):
        ann, bob = make_customer(), make_customer()
        for customer in (ann, bob):
            post(customer, Wallet.objects.get(), 100)
        return ann, bob


def give(tenant: Tenant, pair: Pair, key: str, at: Any = NOW) -> int:
    sender, receiver = pair
    with tenant_scope(tenant):
        wallet = Wallet.objects.get()
        posting = transfers.transfer(
            sender=sender, receiver=receiver, wallet=wallet, points=10, by=SYSTEM, at=at, idempotency_key=key
        )
        return posting.points


def decide(tenant: Tenant, *, is_approved: bool, at: Any) -> None:
    with tenant_scope(tenant):
        review = AbuseReview.objects.get(state="open")
        reviews.decide(review=review, is_approved=is_approved, reason="Looked", by=SYSTEM, at=at)


def test_the_next_one_is_refused_and_a_retry_is_not(tenant: Tenant, pair: Pair) -> None:
    give(tenant, pair, "1")
    give(tenant, pair, "2")
    for _ in range(2):
        with pytest.raises(TransfersTooFast) as refusal:
            give(tenant, pair, "3")
    assert (refusal.value.status, refusal.value.extra) == (429, {"most": 2, "window_hours": 24})
    assert give(tenant, pair, "1") == -10
    # What comes in is no haste of the one who gets it.
    assert give(tenant, (pair[1], pair[0]), "back") == -10
    with tenant_scope(tenant):
        (review,) = AbuseReview.objects.all()
        assert (review.kind, review.customer_id, review.details) == (
            "transfers", pair[0].pk, {"most": 2, "window_hours": 24},
        )  # fmt: skip
        assert LedgerTransaction.objects.filter(kind=TransactionKind.TRANSFER_OUT).count() == 3
        assert (balance_of(pair[0]), balance_of(pair[1])) == ((90, 0), (110, 0))


def test_who_was_looked_at_begins_anew_only_when_approved(tenant: Tenant, pair: Pair) -> None:
    for key in "12":
        give(tenant, pair, key)
    for is_approved in (False, True):
        with pytest.raises(TransfersTooFast):
            give(tenant, pair, "3", at=NOW + HOUR)
        decide(tenant, is_approved=is_approved, at=NOW + HOUR)
    for key in "34":
        give(tenant, pair, key, at=NOW + 2 * HOUR)
    with pytest.raises(TransfersTooFast):
        give(tenant, pair, "5", at=NOW + 3 * HOUR)
