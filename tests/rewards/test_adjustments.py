"""Adjustments above a role's limit: a request, and a second person."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from rewards.models import (
    AdjustmentRequest,
    LedgerTransaction,
    ProgramRevision,
    TransactionKind,
    Wallet,
)
from rewards.services import ledger, movements, points, starter
from rewards.services.errors import AdjustmentDecided, ApprovalRequired, InsufficientPoints, OwnRequest
from rewards.services.ledger import Source
from tenants.domain.actors import SYSTEM, Actor
from tenants.domain.permissions import PERMISSIONS_BY_ROLE, Role
from tenants.errors import PermissionRefused
from tenants.models import User
from tenants.services import memberships
from tests.rewards.factories import NOW, balance_of, make_customer, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(scope: Any, actor: Actor) -> dict[str, Actor]:
    """A supporter who may move 100 points, and an owner without a limit."""
    starter.install_starter(by=SYSTEM, at=NOW, category_percent={}, rewards=[])
    revision = ProgramRevision.objects.get()
    wallet = {**revision.document["wallets"][0], "adjustment_limits": {"support": 100}}
    ProgramRevision.objects.update(document={**revision.document, "wallets": [wallet]})
    found = {}
    for role in (Role.SUPPORT, Role.OWNER):
        user = User.objects.create_user(email=f"{role}@example.com")
        memberships.add(user=user, role=role, by=actor, at=NOW)
        found[role.value] = replace(
            actor, id=user.pk, label=user.email, permissions=PERMISSIONS_BY_ROLE[role]
        )
    return found


def ask(people: dict[str, Actor], customer: Any, amount: int, by: str = "support") -> AdjustmentRequest:
    options: dict[str, Any] = {
        "reason": "Goodwill",
        "by": people[by],
        "at": NOW,
        "idempotency_key": f"k{amount}",
    }
    return points.request(customer=customer, points=amount, **options)


def test_the_limit_is_the_roles(people: dict[str, Actor]) -> None:
    customer = make_customer()
    options: dict[str, Any] = {"customer": customer, "reason": "Goodwill", "at": NOW}
    points.adjust(points=100, by=people["support"], **options)
    with pytest.raises(ApprovalRequired) as refusal:
        points.adjust(points=-101, by=people["support"], **options)
    assert refusal.value.extra == {"limit": 100}
    points.adjust(points=5_000, by=people["owner"], **options)
    assert balance_of(customer) == (5_100, 0)


def test_many_small_adjustments_need_the_approval_of_a_large_one(people: dict[str, Actor]) -> None:
    customer, other = make_customer(), make_customer()
    options: dict[str, Any] = {"reason": "Goodwill", "by": people["support"]}

    def adjust(amount: int, key: str, of: Any = customer, at: datetime = NOW) -> int:
        return points.adjust(customer=of, points=amount, idempotency_key=key, at=at, **options).available

    assert (adjust(60, "a"), adjust(-40, "b")) == (60, 20)
    for amount, hours in ((1, 0), (-1, 23)):
        with pytest.raises(ApprovalRequired) as refusal:
            adjust(amount, "c", at=NOW + timedelta(hours=hours))
        assert refusal.value.extra == {"limit": 100}
    # What was posted is found again; another member, another day and what somebody else moved do not count.
    assert adjust(-40, "b", at=NOW + timedelta(hours=1)) == 20
    assert adjust(100, "a", of=other) == 100
    points.adjust(customer=customer, points=500, reason="Sorry", by=people["owner"], at=NOW)
    assert adjust(100, "d", at=NOW + timedelta(hours=24)) == 620


def test_the_limit_knows_who_it_was_and_not_what_they_are_called(people: dict[str, Actor]) -> None:
    customer, support = make_customer(), people["support"]
    options: dict[str, Any] = {"customer": customer, "reason": "Goodwill", "at": NOW}
    assert points.adjust(points=60, by=support, **options).available == 60
    renamed = replace(support, label="renamed@example.com")
    with pytest.raises(ApprovalRequired):
        points.adjust(points=60, by=renamed, **options)
    namesake = User.objects.create_user(email="namesake@example.com")
    memberships.add(user=namesake, role=Role.SUPPORT, by=people["owner"], at=NOW)
    assert points.adjust(points=100, by=replace(support, id=namesake.pk), **options).available == 160


def test_what_was_posted_before_actors_were_noted_counts_by_its_label(people: dict[str, Actor]) -> None:
    customer, support = make_customer(), people["support"]
    options: dict[str, Any] = {"customer": customer, "reason": "Goodwill", "at": NOW}
    ledger.post(
        customer_id=customer.pk, wallet_id=Wallet.objects.get().pk, kind=TransactionKind.ADJUST, points=60,
        source=Source(points.SOURCE, "before"), occurred_at=NOW, by=support, at=NOW,
    )  # fmt: skip
    with pytest.raises(ApprovalRequired):
        points.adjust(points=41, by=support, **options)
    assert points.adjust(points=40, by=support, **options).available == 100


def test_a_reversal_is_limited_like_an_adjustment(people: dict[str, Actor]) -> None:
    customer, wallet = make_customer(), Wallet.objects.get()
    for amount in (150, 70, 40):
        post(customer, wallet, amount, kind=TransactionKind.EARN)

    def undo(seq: int, by: str = "support") -> int:
        return movements.reverse(
            customer=customer, wallet_key=wallet.key, seq=seq, reason="Wrong", by=people[by], at=NOW
        ).points

    with pytest.raises(ApprovalRequired) as refusal:
        undo(1)
    assert refusal.value.extra == {"limit": 100}
    assert undo(2) == -70
    with pytest.raises(ApprovalRequired):
        undo(3)
    with pytest.raises(ApprovalRequired):
        points.adjust(customer=customer, points=31, reason="Goodwill", by=people["support"], at=NOW)
    # What was undone is found again, by whom ever, and who has no limit goes on.
    assert (undo(2), undo(1, "owner"), undo(1)) == (-70, -150, -150)
    assert (
        points.adjust(customer=customer, points=30, reason="Goodwill", by=people["support"], at=NOW).available
        == 70
    )


def test_what_another_person_approved_leaves_the_limit_as_it_was(people: dict[str, Actor]) -> None:
    customer = make_customer()
    request = ask(people, customer, 500, by="owner")
    approver = replace(people["support"], permissions=people["owner"].permissions)
    points.approve(request=request, by=approver, at=NOW)
    options: dict[str, Any] = {"customer": customer, "reason": "Goodwill", "at": NOW}
    assert points.adjust(points=100, by=approver, **options).available == 600


def test_a_second_person_approves_once(people: dict[str, Actor]) -> None:
    customer = make_customer()
    request = ask(people, customer, 500)
    assert ask(people, customer, 500).pk == request.pk
    with pytest.raises(PermissionRefused):
        points.approve(request=request, by=people["support"], at=NOW)
    assert points.approve(request=request, by=people["owner"], at=NOW).available == 500
    with pytest.raises(AdjustmentDecided):
        points.approve(request=request, by=people["owner"], at=NOW)
    request.refresh_from_db()
    assert request.transaction_id == LedgerTransaction.objects.get().pk
    assert balance_of(customer) == (500, 0)


def test_nobody_approves_their_own_and_a_rejection_posts_nothing(people: dict[str, Actor]) -> None:
    customer = make_customer()
    own = ask(people, customer, 700, by="owner")
    with pytest.raises(OwnRequest):
        points.approve(request=own, by=people["owner"], at=NOW)
    request = ask(people, customer, 800)
    assert points.reject(request=request, by=people["owner"], at=NOW, note="No receipt").state == "rejected"
    assert LedgerTransaction.objects.count() == 0


def test_who_asked_is_told_by_identity_not_by_name(people: dict[str, Actor]) -> None:
    customer, owner = make_customer(), people["owner"]
    request = ask(people, customer, 700, by="owner")
    with pytest.raises(OwnRequest):
        points.approve(request=request, by=replace(owner, label="renamed@example.com"), at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        AdjustmentRequest.objects.update(decided_ref=owner.ref, decided_by="somebody else", state="approved")
    namesake = replace(owner, id=(owner.id or 0) + 1_000)
    assert points.approve(request=request, by=namesake, at=NOW).available == 700


def test_an_approval_the_balance_does_not_allow_leaves_the_request_open(people: dict[str, Actor]) -> None:
    request = ask(people, make_customer(), -300)
    with pytest.raises(InsufficientPoints), transaction.atomic():
        points.approve(request=request, by=people["owner"], at=NOW)
    request.refresh_from_db()
    assert request.state == "requested"
