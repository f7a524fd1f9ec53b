from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.services import segment_lists, segments
from rewards.domain.carts import Cart, CartLine
from rewards.models import (
    CodeState,
    CouponCode,
    CouponCounter,
    CouponKind,
    CouponPeriod,
    CouponRedemption,
    CouponRedemptionState,
    CouponUse,
)
from rewards.services import coupons
from rewards.services.coupons import campaigns, carts, issuing, merging, redemptions
from rewards.services.coupons.errors import CouponsRejected, TooManyCodes, WrongCouponState
from rewards.services.guesses import TooManyGuesses
from rewards.services.ledger import Source
from tenants.domain.actors import SYSTEM
from tenants.errors import NotFound
from tenants.models import OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tests.rewards.coupons import make_definition, reasons, redeem, request
from tests.rewards.factories import NOW, make_customer, make_item

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def elsewhere(other_tenant: Tenant, tenant: Tenant) -> Any:
    """The other tenant has the same codes, used up; ours are not touched by that."""
    with tenant_scope(other_tenant):
        make_definition(code="WELCOME", uses_per_code=1)
        redeem("WELCOME")
    with tenant_scope(tenant):
        yield


def state_of(code: str) -> tuple[str, int, int | None]:
    row = CouponCode.objects.get(code=code)
    return row.state, row.uses, row.balance_minor


def counters() -> dict[str, tuple[int, int]]:
    rows = CouponCounter.objects.values_list("key", "uses", "discount_minor")
    return {key.split(":", 1)[0] + ":" + key.split(":", 2)[-1]: (u, d) for key, u, d in rows}


def test_a_cart_with_several_codes_is_redeemed_in_one_call() -> None:
    make_definition(code="ten", uses_per_code=5)
    make_definition(code="ship", kind=CouponKind.SHIPPING, uses_per_code=1)
    redemption = redeem("TEN", " ship ", order_reference="o-1")
    assert (redemption.state, redemption.discount_minor) == (CouponRedemptionState.REDEEMED, 500)
    assert redemption.lines == [
        {"sku": "tea", "quantity": 2, "amount_minor": 2000, "discounts": {"TEN": 200}}
    ]
    assert state_of("TEN") == (CodeState.REDEEMED, 1, None)
    assert state_of("SHIP") == (CodeState.EXHAUSTED, 1, None)
    assert OutboxMessage.objects.get(topic="rewards.coupons_redeemed").payload == {
        "coupon_redemption_id": redemption.pk
    }


def test_one_bad_code_and_nothing_is_taken() -> None:
    make_definition(code="good", limit_uses=10)
    make_definition(code="dear", minimum_spend_minor=5000)
    with pytest.raises(CouponsRejected) as refusal:
        redeem("good", "dear", "nobody", "good")
    assert refusal.value.extra["codes"] == [
        {"code": "DEAR", "reasons": [{"reason": "minimum_spend", "missing": 3000}]},
        {"code": "NOBODY", "reasons": [{"reason": "unknown_code"}]},
        {"code": "GOOD", "reasons": [{"reason": "duplicate_code"}]},
    ]
    assert state_of("GOOD") == (CodeState.AVAILABLE, 0, None)
    assert (CouponRedemption.objects.count(), CouponUse.objects.count(), CouponCounter.objects.count()) == (
        0,
        0,
        0,
    )


def test_a_retry_finds_the_first_redemption() -> None:
    make_definition(code="once", uses_per_code=1)
    first, again = redeem("once", source="k"), redeem("once", source="k")
    assert (first.pk, state_of("ONCE")[1]) == (again.pk, 1)
    with pytest.raises(CouponsRejected) as refusal:
        redeem("once", source="other")
    assert reasons(refusal) == [("ONCE", "exhausted")]


@pytest.mark.parametrize(
    ("limits", "allowed", "reason"),
    [
        ({"uses_per_customer": 2}, 2, "customer_limit"),
        ({"uses_per_period": 1, "period": CouponPeriod.DAY}, 1, "period_limit"),
        ({"limit_uses": 3}, 3, "offer_limit"),
        ({"limit_discount_minor": 450}, 2, "offer_budget"),
    ],
)
def test_limits_are_counted_and_given_back(limits: dict[str, Any], allowed: int, reason: str) -> None:
    make_definition(code="lim", uses_per_code=None, **limits)
    customer = make_customer()
    taken = [redeem("lim", customer=customer) for _ in range(allowed)]
    with pytest.raises(CouponsRejected) as refusal:
        redeem("lim", customer=customer)
    assert reasons(refusal) == [("LIM", reason)]
    redemptions.roll_back(redemption=taken[0], by=SYSTEM, at=NOW, reason="returned")
    assert redeem("lim", customer=customer).discount_minor == 200
    for counter in CouponCounter.objects.all():
        assert (counter.uses, counter.discount_minor) == (allowed, allowed * 200)


def test_a_period_begins_anew_at_the_tenants_midnight() -> None:
    make_definition(code="daily", uses_per_code=None, uses_per_period=1, period=CouponPeriod.DAY)
    customer = make_customer()
    midnight = NOW.replace(hour=4, minute=0, second=0)  # New York, daylight saving
    redeem("daily", customer=customer, at=midnight - timedelta(seconds=1))
    redeem("daily", customer=customer, at=midnight)
    with pytest.raises(CouponsRejected):
        redeem("daily", customer=customer, at=midnight + timedelta(hours=23))


def test_two_codes_of_one_campaign_share_its_budget_within_a_call() -> None:
    terms = campaigns.CampaignTerms(name="Spring", limit_discount_minor=350)
    campaign = campaigns.save(key="spring", terms=terms, by=SYSTEM, at=NOW)
    for code in ("one", "two"):
        make_definition(code=code, campaign=campaign, uses_per_code=None)
    with pytest.raises(CouponsRejected) as refusal:
        redeem("one", "two")
    assert refusal.value.extra["codes"] == [
        {"code": "TWO", "reasons": [{"reason": "campaign_budget", "missing": 30}]}
    ]
    assert redeem("one").discount_minor == 200
    assert CouponCounter.objects.get(key=f"campaign:{campaign.pk}").discount_minor == 200


def test_a_targeted_campaign_is_for_its_recipients() -> None:
    terms = campaigns.CampaignTerms(name="Mailing", is_targeted=True, ends_at=NOW + DAY)
    campaign = campaigns.save(key="mailing", terms=terms, by=SYSTEM, at=NOW)
    make_definition(code="mail", campaign=campaign, uses_per_code=None)
    invited, other = make_customer(), make_customer()
    assert campaigns.add_recipients(campaign=campaign, customer_ids=[invited.pk, invited.pk], at=NOW) == 1
    redeem("mail", customer=invited)
    for customer, at, reason in ((other, NOW, "not_targeted"), (None, NOW, "customer_required"),
                                 (invited, NOW + DAY, "expired")):  # fmt: skip
        with pytest.raises(CouponsRejected) as refusal:
            redeem("mail", customer=customer, at=at)
        assert reasons(refusal) == [("MAIL", reason)]


def test_stored_value_is_spent_in_parts_and_restored() -> None:
    make_definition("card", kind=CouponKind.STORED_VALUE, amount_minor=3000, uses_per_code=None)
    customer = make_customer()
    card = coupons.issue(
        customer_id=customer.pk, definition_key="card", source=Source("test", "card"), by=SYSTEM, at=NOW
    )
    first = redeem(card.code, customer=customer)
    assert (first.discount_minor, state_of(card.code)) == (2300, (CodeState.REDEEMED, 1, 700))
    second = redeem(card.code, customer=customer)
    assert (second.discount_minor, state_of(card.code)) == (700, (CodeState.EXHAUSTED, 2, 0))
    with pytest.raises(CouponsRejected) as refusal:
        redeem(card.code, customer=customer)
    assert reasons(refusal) == [(card.code, "exhausted")]
    redemptions.roll_back(redemption=first, by=SYSTEM, at=NOW)
    assert state_of(card.code) == (CodeState.REDEEMED, 1, 2300)
    with pytest.raises(WrongCouponState):
        redemptions.roll_back(redemption=first, by=SYSTEM, at=NOW)


def test_a_reservation_holds_until_its_time_and_is_given_back_after() -> None:
    make_definition(code="last", uses_per_code=1, limit_uses=1)
    held = carts.reserve(request=request("last"), by=SYSTEM, at=NOW, ttl=timedelta(minutes=5))
    assert (held.state, state_of("LAST")[:2]) == (CouponRedemptionState.RESERVED, (CodeState.EXHAUSTED, 1))
    with pytest.raises(CouponsRejected):
        redeem("last", at=NOW + timedelta(minutes=4))
    assert redemptions.release_overdue(by=SYSTEM, at=NOW + timedelta(minutes=4)) == 0
    assert redemptions.release_overdue(by=SYSTEM, at=NOW + timedelta(minutes=5)) == 1
    held.refresh_from_db()
    assert (held.state, state_of("LAST")[:2]) == (CouponRedemptionState.RELEASED, (CodeState.AVAILABLE, 0))
    assert redeem("last").state == CouponRedemptionState.REDEEMED


def test_a_confirmed_reservation_stays() -> None:
    make_definition(code="c", uses_per_code=1)
    held = carts.reserve(request=request("c"), by=SYSTEM, at=NOW)
    done = redemptions.confirm(redemption=held, order_reference="o-7", by=SYSTEM, at=NOW + DAY)
    assert (done.state, done.order_reference, done.expires_at) == ("redeemed", "o-7", None)
    assert redemptions.release_overdue(by=SYSTEM, at=NOW + 2 * DAY) == 0
    with pytest.raises(WrongCouponState):
        redemptions.release(redemption=done, by=SYSTEM, at=NOW)


def test_items_segments_and_categories_of_the_catalogue_decide() -> None:
    milk, bread = make_item("DAIRY"), make_item("BAKERY")
    vip = segments.create(key="vip", name="VIP", kind="static", by=SYSTEM, at=NOW)
    make_definition(code="milk", skus=[milk.external_id], uses_per_code=None)
    make_definition(code="bakery", categories=["BAKERY"], segments=["vip"], uses_per_code=None)
    customer = make_customer()
    cart = Cart([CartLine(milk.external_id, 1, 100), CartLine(bread.external_id, 1, 1000)])
    with pytest.raises(CouponsRejected) as refusal:
        redeem("milk", "bakery", cart=cart, customer=customer)
    assert reasons(refusal) == [("BAKERY", "segment")]
    segment_lists.add_members(segment=vip, customer_ids=[customer.pk], by=SYSTEM, at=NOW)
    redemption = redeem("milk", "bakery", cart=cart, customer=customer)
    assert [line["discounts"] for line in redemption.lines] == [{"MILK": 10}, {"BAKERY": 100}]
    with pytest.raises(CouponsRejected) as refusal:
        redeem("milk", cart=Cart([CartLine(bread.external_id, 1, 1000)]))
    assert reasons(refusal) == [("MILK", "no_eligible_items")]


def test_the_outdone_code_of_a_group_is_not_used() -> None:
    make_definition(code="ten", uses_per_code=1, exclusive_group="g")
    make_definition(code="twenty", uses_per_code=1, exclusive_group="g", percent_hundredths=2000)
    assert redeem("ten", "twenty").discount_minor == 400
    assert (state_of("TEN")[1], state_of("TWENTY")[1]) == (0, 1)


def test_codes_that_refuse_one_another_are_refused() -> None:
    make_definition(code="ten", is_exclusive=True, on_conflict="refuse")
    make_definition(code="five")
    with pytest.raises(CouponsRejected) as refusal:
        redeem("ten", "five")
    assert reasons(refusal) == [("TEN", "not_combinable"), ("FIVE", "not_combinable")]


def test_validating_writes_nothing_and_says_the_price() -> None:
    make_definition(code="ten", limit_uses=1)
    evaluation = carts.validate(request=request("ten"), by=SYSTEM, at=NOW)
    assert (evaluation.is_valid, evaluation.priced.total_minor) == (True, 2100)
    assert CouponCounter.objects.count() == 0
    with pytest.raises(TooManyCodes):
        carts.validate(request=request(*map(str, range(11))), by=SYSTEM, at=NOW)


def test_a_code_is_issued_once_for_a_source_and_is_its_customers() -> None:
    make_definition("gift", valid_days=1)
    customer, other = make_customer(), make_customer()
    code, again = [
        coupons.issue(
            customer_id=customer.pk, definition_key="gift", source=Source("t", "1"), by=SYSTEM, at=NOW
        )
        for _ in range(2)
    ]
    assert (code.pk, code.state) == (again.pk, CodeState.ASSIGNED)
    # The end of tomorrow in New York.
    assert code.expires_at == NOW.replace(day=16, hour=4, minute=0, second=0)
    for who, at, reason in ((other, NOW, "other_customer"), (customer, code.expires_at, "expired")):
        with pytest.raises(CouponsRejected) as refusal:
            redeem(code.code, customer=who, at=at)
        assert reasons(refusal) == [(code.code, reason)]
    with pytest.raises(NotFound):
        coupons.issue(customer_id=customer.pk, definition_key="x", source=Source("t", "2"), by=SYSTEM, at=NOW)


def test_pain_codes_follow_their_owner_through_a_merge_and_back() -> None:
    make_definition("gift")
    first, second, third = make_customer(), make_customer(), make_customer()
    source = Source("t", "1")
    code = coupons.issue(customer_id=first.pk, definition_key="gift", source=source, by=SYSTEM, at=NOW)
    assert merging.merge(survivor_id=second.pk, absorbed_id=first.pk) == 1
    assert merging.merge(survivor_id=third.pk, absorbed_id=second.pk) == 1
    redeem(code.code, customer=third)
    assert merging.unmerge(survivor_id=third.pk, absorbed_id=first.pk) == 0
    assert merging.unmerge(survivor_id=third.pk, absorbed_id=second.pk) == 1
    assert merging.unmerge(survivor_id=second.pk, absorbed_id=first.pk) == 1
    code.refresh_from_db()
    assert (code.customer_id, code.former_owners, code.state) == (first.pk, [], CodeState.EXHAUSTED)


def test_a_void_code_stays_void_when_its_use_comes_back() -> None:
    make_definition(code="v", uses_per_code=2)
    redemption = redeem("v")
    issuing.void(text="v", reason="leaked", by=SYSTEM, at=NOW)
    redemptions.roll_back(redemption=redemption, by=SYSTEM, at=NOW)
    assert state_of("V")[:2] == (CodeState.VOID, 0)
    with pytest.raises(CouponsRejected) as refusal:
        redeem("v")
    assert reasons(refusal) == [("V", "void")]


def test_expired_codes_are_marked_late_and_unused_ones_freed() -> None:
    definition = make_definition("gift", valid_days=1)
    customer = make_customer()
    source = Source("t", "1")
    coupons.issue(customer_id=customer.pk, definition_key="gift", source=source, by=SYSTEM, at=NOW)
    assert (issuing.expire_batch(at=NOW), issuing.expire_batch(at=NOW + 2 * DAY)) == (0, 1)
    issuing.reserve_code(definition=definition, source=Source("t", "2"), at=NOW)
    assert issuing.free_lapsed(at=NOW) == 0
    assert issuing.free_lapsed(at=NOW + DAY) == 1
    states = CouponCode.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == [CodeState.EXPIRED, CodeState.AVAILABLE]


def test_a_shopper_who_guesses_codes_is_stopped_and_others_are_not() -> None:
    make_definition(code="real", uses_per_code=None)
    for number in range(5):
        carts.validate(request=request(f"x{number}", "y", client="eve"), by=SYSTEM, at=NOW)
    with pytest.raises(TooManyGuesses):
        carts.validate(request=request("real", client="eve"), by=SYSTEM, at=NOW)
    assert redeem("real", client="adam").discount_minor == 200
    for _ in range(10):
        with pytest.raises(CouponsRejected):
            redeem("nothing", client="cain")
    with pytest.raises(TooManyGuesses):
        redeem("real", client="cain")
