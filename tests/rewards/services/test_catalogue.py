from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.services import segment_lists, segments
from rewards.domain.policies import Pace, VelocityLimit
from rewards.models import (
    AbuseReview,
    CodeState,
    CouponCode,
    CouponKind,
    Redemption,
    RedemptionState,
    Reward,
    RewardKind,
    TierMembership,
)
from rewards.queries import catalogue as catalogue_queries
from rewards.queries import catalogue_for
from rewards.queries.catalogue_for import PricedReward
from rewards.services import (
    cancellations,
    catalogue,
    fulfilments,
    programs,
    redemption_states,
    redemptions,
    reviews,
    velocity,
)
from rewards.services.catalogue import RewardOffer
from rewards.services.coupons import definitions
from rewards.services.errors import InsufficientPoints
from tenants.domain.actors import SYSTEM
from tenants.errors import InvalidInput
from tests.rewards.coupons import make_definition, redeem
from tests.rewards.factories import NOW, balance_of, make_customer, make_wallet, post

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def wallet(scope: Any) -> Any:
    return make_wallet()


def make_reward(kind: RewardKind = RewardKind.PRODUCT, stock: int | None = 5, **offer: Any) -> Reward:
    return catalogue.save_reward(
        key="mug", name="Mug", kind=kind, wallet_key="points", cost_points=50, stock=stock,
        offer=RewardOffer(**offer), by=SYSTEM, at=NOW,
    )  # fmt: skip


def member(wallet: Any, points: int = 500) -> Any:
    customer = make_customer()
    post(customer, wallet, points)
    return customer


def take(customer: Any, reward: Reward, **options: Any) -> Redemption:
    return redemptions.redeem(
        customer=customer, reward=reward, by=SYSTEM, at=options.pop("at", NOW), **options
    )


def test_a_coupon_reward_hands_out_a_code_and_a_refund_takes_it_back(wallet: Any) -> None:
    make_definition("ten")
    reward, customer = make_reward(RewardKind.COUPON, coupon_definition="ten"), member(wallet)
    redemption = take(customer, reward)
    code = CouponCode.objects.get(pk=redemption.coupon_code_id)
    assert (redemption.state, code.state, code.customer_id) == ("fulfilled", CodeState.ASSIGNED, customer.pk)
    refunded = cancellations.refund(redemption=redemption, reason="wrong one", by=SYSTEM, at=NOW)
    code.refresh_from_db()
    reward.refresh_from_db()
    assert (refunded.state, code.state, reward.stock, balance_of(customer)) == (
        "refunded",
        "void",
        5,
        (500, 0),
    )


def test_a_used_coupon_cannot_be_refunded(wallet: Any) -> None:
    make_definition("ten")
    customer = member(wallet)
    redemption = take(customer, make_reward(RewardKind.COUPON, coupon_definition="ten"))
    redeem(redemption.coupon_code.code, customer=customer)
    with pytest.raises(redemption_states.CodeUsed):
        cancellations.refund(redemption=redemption, by=SYSTEM, at=NOW)
    assert balance_of(customer) == (450, 0)


def test_a_gift_card_hands_out_stored_value(wallet: Any) -> None:
    make_definition("card", kind=CouponKind.STORED_VALUE, amount_minor=1000, uses_per_code=None)
    redemption = take(member(wallet), make_reward(RewardKind.GIFT_CARD, coupon_definition="card"))
    assert redemption.coupon_code.balance_minor == 1000
    for kind, key in ((RewardKind.COUPON, "card"), (RewardKind.GIFT_CARD, "ghost")):
        with pytest.raises(InvalidInput) as refusal:
            make_reward(kind, coupon_definition=key)
        assert refusal.value.errors[0].pointer == "/coupon"


def test_shipping_goes_step_by_step(wallet: Any) -> None:
    redemption = take(member(wallet), make_reward(needs_shipping=True))
    with pytest.raises(redemption_states.WrongState):
        fulfilments.ship(redemption=redemption, by=SYSTEM, at=NOW)
    fulfilments.pack(redemption=redemption, by=SYSTEM, at=NOW)
    shipped = fulfilments.ship(redemption=redemption, tracking="1Z9", by=SYSTEM, at=NOW)
    done = fulfilments.deliver(redemption=redemption, by=SYSTEM, at=NOW + DAY)
    assert (shipped.tracking, done.state, done.fulfilled_at) == ("1Z9", "delivered", NOW + DAY)
    with pytest.raises(redemption_states.WrongState):
        cancellations.cancel(redemption=redemption, by=SYSTEM, at=NOW)
    assert cancellations.refund(redemption=redemption, by=SYSTEM, at=NOW).state == RedemptionState.REFUNDED


def test_a_price_in_another_wallet_is_paid_from_it(wallet: Any) -> None:
    stars = make_wallet("stars")
    reward, customer = make_reward(prices={"stars": 3}), make_customer()
    post(customer, stars, 5)
    redemption = take(customer, reward, wallet_key="stars")
    assert (redemption.points, balance_of(customer)) == (3, (2, 0))
    with pytest.raises(redemption_states.RewardUnavailable):
        take(customer, reward, wallet_key="gold")
    (seen,) = catalogue_queries.visible_to(customer, at=NOW)
    assert [(price.wallet, price.missing) for price in seen.prices] == [("points", 50), ("stars", 1)]
    assert seen.reasons == ("insufficient_points",)


def test_what_can_be_had_is_told_by_the_date_before_any_sweep(wallet: Any) -> None:
    reward = make_reward()
    coming, ended = make_customer(), make_customer()
    post(coming, wallet, 50, activates_at=NOW + DAY)
    post(ended, wallet, 50, expires_at=NOW + DAY)

    def missing(customer: Any, at: Any) -> int:
        (seen,) = catalogue_queries.visible_to(customer, at=at)
        return seen.prices[0].missing

    assert (missing(coming, NOW), missing(ended, NOW)) == (50, 0)
    assert (missing(coming, NOW + DAY), missing(ended, NOW + DAY)) == (0, 50)
    assert take(coming, reward, at=NOW + DAY).state == RedemptionState.CONFIRMED
    with pytest.raises(InsufficientPoints):
        take(ended, reward, at=NOW + DAY)


def test_rewards_are_seen_and_had_by_those_they_are_for(wallet: Any) -> None:
    vip = segments.create(key="vip", name="VIP", kind="static", by=SYSTEM, at=NOW)
    reward = make_reward(segments=["vip"], valid_from=NOW, valid_until=NOW + DAY, limit_per_customer=1)
    customer, stranger = member(wallet), member(wallet)
    segment_lists.add_members(segment=vip, customer_ids=[customer.pk], by=SYSTEM, at=NOW)
    assert catalogue_queries.visible_to(stranger, at=NOW) == []
    assert catalogue_queries.visible_to(customer, at=NOW + DAY) == []
    for who, at in ((stranger, NOW), (customer, NOW - DAY), (customer, NOW + DAY)):
        with pytest.raises(redemption_states.RewardUnavailable):
            take(who, reward, at=at)
    redemption = take(customer, reward)
    with pytest.raises(redemption_states.RewardLimitReached) as refusal:
        take(customer, reward)
    assert refusal.value.extra == {"limit": 1}
    assert catalogue_queries.visible_to(customer, at=NOW)[0].reasons == ("customer_limit",)
    cancellations.cancel(redemption=redemption, by=SYSTEM, at=NOW)
    assert take(customer, reward).state == RedemptionState.CONFIRMED


@pytest.mark.parametrize("is_approved", [True, False])
def test_redeeming_too_fast_waits_for_a_review(wallet: Any, is_approved: bool) -> None:
    limit = VelocityLimit(Pace.REDEMPTIONS, 1, 24)
    velocity.save_limit(limit=limit, by=SYSTEM, at=NOW)
    customer, reward = member(wallet), make_reward()
    take(customer, reward)
    waiting = take(customer, reward, idempotency_key="k")
    assert take(customer, reward, idempotency_key="k").pk == waiting.pk
    assert (waiting.state, waiting.is_under_review, balance_of(customer)) == ("reserved", True, (400, 50))
    assert cancellations.end_overdue(by=SYSTEM, at=NOW + 9 * DAY) == 0
    review = AbuseReview.objects.get()
    reviews.decide(review=review, is_approved=is_approved, reason="known", by=SYSTEM, at=NOW)
    waiting.refresh_from_db()
    assert (waiting.state, balance_of(customer)) == (
        ("confirmed", (400, 0)) if is_approved else ("cancelled", (450, 0))
    )
    assert take(customer, reward, at=NOW + 2 * DAY).state == RedemptionState.CONFIRMED


@pytest.mark.parametrize("is_approved", [True, False])
def test_refunding_too_often_waits_for_a_review(wallet: Any, is_approved: bool) -> None:
    velocity.save_limit(limit=VelocityLimit(Pace.REFUNDS, 1, 24), by=SYSTEM, at=NOW)
    customer, reward = member(wallet), make_reward()
    first, second = (
        fulfilments.fulfil(redemption=take(customer, reward), by=SYSTEM, at=NOW) for _ in range(2)
    )
    cancellations.refund(redemption=first, by=SYSTEM, at=NOW)
    waiting = cancellations.refund(redemption=second, reason="broken", by=SYSTEM, at=NOW)
    assert (waiting.state, waiting.is_under_review, balance_of(customer)) == ("fulfilled", True, (450, 0))
    reviews.decide(review=AbuseReview.objects.get(), is_approved=is_approved, reason="ok", by=SYSTEM, at=NOW)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.is_under_review, balance_of(customer)) == (
        ("refunded", False, (500, 0)) if is_approved else ("fulfilled", False, (450, 0))
    )


def test_what_waits_for_a_review_is_not_confirmed_past_it(wallet: Any) -> None:
    velocity.save_limit(limit=VelocityLimit(Pace.REDEMPTIONS, 1, 24), by=SYSTEM, at=NOW)
    customer, reward = member(wallet), make_reward()
    take(customer, reward)
    waiting = take(customer, reward)
    with pytest.raises(redemption_states.WrongState, match="waits for a review"):
        redemptions.confirm(redemption=waiting, by=SYSTEM, at=NOW)
    assert balance_of(customer) == (400, 50)


def test_a_coupon_that_is_not_offered_any_more_costs_nobody_points(wallet: Any) -> None:
    customer = member(wallet)
    kept, over = (make_definition(key, **terms) for key, terms in (
        ("kept", {}), ("over", {"valid_until": NOW - DAY}),
    ))  # fmt: skip
    for definition in (kept, over):
        catalogue.save_reward(
            key=definition.key, name=definition.key, kind=RewardKind.COUPON, wallet_key="points",
            cost_points=50, offer=RewardOffer(coupon_definition=definition.key), by=SYSTEM, at=NOW,
        )  # fmt: skip
    definitions.switch_off(definition=kept, by=SYSTEM, at=NOW)
    seen = catalogue_queries.visible_to(customer, at=NOW)
    assert [each.reasons for each in seen] == [("coupon_not_offered",)] * 2
    for reward in Reward.objects.all():
        with pytest.raises(redemption_states.RewardUnavailable):
            take(customer, reward)
    assert balance_of(customer) == (500, 0)
    assert not CouponCode.objects.exists()


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"cost_points": 10**12 + 1}, "/cost_points"),
        ({"stock": 2**31}, "/stock"),
        ({"offer": RewardOffer(limit_per_customer=2**31)}, "/limit_per_customer"),
        ({"offer": RewardOffer(prices={"gems": 10**13})}, "/prices/gems"),
        ({"offer": RewardOffer(prices={"dust": 1})}, "/prices/dust"),
    ],
)
def test_what_does_not_fit_is_named(wallet: Any, changes: dict[str, Any], pointer: str) -> None:
    make_wallet("gems")
    values: dict[str, Any] = {
        "key": "x", "name": "x", "kind": RewardKind.PRODUCT, "wallet_key": "points", "cost_points": 5,
        **changes,
    }  # fmt: skip
    with pytest.raises(InvalidInput) as refusal:
        catalogue.save_reward(**values, by=SYSTEM, at=NOW)
    assert [error.pointer for error in refusal.value.errors] == [pointer]


LADDER = [
    {"key": "base", "name": "Base", "threshold_minor": 0},
    {"key": "silver", "name": "Silver", "threshold_minor": 100, "perks": {"prices": {"mug": 30}}},
    {"key": "gold", "name": "Gold", "threshold_minor": 200, "perks": {"prices": {"mug": 35, "gone": 1}}},
]


def of_tier(wallet: Any, key: str) -> Any:
    customer = member(wallet)
    TierMembership.objects.create(
        customer=customer, tier_key=key, qualifying_spend_minor=0, since=NOW, computed_at=NOW
    )
    return customer


@pytest.mark.parametrize(("tier", "price"), [("base", 50), ("silver", 30), ("gold", 30), ("zinc", 50)])
def test_a_tiers_own_price_is_shown_and_paid(wallet: Any, tier: str, price: int) -> None:
    """Nobody pays more for having climbed: the lowest price up to one's tier holds."""
    document = {"wallets": [{"key": "points", "name": "Points"}], "tiers": LADDER}
    draft = programs.save_draft(document=document, by=SYSTEM, at=NOW)
    programs.publish(revision=draft, by=SYSTEM, at=NOW)
    reward, customer = make_reward(), of_tier(wallet, tier)
    (seen,) = catalogue_queries.visible_to(customer, at=NOW)
    assert [(each.wallet, each.cost_points) for each in seen.prices] == [("points", price)]
    assert seen.cost_points == price
    assert catalogue_for.tier(tier, [reward]) == [PricedReward(reward, price)]
    # The reward itself keeps what it costs everybody: a save must not make one tier's price everyone's.
    assert reward.cost_points == 50
    redemption = take(customer, reward)
    assert (redemption.points, balance_of(customer)) == (price, (500 - price, 0))
    cancellations.cancel(redemption=redemption, reason="broken", by=SYSTEM, at=NOW)
    assert balance_of(customer) == (500, 0)
    reward.refresh_from_db()
    assert reward.cost_points == 50


def test_a_tiers_price_never_is_the_dearer_one_nor_of_another_wallet(wallet: Any) -> None:
    make_wallet("gems")
    ladder = [{"key": "gold", "name": "Gold", "threshold_minor": 0, "perks": {"prices": {"mug": 90}}}]
    wallets = [{"key": "points", "name": "Points"}, {"key": "gems", "name": "Gems"}]
    draft = programs.save_draft(document={"wallets": wallets, "tiers": ladder}, by=SYSTEM, at=NOW)
    programs.publish(revision=draft, by=SYSTEM, at=NOW)
    reward, customer = make_reward(prices={"gems": 3}), of_tier(wallet, "gold")
    (seen,) = catalogue_queries.visible_to(customer, at=NOW)
    assert [(each.wallet, each.cost_points) for each in seen.prices] == [("points", 50), ("gems", 3)]
    assert take(customer, reward).points == 50
