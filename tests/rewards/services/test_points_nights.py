"""What runs by the clock or by events: releases, warnings, month ends, statements, the frozen count."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from crm.models import Event
from rewards.domain.wallets import awaited
from rewards.models import (
    Account,
    LiabilitySnapshot,
    Lot,
    ProgramRevision,
    Reward,
    TierChange,
    TierMembership,
    TierMove,
    TransactionKind,
    Wallet,
)
from rewards.queries import frozen, liability, statements
from rewards.services import expiries, lots, movements, redemptions, starter, verification
from rewards.services import liability as liability_services
from tenants.domain.actors import SYSTEM
from tenants.models import OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, make_customer, make_order, make_wallet, post

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def wallet(tenant: Tenant, other_tenant: Tenant) -> Any:
    """A program whose thousand points cost 500 cents, half of them ever spent; another tenant with points."""
    with tenant_scope(other_tenant):
        post(make_customer(), make_wallet(), 777, expires_at=NOW + 31 * DAY, awaits="order_delivered:order:1")
    with tenant_scope(tenant):
        starter.install_starter(by=SYSTEM, at=NOW, category_percent={}, rewards=[])
        set_policy(thousand_points_minor=500, redemption_percent=50)
        yield Wallet.objects.get()


def set_policy(**members: Any) -> None:
    revision = ProgramRevision.objects.get()
    wallet = {**revision.document["wallets"][0], **members}
    ProgramRevision.objects.update(document={**revision.document, "wallets": [wallet]})


def test_an_event_that_names_the_order_releases_its_points(wallet: Wallet) -> None:
    set_policy(pending={"days": 30, "event": "order_delivered"})
    customer = make_customer()
    order = make_order(customer, [("DAIRY", 1, 100)])
    post(customer, wallet, 40, awaits=awaited("order_delivered", "order", order.pk))
    post(customer, wallet, 2, awaits=awaited("order_delivered", "order", order.pk + 1))
    for number, (name, properties) in enumerate(
        [
            ("order_delivered", {"order_id": order.external_id}),
            ("order_delivered", {}),
            ("other", {"order_id": "x"}),
        ]
    ):
        Event.objects.create(
            message_id=f"m-{number}", occurred_at=NOW, received_at=NOW, name=name, customer=customer,
            properties=properties,
        )  # fmt: skip
    batch = {"message_ids": ["m-0", "m-1", "m-2"], "first_at": NOW, "last_at": NOW}
    assert lots.release_after_events(**batch, at=NOW) == 40
    assert lots.release_after_events(**batch, at=NOW) == 0
    assert (Account.objects.get().pending, Account.objects.get().available) == (2, 40)


def test_members_hear_of_what_ends_in_thirty_and_seven_days(wallet: Wallet, tenant: Tenant) -> None:
    customer = make_customer()
    # Usable through 13 April of New York, thirty days after 14 March; the midnight is at four o'clock UTC.
    ends = datetime(2026, 4, 14, 4, tzinfo=UTC)
    for end in (ends, ends - timedelta(seconds=1), ends + timedelta(seconds=1)):
        post(customer, wallet, 10, expires_at=end)
    post(customer, wallet, 5, expires_at=ends, awaits="manual")
    assert expiries.warn(zone=tenant.zone, at=NOW) == 2
    message = OutboxMessage.objects.get(topic=expiries.WARNING_TOPIC)
    assert (message.payload["days"], message.payload["day"]) == (30, "2026-04-13")
    assert [(row["customer_id"], row["points"]) for row in message.payload["members"]] == [
        (customer.pk, 10), (customer.pk, 10),
    ]  # fmt: skip
    # The job's worker was killed before it could say that it was done: it runs again.
    assert expiries.warn(zone=tenant.zone, at=NOW + timedelta(hours=2)) == 0
    assert OutboxMessage.objects.filter(topic=expiries.WARNING_TOPIC).count() == 1
    # What ends at the next midnight by a second is told the next day.
    assert expiries.warn(zone=tenant.zone, at=NOW + timedelta(days=1)) == 1


def test_a_wallet_warns_when_it_says_or_never(wallet: Wallet, tenant: Tenant) -> None:
    customer = make_customer()
    post(customer, wallet, 10, expires_at=datetime(2026, 3, 18, 4, tzinfo=UTC))
    post(customer, wallet, 20, expires_at=datetime(2026, 4, 14, 4, tzinfo=UTC))
    set_policy(warning_days=[3])
    assert expiries.warn(zone=tenant.zone, at=NOW) == 1
    message = OutboxMessage.objects.get(topic=expiries.WARNING_TOPIC)
    assert (message.payload["days"], message.payload["members"][0]["points"]) == (3, 10)
    set_policy(warning_days=[])
    assert expiries.warn(zone=tenant.zone, at=NOW) == 0


def test_inactive_points_live_on_with_every_move(wallet: Wallet) -> None:
    set_policy(expiry_months=None, expiry={"kind": "inactivity", "months": 1})
    customer = make_customer()
    options: dict[str, Any] = {"customer": customer, "wallet_key": wallet.key, "by": SYSTEM}
    movements.earn(points=50, idempotency_key="a", at=NOW, **options)
    first = Lot.objects.get().expires_at
    assert first == datetime(2026, 4, 15, 4, tzinfo=UTC)
    movements.spend(points=10, idempotency_key="b", at=NOW + 20 * DAY, **options)
    assert Lot.objects.get().expires_at == datetime(2026, 5, 4, 4, tzinfo=UTC)


def test_what_is_captured_or_redeemed_lets_the_rest_live_on(wallet: Wallet) -> None:
    set_policy(expiry_months=None, expiry={"kind": "inactivity", "months": 1})
    customer = make_customer()
    options: dict[str, Any] = {"customer": customer, "wallet_key": wallet.key}
    movements.earn(points=50, idempotency_key="a", by=SYSTEM, at=NOW, **options)
    hold = movements.hold(points=10, idempotency_key="b", at=NOW + 19 * DAY, lasts=2 * DAY, **options)
    assert Lot.objects.get().expires_at == datetime(2026, 4, 15, 4, tzinfo=UTC)
    movements.capture(hold=hold, by=SYSTEM, at=NOW + 20 * DAY)
    assert Lot.objects.get().expires_at == datetime(2026, 5, 4, 4, tzinfo=UTC)
    reward = Reward.objects.create(
        key="mug", name="Mug", wallet=wallet, cost_points=5, created_at=NOW, updated_at=NOW
    )
    redemptions.redeem(customer=customer, reward=reward, by=SYSTEM, at=NOW + 40 * DAY)
    assert Lot.objects.get().expires_at == datetime(2026, 5, 24, 4, tzinfo=UTC)


def test_a_repeated_request_is_no_activity(wallet: Wallet) -> None:
    """The client's answer got lost, and it asks again weeks later."""
    set_policy(expiry_months=None, expiry={"kind": "inactivity", "months": 1})
    options: dict[str, Any] = {"customer": make_customer(), "wallet_key": wallet.key, "by": SYSTEM}
    for days in (0, 20):
        movements.earn(points=50, idempotency_key="a", at=NOW + days * DAY, **options)
        movements.spend(points=10, idempotency_key="b", at=NOW + days * DAY, **options)
    lot = Lot.objects.get()
    assert (lot.remaining, lot.expires_at) == (40, datetime(2026, 4, 15, 4, tzinfo=UTC))


def test_what_had_ended_before_a_move_stays_ended_though_no_sweep_came(wallet: Wallet) -> None:
    set_policy(expiry_months=None, expiry={"kind": "inactivity", "months": 1})
    customer = make_customer()
    options: dict[str, Any] = {"customer": customer, "wallet_key": wallet.key, "by": SYSTEM}
    movements.earn(points=50, idempotency_key="a", at=NOW, **options)
    movements.earn(points=7, idempotency_key="b", at=NOW + 40 * DAY, **options)
    ends = list(Lot.objects.order_by("id").values_list("expires_at", flat=True))
    assert ends == [datetime(2026, 4, 15, 4, tzinfo=UTC), datetime(2026, 5, 24, 4, tzinfo=UTC)]
    assert movements.spend(points=7, idempotency_key="c", at=NOW + 41 * DAY, **options).points == -7
    assert expiries.expire_batch(at=NOW + 41 * DAY).points == 50


def test_each_tier_is_inactive_in_its_own_time(wallet: Wallet, tenant: Tenant) -> None:
    set_policy(expiry_months=1, expiry_by_tier={"gold": {"kind": "inactivity", "months": 3}})
    plain, gold = make_customer(), make_customer()
    TierChange.objects.create(customer=gold, move="entered", to_key="gold", changed_at=NOW - DAY)
    options: dict[str, Any] = {"wallet_key": wallet.key, "by": SYSTEM, "points": 50}
    for customer in (plain, gold):
        movements.earn(customer=customer, idempotency_key="a", at=NOW, **options)
        movements.earn(customer=customer, idempotency_key="b", at=NOW + 20 * DAY, **options)
    ends = list(Lot.objects.order_by("id").values_list("expires_at", flat=True))
    assert [end and end.date() for end in ends] == [
        date(2026, 4, 15), date(2026, 5, 4), date(2026, 7, 4), date(2026, 7, 4),
    ]  # fmt: skip


def test_month_ends_are_kept_once_as_they_were(wallet: Wallet) -> None:
    customer = make_customer()
    post(customer, wallet, 1_000, occurred_at=datetime(2026, 1, 20, tzinfo=UTC))
    post(customer, wallet, -400, occurred_at=datetime(2026, 2, 10, tzinfo=UTC))
    assert liability_services.snapshot_month_ends(at=NOW) == 2
    assert liability_services.snapshot_month_ends(at=NOW) == 0
    kept = [(end.month_end, end.points, end.liability_minor) for end in liability.month_ends()]
    assert kept == [(date(2026, 1, 31), 1_000, 250), (date(2026, 2, 28), 600, 150)]
    post(customer, wallet, -600, occurred_at=datetime(2026, 1, 25, tzinfo=UTC))
    assert LiabilitySnapshot.objects.order_by("month_end").first().points == 1_000  # type: ignore[union-attr]  # it is there
    assert liability.now(at=NOW) == []


def test_a_month_end_that_was_missed_knows_the_tiers_held_then(wallet: Wallet) -> None:
    january, february = datetime(2026, 1, 20, tzinfo=UTC), datetime(2026, 2, 10, tzinfo=UTC)
    risen, fallen, taken_over, newcomer = (make_customer() for _ in range(4))
    for customer, points in ((risen, 1), (fallen, 20), (taken_over, 300), (newcomer, 4_000)):
        post(customer, wallet, points, occurred_at=january)
    TierChange.objects.bulk_create(
        TierChange(customer=customer, move=move, from_key=before, to_key=after, changed_at=when)
        for customer, move, before, after, when in (
            (risen, TierMove.ENTERED, "", "silver", january),
            (risen, TierMove.UPGRADED, "silver", "gold", february),
            (fallen, TierMove.ENTERED, "", "silver", january),
            (fallen, TierMove.DOWNGRADED, "silver", "", february),
            (newcomer, TierMove.ENTERED, "", "gold", NOW),
        )
    )
    TierMembership.objects.bulk_create(
        TierMembership(
            customer=customer, tier_key=tier, qualifying_spend_minor=0, since=since, computed_at=NOW
        )
        for customer, tier, since in (
            (risen, "gold", february),
            (taken_over, "gold", january),
            (newcomer, "gold", NOW),
        )
    )
    liability_services.snapshot_month_ends(at=NOW)

    def points_by_tier(end: date) -> dict[str, int]:
        return {each.name: each.points for each in liability.added_up(liability.at_month_end(end), "tier")}

    assert points_by_tier(date(2026, 1, 31)) == {"": 4_000, "silver": 21, "gold": 300}
    assert points_by_tier(date(2026, 2, 28)) == {"": 4_020, "gold": 301}


def test_a_statement_adds_up_by_kind(wallet: Wallet) -> None:
    customer, other = make_customer(), make_customer()
    post(customer, wallet, 30, at=NOW - 40 * DAY)
    post(customer, wallet, 100, kind=TransactionKind.EARN)
    post(customer, wallet, -60, kind=TransactionKind.REDEEM)
    post(customer, wallet, 5, expires_at=NOW + DAY)
    post(other, wallet, 8)
    expiries.expire_batch(at=NOW + DAY)
    period = {"begins": NOW - 30 * DAY, "ends": NOW + 2 * DAY}
    (mine,) = statements.of_period(**period, customer_id=customer.pk)
    assert (mine.opening, mine.earned, mine.spent, mine.adjusted, mine.expired, mine.closing) == (
        30, 100, -60, 5, -5, 70,
    )  # fmt: skip
    (everybody,) = statements.of_period(**period)
    assert (everybody.opening, everybody.adjusted, everybody.closing) == (30, 13, 78)


def test_pages_count_frozen_accounts_from_the_cache(
    wallet: Wallet, tenant: Tenant, django_assert_num_queries: Any, django_capture_on_commit_callbacks: Any
) -> None:
    post(make_customer(), wallet, 5)
    frozen.forget(tenant.pk)
    with django_assert_num_queries(1):
        assert (frozen.count(), frozen.count()) == (0, 0)
    Account.objects.update(frozen_at=NOW)
    assert frozen.count() == 0
    with django_capture_on_commit_callbacks(execute=True):
        verification.unfreeze(account=Account.objects.get(), by=SYSTEM, at=NOW, reason="Explained")
    assert frozen.count() == 0
    frozen.forget(tenant.pk)
