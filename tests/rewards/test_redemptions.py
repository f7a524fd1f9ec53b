from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rewards.models import Hold, HoldState, Redemption, RedemptionState, Reward, RewardKind
from rewards.services import cancellations, catalogue, fulfilments, redemption_states, redemptions
from rewards.services.errors import InsufficientPoints, SourceReused
from tenants.domain.actors import SYSTEM
from tenants.models import OutboxMessage
from tests.rewards.factories import NOW, balance_of, lots_of, make_customer, make_wallet, post

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def reward(scope: Any) -> Reward:
    make_wallet()
    return make_reward()


def make_reward(key: str = "mug", cost: int = 50, stock: int | None = 2) -> Reward:
    return catalogue.save_reward(
        key=key,
        name="Mug",
        kind=RewardKind.PRODUCT,
        wallet_key="points",
        cost_points=cost,
        stock=stock,
        by=SYSTEM,
        at=NOW,
    )


def member(reward: Reward, *lots: int) -> Any:
    customer = make_customer()
    for days, points in enumerate(lots, start=1):
        post(customer, reward.wallet, points, expires_at=NOW + days * DAY)
    return customer


def test_redeeming_spends_points_takes_stock_and_tells_the_outbox(reward: Reward) -> None:
    customer = member(reward, 30, 30)
    redemption = redemptions.redeem(customer=customer, reward=reward, by=SYSTEM, at=NOW)
    reward.refresh_from_db()
    assert (redemption.state, redemption.points, reward.stock) == (RedemptionState.CONFIRMED, 50, 1)
    assert (balance_of(customer), lots_of(customer)) == ((10, 0), [(0, 0), (10, 0)])
    topics = list(OutboxMessage.objects.order_by("pk").values_list("topic", flat=True))
    assert topics == ["rewards.redemption_reserved", "rewards.redemption_confirmed"]
    fulfilled = fulfilments.fulfil(redemption=redemption, by=SYSTEM, at=NOW)
    with pytest.raises(redemption_states.WrongState) as refusal:
        cancellations.cancel(redemption=fulfilled, by=SYSTEM, at=NOW)
    assert refusal.value.extra == {"state": "fulfilled"}


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_cancelling_restores_the_same_lots_and_the_stock(reward: Reward, is_confirmed: bool) -> None:
    customer = member(reward, 30, 30)
    start = redemptions.redeem if is_confirmed else redemptions.reserve
    redemption = start(customer=customer, reward=reward, by=SYSTEM, at=NOW)
    cancellations.cancel(redemption=redemption, by=SYSTEM, at=NOW, reason="changed mind")
    reward.refresh_from_db()
    assert (reward.stock, balance_of(customer), lots_of(customer)) == (2, (60, 0), [(30, 0), (30, 0)])


def test_what_cannot_be_redeemed_changes_nothing(reward: Reward) -> None:
    poor, rich = member(reward, 20), member(reward, 500)
    with pytest.raises(InsufficientPoints) as refusal:
        redemptions.redeem(customer=poor, reward=reward, by=SYSTEM, at=NOW)
    assert refusal.value.extra == {"missing": 30}
    rare = make_reward("rare", stock=0)
    with pytest.raises(redemption_states.OutOfStock):
        redemptions.redeem(customer=rich, reward=rare, by=SYSTEM, at=NOW)
    rare.is_active = False
    with pytest.raises(redemption_states.RewardUnavailable):
        redemptions.redeem(customer=rich, reward=rare, by=SYSTEM, at=NOW)
    reward.refresh_from_db()
    assert (balance_of(rich), balance_of(poor), reward.stock) == ((500, 0), (20, 0), 2)
    assert (Hold.objects.count(), Redemption.objects.count()) == (0, 0)


def test_a_repeated_key_is_the_same_redemption_for_ever(reward: Reward) -> None:
    customer, other = member(reward, 500), make_reward("other")
    first = redemptions.redeem(customer=customer, reward=reward, by=SYSTEM, at=NOW, idempotency_key="k")
    again = redemptions.redeem(customer=customer, reward=reward, by=SYSTEM, at=NOW, idempotency_key="k")
    reward.refresh_from_db()
    assert (again.pk, balance_of(customer), reward.stock) == (first.pk, (450, 0), 1)
    with pytest.raises(SourceReused):
        redemptions.redeem(customer=customer, reward=other, by=SYSTEM, at=NOW, idempotency_key="k")


def test_an_overdue_reservation_is_cancelled(reward: Reward) -> None:
    customer = member(reward, 80)
    redemption = redemptions.reserve(customer=customer, reward=reward, by=SYSTEM, at=NOW)
    assert cancellations.end_overdue(by=SYSTEM, at=NOW + redemptions.RESERVATION - timedelta(seconds=1)) == 0
    assert cancellations.end_overdue(by=SYSTEM, at=NOW + redemptions.RESERVATION) == 1
    redemption.refresh_from_db()
    assert (redemption.state, balance_of(customer)) == (RedemptionState.CANCELLED, (80, 0))
    assert Hold.objects.get().state == HoldState.RELEASED
