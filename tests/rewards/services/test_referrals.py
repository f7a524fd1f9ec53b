from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.models import Customer, Identity, Order, Person
from crm.services import merges
from rewards.domain.offers import ReferralTerms
from rewards.domain.policies import Pace, VelocityLimit
from rewards.locks import lock_accounts
from rewards.models import (
    AbuseReview,
    Account,
    CouponCode,
    CouponDefinition,
    LedgerTransaction,
    Referral,
    ReferralState,
    ReviewState,
    Wallet,
)
from rewards.services import (
    referral_codes,
    referral_programs,
    referral_qualifications,
    referral_states,
    referrals,
    reviews,
    velocity,
    verification,
)
from rewards.services.coupons import definitions
from tenants.domain.actors import SYSTEM
from tenants.errors import InvalidInput
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tests.rewards.coupons import make_definition
from tests.rewards.factories import NOW, make_customer, make_order, make_return, make_wallet, post

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def program(tenant: Tenant, other_tenant: Tenant) -> Any:
    """100 points for the referrer, a coupon for the friend, from a first order of 20.00 on."""
    with tenant_scope(other_tenant):
        make_wallet()
        set_up()
        refer(make_customer(), make_customer())
    with tenant_scope(tenant):
        make_wallet()
        set_up()
        yield
    with tenant_scope(other_tenant):
        assert Referral.objects.get().state == ReferralState.PENDING


def set_up(**changes: Any) -> None:
    make_definition("friend")
    values = {
        "referrer_points": 100, "referee_kind": "coupon", "referee_coupon": "friend",
        "minimum_order_minor": 2000, **changes,
    }  # fmt: skip
    referral_programs.save_program(terms=ReferralTerms(**values), by=SYSTEM, at=NOW)


def refer(referrer: Customer, referee: Customer, at: Any = NOW) -> Referral:
    code = referral_codes.code_of(customer=referrer, at=at).code
    return referrals.register(code=code.lower(), referee=referee, by=SYSTEM, at=at)


def place(customer: Customer, amount: int, at: Any = NOW + DAY) -> Any:
    order = make_order(customer, [("GROCERY", 2, amount)], at)
    referral_qualifications.by_orders([order.pk], by=SYSTEM, at=at)
    return order


def points_of(customer: Customer) -> int:
    return sum(Account.objects.filter(customer=customer).values_list("available", flat=True))


def test_both_sides_are_rewarded_when_the_first_order_is_large_enough() -> None:
    referrer, friend = make_customer(), make_customer()
    referral = refer(referrer, friend)
    assert (referral.state, refer(referrer, friend).pk) == (ReferralState.PENDING, referral.pk)
    order = place(friend, 2000)
    referral.refresh_from_db()
    assert (referral.state, referral.qualifying_order_id) == (ReferralState.REWARDED, order.pk)
    assert (points_of(referrer), CouponCode.objects.get(customer=friend).definition.key) == (100, "friend")
    assert referral_qualifications.by_orders([order.pk], by=SYSTEM, at=NOW) == 0
    assert points_of(referrer) == 100


def test_a_small_first_order_or_a_late_one_does_not_count() -> None:
    referrer, small, late = make_customer(), make_customer(), make_customer()
    for friend in (small, late):
        refer(referrer, friend)
    place(small, 1999)
    place(small, 9000, NOW + 2 * DAY)
    place(late, 9000, NOW + 91 * DAY)
    assert set(Referral.objects.values_list("state", flat=True)) == {ReferralState.PENDING}
    assert points_of(referrer) == 0


def test_the_minimum_is_money_of_the_tenant() -> None:
    referee = make_customer()
    referral = refer(make_customer(), referee)
    order = make_order(referee, [("A", 1, 9_000)], NOW + DAY)
    Order.objects.filter(pk=order.pk).update(currency="JPY")
    assert referral_qualifications.by_orders([order.pk], by=SYSTEM, at=NOW + DAY) == 0
    referral.refresh_from_db()
    assert referral.state == ReferralState.PENDING


def test_a_return_below_the_minimum_takes_the_rewards_back() -> None:
    referrer, friend = make_customer(), make_customer()
    refer(referrer, friend)
    order = place(friend, 4000)
    part = make_return(order, {1: 1}, NOW + 2 * DAY)
    assert referral_qualifications.take_back_returns([part.pk], by=SYSTEM, at=NOW) == 0
    rest = make_return(order, {1: 1}, NOW + 3 * DAY)
    assert referral_qualifications.take_back_returns([rest.pk], by=SYSTEM, at=NOW) == 1
    referral = Referral.objects.get()
    assert (referral.state, referral.reason, points_of(referrer)) == (ReferralState.REJECTED, "returned", 0)
    assert CouponCode.objects.get(code__gt="", source_id=None).customer is None
    assert referral_qualifications.take_back_returns([rest.pk], by=SYSTEM, at=NOW) == 0


def test_who_cannot_be_paid_holds_up_nobody_and_is_paid_later() -> None:
    """A friend's coupon that is gone, or one frozen account, must not undo a whole batch of orders."""
    frozen, referrer, *friends = (make_customer() for _ in range(4))
    post(frozen, Wallet.objects.get(), 1)
    (account,) = lock_accounts([Account.objects.get(customer=frozen).pk])
    account.frozen_at = NOW
    account.save(update_fields=["frozen_at"])
    for each, friend in zip((frozen, referrer), friends, strict=True):
        refer(each, friend)
    orders = [make_order(friend, [("GROCERY", 2, 3000)], NOW + DAY).pk for friend in friends]
    assert referral_qualifications.by_orders(orders, by=SYSTEM, at=NOW + DAY) == 2
    states = dict(Referral.objects.values_list("referrer", "state"))
    assert states == {frozen.pk: "qualified", referrer.pk: "rewarded"}
    assert Referral.objects.get(referrer=frozen).reason == "account_frozen"
    assert (points_of(referrer), CouponCode.objects.filter(customer__in=friends).count()) == (100, 2)
    assert referral_qualifications.reward_owed(by=SYSTEM, at=NOW + DAY) == 0
    verification.unfreeze(account=account, by=SYSTEM, at=NOW, reason="checked")
    assert referral_qualifications.reward_owed(by=SYSTEM, at=NOW + 2 * DAY) == 1
    assert (points_of(frozen), CouponCode.objects.filter(customer__in=friends).count()) == (101, 2)
    assert list(Referral.objects.values_list("state", "reason")) == [("rewarded", "")] * 2


def test_a_return_of_what_was_never_paid_in_full_takes_back_the_rest() -> None:
    referrer, friend = make_customer(), make_customer()
    refer(referrer, friend)
    definitions.switch_off(definition=CouponDefinition.objects.get(), by=SYSTEM, at=NOW)
    order = place(friend, 4000)
    row = Referral.objects.get()
    assert (row.state, row.reason, points_of(referrer)) == ("qualified", "not_found", 100)
    back = make_return(order, {1: 2}, NOW + 2 * DAY)
    assert referral_qualifications.take_back_returns([back.pk], by=SYSTEM, at=NOW + 2 * DAY) == 1
    assert (Referral.objects.get().state, points_of(referrer)) == ("rejected", 0)


def test_a_rewarded_referral_that_was_none_is_taken_back_once() -> None:
    referrer, friend = make_customer(), make_customer()
    referral = refer(referrer, friend)
    place(friend, 3000)
    with pytest.raises(InvalidInput):
        referrals.reject(referral=referral, reason=" ", by=SYSTEM, at=NOW)
    row = referrals.reject(referral=referral, reason="one flat", by=SYSTEM, at=NOW + 2 * DAY)
    assert (row.state, row.reason, points_of(referrer)) == (ReferralState.REJECTED, "one flat", 0)
    assert not CouponCode.objects.filter(customer=friend).exists()
    with pytest.raises(referral_states.WrongReferralState):
        referrals.reject(referral=referral, reason="again", by=SYSTEM, at=NOW + 2 * DAY)


@pytest.mark.parametrize("state", ["suspended", "anonymised"])
def test_only_active_customers_are_brought(state: str) -> None:
    gone = make_customer(state=state)
    with pytest.raises(InvalidInput) as refusal:
        refer(make_customer(), gone)
    assert [error.pointer for error in refusal.value.errors] == ["/customer"]


def test_the_same_person_under_another_name_is_rejected() -> None:
    referrer, friend = make_customer(), make_customer()
    Person.objects.create(customer=referrer, email="ann.lee@gmail.com")
    Identity.objects.create(customer=friend, kind="email", value="annlee+two@googlemail.com", created_at=NOW)
    referral = refer(referrer, friend)
    assert (referral.state, referral.findings) == (ReferralState.REJECTED, ["same_identity"])
    place(friend, 9000)
    assert points_of(referrer) == 0


@pytest.mark.parametrize("finding", ["same_device", "same_address"])
@pytest.mark.parametrize("is_approved", [True, False])
def test_what_families_share_waits_for_a_review(finding: str, is_approved: bool) -> None:
    referrer, friend = make_customer(), make_customer()
    for number, customer in enumerate((referrer, friend)):
        if finding == "same_device":
            Identity.objects.create(customer=customer, kind="anonymous_id" if number else "device",
                                    value="tablet", created_at=NOW)  # fmt: skip
        else:
            Person.objects.create(customer=customer, postcode=["10 115", "10115"][number], family_name="Lee")
    referral = refer(referrer, friend)
    assert (referral.state, referral.findings) == (ReferralState.IN_REVIEW, [finding])
    place(friend, 2000)
    assert points_of(referrer) == 0
    review = AbuseReview.objects.get()
    reviews.decide(review=review, is_approved=is_approved, reason="called them", by=SYSTEM, at=NOW)
    referral.refresh_from_db()
    assert (referral.state, points_of(referrer)) == (
        (ReferralState.REWARDED, 100) if is_approved else (ReferralState.REJECTED, 0)
    )
    with pytest.raises(reviews.AlreadyDecided):
        reviews.decide(review=review, is_approved=True, reason="again", by=SYSTEM, at=NOW)
    assert AuditEntry.objects.filter(action__startswith="review.").count() == 1


@pytest.mark.parametrize("is_friend_gone", [True, False])
def test_who_turns_out_to_be_the_same_person_is_paid_nothing(is_friend_gone: bool) -> None:
    referrer, friend = make_customer(), make_customer()
    for customer in (referrer, friend):
        Person.objects.create(customer=customer, postcode="10115", family_name="Lee")
    referral = refer(referrer, friend)
    place(friend, 2000)
    survivor, absorbed = (referrer, friend) if is_friend_gone else (friend, referrer)
    merges.merge(survivor=survivor, absorbed=absorbed, by=SYSTEM, at=NOW)
    approved = referrals.approve(referral=referral, by=SYSTEM, at=NOW)
    assert (approved.state, approved.reason) == (ReferralState.REJECTED, "same_identity")
    assert points_of(referrer) == points_of(friend) == 0
    assert not CouponCode.objects.filter(customer__isnull=False).exists()


def test_a_record_merged_away_is_paid_as_who_it_is_now() -> None:
    referrer, friend, brought_before = make_customer(), make_customer(), make_customer()
    for customer in (referrer, friend):
        Person.objects.create(customer=customer, postcode="10115", family_name="Lee")
    referral = refer(referrer, friend)
    place(friend, 2000)
    # The survivor was brought by somebody else already, so the friend's own referral stays where it is.
    refer(make_customer(), brought_before)
    merges.merge(survivor=brought_before, absorbed=friend, by=SYSTEM, at=NOW)
    assert referrals.approve(referral=referral, by=SYSTEM, at=NOW).state == ReferralState.REWARDED
    assert points_of(referrer) == 100
    assert CouponCode.objects.get(customer__isnull=False).customer_id == brought_before.pk


def test_a_review_without_a_reason_is_not_decided() -> None:
    limit = VelocityLimit(Pace.REFERRALS, 1, 1)
    velocity.save_limit(limit=limit, by=SYSTEM, at=NOW)
    referrer = make_customer()
    assert refer(referrer, make_customer()).state == ReferralState.PENDING
    assert refer(referrer, make_customer()).findings == ["velocity"]
    with pytest.raises(InvalidInput):
        reviews.decide(review=AbuseReview.objects.get(), is_approved=True, reason=" ", by=SYSTEM, at=NOW)
    assert AbuseReview.objects.get().state == ReviewState.OPEN
    with pytest.raises(InvalidInput):
        velocity.save_limit(limit=VelocityLimit(Pace.REFERRALS, 0, 1), by=SYSTEM, at=NOW)


def test_who_cannot_be_referred() -> None:
    referrer, friend, other = make_customer(), make_customer(), make_customer()
    with pytest.raises(InvalidInput) as refusal:
        refer(referrer, referrer)
    assert refusal.value.errors[0].code == "self_referral"
    refer(referrer, friend)
    with pytest.raises(referral_states.AlreadyReferred):
        refer(other, friend)
    with pytest.raises(InvalidInput):
        referrals.register(code="nobody", referee=other, by=SYSTEM, at=NOW)
    make_order(other, [("GROCERY", 1, 100)])
    with pytest.raises(referral_states.NotNewCustomer):
        refer(referrer, other)
    set_up_off = ReferralTerms(is_active=False, referrer_points=1, referee_points=1)
    referral_programs.save_program(terms=set_up_off, by=SYSTEM, at=NOW)
    with pytest.raises(referral_states.NoReferralProgram):
        refer(referrer, make_customer())


def test_further_levels_are_paid_only_where_the_program_says_so() -> None:
    top, middle, friend = make_customer(), make_customer(), make_customer()
    refer(top, middle)
    place(middle, 2000)
    refer(middle, friend)
    place(friend, 2000)
    assert (points_of(top), points_of(middle)) == (100, 100)
    set_up(upper_points=[20])
    last = make_customer()
    refer(friend, last)
    place(last, 2000)
    assert (points_of(friend), points_of(middle), points_of(top)) == (100, 120, 100)
    assert LedgerTransaction.objects.count() == 4


def test_an_event_can_be_what_counts() -> None:
    set_up(qualification="event", event_name="kyc_completed")
    assert referral_qualifications.by_orders([1], by=SYSTEM, at=NOW) == 0
    with pytest.raises(InvalidInput) as refusal:
        set_up(
            qualification="event", event_name=" ", referrer_points=0, within_days=0, upper_points=[1, 2, 3]
        )
    assert [error.pointer for error in refusal.value.errors] == [
        "/referrer_points", "/event_name", "/within_days", "/upper_points"
    ]  # fmt: skip


def test_who_was_brought_brings_nobody_back() -> None:
    """A pair, or a ring, would be paid on both sides for each other."""
    first, second, third = (make_customer() for _ in range(3))
    refer(first, second)
    refer(second, third)
    for referrer in (second, third):
        with pytest.raises(InvalidInput) as refusal:
            refer(referrer, first)
        assert [(each.pointer, each.code) for each in refusal.value.errors] == [
            ("/code", "circular_referral")
        ]
    rejected = Referral.objects.get(referee=second)
    referrals.reject(referral=rejected, reason="none of theirs", by=SYSTEM, at=NOW)
    assert refer(second, first).state == ReferralState.PENDING
