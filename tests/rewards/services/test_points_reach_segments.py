"""Whatever changes what a customer can spend, or the tier, is noted: segments follow within a minute."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from crm.models import Customer, CustomerTouch, SegmentMember
from crm.services import segment_refresh, segments
from rewards.models import (
    Account,
    Hold,
    LedgerEntry,
    Lot,
    ProgramRevision,
    Redemption,
    Reward,
    RewardKind,
    Wallet,
)
from rewards.services import (
    cancellations,
    catalogue,
    earning,
    expiries,
    holds,
    lots,
    movements,
    points,
    redemptions,
    starter,
    tiers,
    transfers,
)
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, make_customer, make_order, make_return, make_wallet, post

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LATER = NOW + 2 * DAY
# Whose callers note the customers, or that leave what can be spent as it is.
NOTED_BY_OTHERS = {
    "decisions.py": "earning and history note",
    "effects/points.py": "earning and history note",
    "mergers.py": "crm notes both customers of a merge",
}


@pytest.fixture
def members(tenant: Tenant, other_tenant: Tenant) -> Iterator[tuple[Customer, Customer]]:
    """Ann with 100 points of a program, Bob with none; another tenant whose notes are its own."""
    with tenant_scope(other_tenant):
        post(make_customer(), make_wallet(), 100, expires_at=NOW + DAY)
    with tenant_scope(tenant):
        starter.install_starter(by=SYSTEM, at=NOW, category_percent={}, rewards=[])
        wallet = Wallet.objects.get()
        revision = ProgramRevision.objects.get()
        revision.document["wallets"][0]["allows_transfers"] = True
        ProgramRevision.objects.update(document=revision.document)
        ann, bob = make_customer(external_id="ann"), make_customer(external_id="bob")
        post(ann, wallet, 100, expires_at=NOW + DAY)
        CustomerTouch.objects.all().delete()
        yield ann, bob
    with tenant_scope(other_tenant):
        assert CustomerTouch.objects.count() == 0


def mug() -> Reward:
    return catalogue.save_reward(
        key="mug", name="Mug", kind=RewardKind.PRODUCT, wallet_key="points", cost_points=40, stock=9,
        by=SYSTEM, at=NOW,
    )  # fmt: skip


def spend(ann: Customer, bob: Customer) -> Any:
    movements.spend(customer=ann, points=10, wallet_key="points", idempotency_key="k", by=SYSTEM, at=NOW)


def earn(ann: Customer, bob: Customer) -> Any:
    movements.earn(customer=ann, points=10, wallet_key="points", idempotency_key="e", by=SYSTEM, at=NOW)


def reverse(ann: Customer, bob: Customer) -> Any:
    seq = LedgerEntry.objects.get(account__isnull=False).seq
    movements.reverse(customer=ann, wallet_key="points", seq=seq or 0, reason="x", by=SYSTEM, at=NOW)


def adjust(ann: Customer, bob: Customer) -> Any:
    points.adjust(customer=ann, points=-5, reason="x", by=SYSTEM, at=NOW)


def hold(ann: Customer, bob: Customer) -> Hold:
    return movements.hold(
        customer=ann, points=10, wallet_key="points", idempotency_key="h", at=NOW, lasts=timedelta(hours=1)
    )


def release_hold(ann: Customer, bob: Customer) -> Any:
    opened = hold(ann, bob)
    CustomerTouch.objects.all().delete()
    holds.release(hold=opened, at=NOW)


def time_out(ann: Customer, bob: Customer) -> Any:
    hold(ann, bob)
    CustomerTouch.objects.all().delete()
    assert holds.time_out(at=LATER) == 1


def redeem(ann: Customer, bob: Customer) -> Redemption:
    return redemptions.redeem(customer=ann, reward=mug(), by=SYSTEM, at=NOW)


def cancel_redemption(ann: Customer, bob: Customer) -> Any:
    redeemed = redeem(ann, bob)
    CustomerTouch.objects.all().delete()
    cancellations.cancel(redemption=redeemed, by=SYSTEM, at=NOW)


def expire(ann: Customer, bob: Customer) -> Any:
    assert expiries.expire_batch(at=LATER).points == 100


def activate(ann: Customer, bob: Customer) -> Any:
    post(ann, Wallet.objects.get(), 5, activates_at=NOW + DAY)
    assert lots.activate_batch(at=LATER) == 1


def release_lot(ann: Customer, bob: Customer) -> Any:
    post(ann, Wallet.objects.get(), 5, awaits="manual")
    lots.release(lot=Lot.objects.get(is_pending=True), by=SYSTEM, at=NOW)


def lock_tier(ann: Customer, bob: Customer) -> Any:
    key = ProgramRevision.objects.get().document["tiers"][0]["key"]
    tiers.lock(customer=ann, tier_key=key, until=LATER, reason="x", by=SYSTEM, at=NOW)


def give_order_back(ann: Customer, bob: Customer) -> Any:
    order = make_order(ann, [("DAIRY", 1, 1000)])
    assert earning.award_orders([order.pk], by=SYSTEM, at=NOW) == 1
    assert CustomerTouch.objects.get().customer_id == ann.pk
    CustomerTouch.objects.all().delete()
    assert earning.take_back_returns([make_return(order, {1: 1}).pk], by=SYSTEM, at=NOW) == 1


@pytest.mark.parametrize(
    "act",
    [
        spend, earn, reverse, adjust, hold, release_hold, time_out, redeem, cancel_redemption, expire,
        activate, release_lot, lock_tier, give_order_back,
    ],
)  # fmt: skip
def test_the_customer_is_noted(members: tuple[Customer, Customer], act: Any) -> None:
    ann, bob = members
    act(ann, bob)
    assert set(CustomerTouch.objects.values_list("customer_id", "is_history")) == {(ann.pk, False)}


def test_a_transfer_notes_both_members(members: tuple[Customer, Customer]) -> None:
    ann, bob = members
    transfers.transfer(
        sender=ann,
        receiver=bob,
        wallet=Wallet.objects.get(),
        points=10,
        idempotency_key="t",
        by=SYSTEM,
        at=NOW,
    )
    assert set(CustomerTouch.objects.values_list("customer_id", flat=True)) == {ann.pk, bob.pk}


def test_a_repeated_posting_is_no_news(members: tuple[Customer, Customer]) -> None:
    ann, bob = members
    spend(ann, bob)
    CustomerTouch.objects.all().delete()
    spend(ann, bob)
    hold(ann, bob)
    CustomerTouch.objects.all().delete()
    hold(ann, bob)
    assert CustomerTouch.objects.count() == 0


def test_a_segment_on_points_follows_a_redemption(members: tuple[Customer, Customer], tenant: Tenant) -> None:
    ann, bob = members
    rule = {"loyalty": "points.points", "op": "gte", "value": 100}
    rich = segments.create(key="rich", name="Rich", kind="rule", rule=rule, by=SYSTEM, at=NOW)
    assert rich.member_count == 1
    redeem(ann, bob)
    run = segment_refresh.refresh_touched(tenant=tenant, at=LATER)
    assert run is not None
    assert (run.is_full, run.customers, run.segments) == (False, 1, 1)
    assert not SegmentMember.objects.filter(segment=rich).exists()
    assert Account.objects.get(customer=ann).available == 60


def test_every_service_that_posts_notes_the_customer() -> None:
    folder = Path(settings.BASE_DIR) / "rewards" / "services"
    forgetful = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        if _posts(text := path.read_text()) and "customer_touches.add" not in text
    }
    assert forgetful == set(NOTED_BY_OTHERS)


def _posts(text: str) -> bool:
    """Tell whether a module calls the ledger, or one of its functions in the database."""
    called = {node.func.attr for node in ast.walk(ast.parse(text))
              if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
              and isinstance(node.func.value, ast.Name) and node.func.value.id == "ledger"}  # fmt: skip
    functions = ("expire", "activate", "release", "open_hold", "close_hold", "merge", "unmerge", "restore(")
    return bool(called & {"post", "post_batch", "take_back_batch", "reverse", "call"}) or any(
        f"rewards_{name}" in text for name in functions
    )
