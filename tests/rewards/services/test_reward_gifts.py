"""Rewards that rules give: redemptions at no price, which move no points."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from crm.models import Customer
from rewards.domain.policies import Pace, VelocityLimit
from rewards.domain.wallets import RefundPolicy
from rewards.models import (
    Account,
    CouponCode,
    DecisionRecord,
    Hold,
    LedgerEntry,
    Redemption,
    RedemptionState,
    Reward,
    TierMembership,
    TransactionKind,
)
from rewards.queries import exports
from rewards.services import cancellations, earning, erasures, fulfilments, ledger, programs, velocity
from tenants.domain.actors import SYSTEM
from tenants.models import OutboxMessage, Tenant
from tests.rewards.factories import NOW, balance_of, make_customer, make_order, make_return, post

pytestmark = pytest.mark.django_db
DOCUMENT: dict[str, Any] = {
    "wallets": [{"key": "points", "name": "Points", "refund_policy": "allow_debt"}],
    "rules": [
        {"key": "base", "name": "Base", "effects": [{"type": "points", "wallet": "points", "points": 5}]},
        {"key": "thanks", "name": "Thanks", "effects": [
            {"type": "reward", "reward": "mug"}, {"type": "reward", "reward": "voucher"},
        ]},
    ],
    "coupons": [{"key": "ten", "name": "Ten", "kind": "percent", "percent_hundredths": 1000}],
    "rewards": [
        {"key": "mug", "name": "Mug", "kind": "product", "wallet": "points", "cost_points": 400, "stock": 3,
         "needs_shipping": True},
        {"key": "voucher", "name": "Voucher", "kind": "coupon", "wallet": "points", "cost_points": 9,
         "coupon": "ten"},
    ],
    "tiers": [{"key": "member", "name": "Member", "threshold_minor": 0},
              {"key": "silver", "name": "Silver", "thresholds": {"earned": 100}}],
    "qualification": {"criteria": [{"key": "earned", "metric": "points", "wallet": "points"}]},
}  # fmt: skip


@pytest.fixture
def program(scope: Tenant) -> None:
    publish()


def publish(**changes: Any) -> None:
    draft = programs.save_draft(document={**DOCUMENT, **changes}, by=SYSTEM, at=NOW)
    programs.publish(revision=draft, by=SYSTEM, at=NOW)


def buy(customer: Customer) -> dict[str, Any]:
    """Let the customer buy something; returns what the second rule's outcome says."""
    order = make_order(customer, [("DAIRY", 1, 100)], NOW)
    earning.award_orders([order.pk], by=SYSTEM, at=NOW)
    return dict(DecisionRecord.objects.get(event_type="order", event_id=order.pk).record["rules"][1])


def gift(customer: Customer, key: str = "mug") -> Redemption:
    return Redemption.objects.get(customer=customer, reward__key=key)


@pytest.mark.usefixtures("program")
def test_a_gift_moves_no_points_and_is_no_earning() -> None:
    customer = make_customer()
    assert "withheld" not in buy(customer)
    row = gift(customer)
    assert (row.state, row.points, row.granted_by) == (RedemptionState.CONFIRMED, 0, "thanks")
    assert (balance_of(customer), Hold.objects.count(), row.transaction) == ((5, 0), 0, None)
    assert list(LedgerEntry.objects.values_list("points", flat=True)) == [5]
    assert (Reward.objects.get(key="mug").stock, CouponCode.objects.get().customer) == (2, customer)
    assert TierMembership.objects.filter(customer=customer, tier_key="silver").count() == 0
    topics = OutboxMessage.objects.filter(topic__startswith="rewards.redemption").order_by("pk")
    assert list(topics.values_list("topic", flat=True)) == [
        "rewards.redemption_confirmed",
        "rewards.redemption_confirmed",
        "rewards.redemption_fulfilled",
    ]


@pytest.mark.usefixtures("program")
def test_a_member_in_debt_gets_the_gift_and_owes_as_before() -> None:
    customer = make_customer()
    wallet = Reward.objects.get(key="mug").wallet
    earned = post(customer, wallet, 50, kind=TransactionKind.EARN)
    post(customer, wallet, -50, kind=TransactionKind.REDEEM)
    transaction_of = LedgerEntry.objects.get(transaction_id=earned.transaction_id, points=50).transaction
    ledger.reverse(
        transaction=transaction_of, source=ledger.Source("test", "r"), policy=RefundPolicy.ALLOW_DEBT,
        by=SYSTEM, at=NOW,
    )  # fmt: skip
    assert Account.objects.get(customer=customer).debt == 50
    assert "withheld" not in buy(customer)
    assert (gift(customer).points, Account.objects.get(customer=customer).debt) == (0, 45)


@pytest.mark.usefixtures("program")
def test_a_frozen_account_is_no_obstacle_to_a_gift_alone() -> None:
    publish(rules=[DOCUMENT["rules"][1]])
    customer = make_customer()
    post(customer, Reward.objects.get(key="mug").wallet, 1)
    Account.objects.update(frozen_at=NOW)
    order = make_order(customer, [("DAIRY", 1, 100)], NOW)
    earning.award_orders([order.pk], by=SYSTEM, at=NOW)
    assert gift(customer).state == RedemptionState.CONFIRMED


@pytest.mark.usefixtures("program")
def test_a_gift_is_packed_shipped_and_taken_back_without_points() -> None:
    customer = make_customer()
    buy(customer)
    row = fulfilments.pack(redemption=gift(customer), by=SYSTEM, at=NOW)
    assert cancellations.cancel(redemption=row, by=SYSTEM, at=NOW).state == RedemptionState.CANCELLED
    assert (Reward.objects.get(key="mug").stock, balance_of(customer)) == (3, (5, 0))
    voucher = gift(customer, "voucher")
    assert voucher.state == RedemptionState.FULFILLED
    assert cancellations.refund(redemption=voucher, by=SYSTEM, at=NOW).state == RedemptionState.REFUNDED
    assert (CouponCode.objects.get().state == "assigned", balance_of(customer)) == (False, (5, 0))
    assert cancellations.end_overdue(by=SYSTEM, at=NOW + timedelta(days=9)) == 0


@pytest.mark.usefixtures("program")
def test_what_a_rule_gives_counts_against_stock_and_not_against_the_pace() -> None:
    velocity.save_limit(limit=VelocityLimit(Pace.REDEMPTIONS, 1, 24), by=SYSTEM, at=NOW)
    first, second = make_customer(), make_customer()
    for customer in (first, first, second):
        assert "withheld" not in buy(customer)
    assert not Redemption.objects.filter(is_under_review=True).exists()
    assert buy(second)["withheld"] == [{"effect": "reward:mug", "reason": "out_of_stock"}]
    assert velocity.exceeded(Pace.REDEMPTIONS, customer_id=first.pk, at=NOW) is None


@pytest.mark.usefixtures("program")
def test_what_is_returned_takes_the_points_and_leaves_the_gift() -> None:
    customer = make_customer()
    order = make_order(customer, [("DAIRY", 1, 100)], NOW)
    earning.award_orders([order.pk], by=SYSTEM, at=NOW)
    earning.take_back_returns([make_return(order, {1: 1}).pk], by=SYSTEM, at=NOW)
    assert (balance_of(customer), gift(customer).state) == ((0, 0), RedemptionState.CONFIRMED)


@pytest.mark.usefixtures("program")
def test_the_archive_tells_the_price_and_erasure_keeps_the_books() -> None:
    customer = make_customer()
    buy(customer)
    told = exports.of_customer(customer.pk)["redemptions"][0]
    assert (told["reward__name"], told["points"], told["granted_by"]) == ("Mug", 0, "thanks")
    cancellations.cancel(redemption=gift(customer), reason="my friend Bob", by=SYSTEM, at=NOW)
    erasures.empty_reasons(customer_id=customer.pk)
    assert (gift(customer).cancel_reason, gift(customer).granted_by) == ("", "thanks")


@pytest.mark.usefixtures("program")
def test_a_redemption_is_paid_or_granted_never_both() -> None:
    customer = make_customer()
    buy(customer)
    for changes in ({"points": 1}, {"granted_by": ""}, {"gift_source": ""}, {"confirmed_at": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Redemption.objects.filter(pk=gift(customer).pk).update(**changes)
