"""What time does by itself: reservations and holds end, lots expire at the tenant's own midnight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from loyalty_saas.celery import app
from rewards import tasks
from rewards.models import Account, Hold, LedgerTransaction, Redemption, Reward, RewardKind
from rewards.services import cancellations, catalogue, holds, points, redemption_states, redemptions, starter
from rewards.services.errors import HoldClosed
from rewards.services.ledger import Source
from tenants.domain.actors import SYSTEM
from tenants.models import AuditEntry, Tenant
from tenants.scope import for_each_tenant, tenant_scope
from tests.rewards.factories import NOW, balance_of, lots_of, make_customer, make_wallet, post

pytestmark = pytest.mark.django_db
INSTANT = timedelta(microseconds=1)


@pytest.fixture
def sweep(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(at: datetime) -> None:
        monkeypatch.setattr(tasks, "timezone", SimpleNamespace(now=lambda: at))
        tasks.sweep()
        for _tenant in for_each_tenant():
            cancellations.end_overdue(by=SYSTEM, at=at)

    return run


def mug(stock: int = 1) -> Reward:
    return catalogue.save_reward(
        key="mug", name="Mug", kind=RewardKind.PRODUCT, wallet_key="points", cost_points=40, stock=stock,
        by=SYSTEM, at=NOW,
    )  # fmt: skip


def test_points_expire_at_midnight_where_the_tenant_is(
    tenant: Tenant, other_tenant: Tenant, sweep: Any
) -> None:
    customer_of = {}
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            starter.install_starter(by=SYSTEM, at=NOW, category_percent={}, rewards=[], expiry_months=12)
            customer_of[each] = make_customer()
            points.adjust(customer=customer_of[each], points=70, reason="x", by=SYSTEM, at=NOW)
    # Earned on 14 March in both places, usable until the end of 14 March 2027; New York is in summer by then.
    shanghai = datetime(2027, 3, 14, 16, tzinfo=UTC)
    new_york = datetime(2027, 3, 15, 4, tzinfo=UTC)

    def balances() -> tuple[int, int]:
        found = []
        for each in (tenant, other_tenant):
            with tenant_scope(each):
                found.append(balance_of(customer_of[each])[0])
        return found[0], found[1]

    for at, expected in (
        (shanghai - INSTANT, (70, 70)),
        (shanghai, (70, 0)),
        (new_york - INSTANT, (70, 0)),
        (new_york, (0, 0)),
        (new_york, (0, 0)),
    ):
        sweep(at)
        assert balances() == expected
    with tenant_scope(tenant):
        last = LedgerTransaction.objects.order_by("id").last()
        assert (last.kind, last.points) == ("expire", -70)
        assert LedgerTransaction.objects.count() == 2


def test_an_overdue_reservation_is_cancelled_with_its_points_and_its_stock(
    tenant: Tenant, other_tenant: Tenant, sweep: Any
) -> None:
    made = []
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            customer = make_customer()
            post(customer, make_wallet(), 100)
            late = timedelta(minutes=1) if each == other_tenant else timedelta()
            made.append(redemptions.reserve(customer=customer, reward=mug(), by=SYSTEM, at=NOW + late))
    due = NOW + redemptions.RESERVATION

    sweep(due - INSTANT)
    with tenant_scope(tenant):
        assert (Redemption.objects.get().state, balance_of(made[0].customer)) == ("reserved", (60, 40))
    sweep(due)
    sweep(due)
    with tenant_scope(tenant):
        row = Redemption.objects.get()
        assert (row.state, row.cancelled_at, row.cancel_reason) == (
            "cancelled",
            due,
            "The reservation timed out",
        )
        assert (balance_of(row.customer), Reward.objects.get().stock) == ((100, 0), 1)
        assert AuditEntry.objects.filter(action="redemption.cancelled").count() == 1
        with pytest.raises(redemption_states.WrongState):
            redemptions.confirm(redemption=row, by=SYSTEM, at=due)
    with tenant_scope(other_tenant):
        assert (Redemption.objects.get().state, balance_of(made[1].customer)) == ("reserved", (60, 40))


def test_more_overdue_reservations_than_a_sweep_takes_are_cancelled_by_the_next(
    tenant: Tenant, other_tenant: Tenant, sweep: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redemption behind the limit keeps its hold until its turn; it could not be found without."""
    monkeypatch.setattr(cancellations, "_SWEEP", 1)
    with tenant_scope(tenant):
        customer = make_customer()
        post(customer, make_wallet(), 100)
        for _ in range(2):
            redemptions.reserve(customer=customer, reward=mug(), by=SYSTEM, at=NOW)
    due = NOW + redemptions.RESERVATION
    sweep(due)
    with tenant_scope(tenant):
        assert sorted(Redemption.objects.values_list("state", flat=True)) == ["cancelled", "reserved"]
        assert balance_of(customer) == (60, 40)
    sweep(due + INSTANT)
    with tenant_scope(tenant):
        assert set(Redemption.objects.values_list("state", flat=True)) == {"cancelled"}
        assert balance_of(customer) == (100, 0)


@pytest.mark.django_db(transaction=True, databases=["default", "platform"])
def test_reservations_and_holds_of_every_tenant_end_without_the_hourly_sweep(
    tenant: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {}
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            made[each] = make_customer()
            post(made[each], make_wallet(), 100)
            redemptions.reserve(customer=made[each], reward=mug(), by=SYSTEM, at=NOW)
            holds.open_hold(
                customer_id=made[each].pk, wallet_id=Account.objects.get().wallet_id, points=30,
                source=Source("till", "1"), at=NOW, expires_at=NOW + redemptions.RESERVATION,
            )  # fmt: skip
    other_tenant.status = "suspended"
    other_tenant.save()
    entry = app.conf.beat_schedule["release-points"]
    assert (entry["task"], entry["schedule"]) == ("rewards.release_points", 30.0)

    def balances(at: datetime) -> list[tuple[int, int]]:
        monkeypatch.setattr(tasks, "timezone", SimpleNamespace(now=lambda: at))
        tasks.release_points()
        found = []
        for each, customer in made.items():
            with tenant_scope(each):
                found.append(balance_of(customer))
        return found

    assert balances(NOW + redemptions.RESERVATION - INSTANT) == [(30, 70), (30, 70)]
    assert balances(NOW + redemptions.RESERVATION) == [(100, 0), (30, 70)]


def test_a_confirmed_redemption_outlives_its_reservation(tenant: Tenant, sweep: Any) -> None:
    with tenant_scope(tenant):
        customer = make_customer()
        post(customer, make_wallet(), 100)
        redemptions.redeem(customer=customer, reward=mug(), by=SYSTEM, at=NOW)
    sweep(NOW + timedelta(days=1))
    with tenant_scope(tenant):
        assert (Redemption.objects.get().state, balance_of(customer)) == ("confirmed", (60, 0))
        assert Reward.objects.get().stock == 0


def test_a_hold_times_out_once_and_cannot_be_captured(tenant: Tenant, sweep: Any) -> None:
    with tenant_scope(tenant):
        customer, wallet = make_customer(), make_wallet()
        post(customer, wallet, 100)
        hold = holds.open_hold(
            customer_id=customer.pk, wallet_id=wallet.pk, points=30, source=Source("till", "1"), at=NOW,
            expires_at=NOW + timedelta(minutes=5),
        )  # fmt: skip
        endless = holds.open_hold(
            customer_id=customer.pk, wallet_id=wallet.pk, points=20, source=Source("till", "2"), at=NOW
        )
        assert holds.time_out(at=NOW + timedelta(minutes=5) - INSTANT) == 0
        assert lots_of(customer) == [(100, 50)]
    sweep(NOW + timedelta(minutes=5))
    with tenant_scope(tenant):
        states = dict(Hold.objects.values_list("pk", "state"))
        assert states == {hold.pk: "timed_out", endless.pk: "open"}
        assert (lots_of(customer), balance_of(customer)) == ([(100, 20)], (80, 20))
        assert holds.time_out(at=NOW + timedelta(days=9)) == 0
        with pytest.raises(HoldClosed):
            holds.release(hold=hold, at=NOW)


def test_a_suspended_tenants_time_stands_still(tenant: Tenant, sweep: Any) -> None:
    with tenant_scope(tenant):
        post(make_customer(), make_wallet(), 100, expires_at=NOW + timedelta(days=1))
    tenant.status = "suspended"
    tenant.save()
    sweep(NOW + timedelta(days=2))
    with tenant_scope(tenant):
        assert Account.objects.get().available == 100
