"""Merging customers: what this app keeps of them follows, and comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.models import Customer, CustomerMerge, MergedRow
from crm.queries import merges as merge_queries
from crm.services import merges
from rewards import receivers
from rewards.domain.offers import ReferralTerms
from rewards.domain.references import REFERENCES
from rewards.models import (
    ChallengeProgress,
    CouponCounter,
    CouponRecipient,
    CouponRedemption,
    Redemption,
    Referral,
    ReferralCode,
    RewardKind,
    TierMembership,
    Wallet,
)
from rewards.queries import merge_previews, reports
from rewards.queries import tiers as tier_queries
from rewards.services import (
    cancellations,
    catalogue,
    challenges,
    earning,
    redemption_states,
    redemptions,
    referral_codes,
    referral_programs,
    referrals,
    tiers,
)
from rewards.services.catalogue import RewardOffer
from rewards.services.coupons import campaigns
from rewards.services.coupons import redemptions as coupon_redemptions
from rewards.services.coupons.campaigns import CampaignTerms
from rewards.services.coupons.errors import CouponsRejected
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm.pictures import rows_of
from tests.rewards.challenge_worlds import LIVE, ORDERS, challenge, count_orders, progress_of, publish
from tests.rewards.coupons import make_definition, redeem
from tests.rewards.factories import balance_of, make_customer, make_order, post

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LINES = [("DAIRY", 2, 1000)]
LADDER = [
    {"key": "silver", "name": "Silver", "threshold_minor": 1000},
    {"key": "gold", "name": "Gold", "threshold_minor": 1_000_000},
]


@pytest.fixture(autouse=True)
def elsewhere(other_tenant: Tenant, tenant: Tenant) -> Any:
    """The other tenant has customers who did the same; nothing of theirs moves."""
    with tenant_scope(other_tenant):
        publish(challenge(ORDERS), tiers=LADDER)
        count_orders(make_order(make_customer(created_at=LIVE), LINES, NOW - DAY).pk)
        before = picture(*Customer.objects.all())
    with tenant_scope(tenant):
        publish(challenge(ORDERS), tiers=LADDER)
        yield
    with tenant_scope(other_tenant):
        assert picture(*Customer.objects.all()) == before


@pytest.fixture
def pair() -> tuple[Customer, Customer]:
    return make_customer(created_at=LIVE), make_customer(created_at=LIVE)


def picture(*people: Customer) -> list[dict[str, Any]]:
    """Everything of these customers by table and column, save the ledger's own books."""
    references = [each for each in REFERENCES if each.table not in {"rewards_account", "rewards_tierchange"}]
    return [
        {each.name: rows_of(each.table, each.column, customer.pk) for each in references}
        for customer in people
    ]


def merged(survivor: Customer, absorbed: Customer) -> CustomerMerge:
    merge = merges.merge(survivor=survivor, absorbed=absorbed, by=SYSTEM, at=NOW)
    receivers.recount_challenges(payload={"survivor_id": survivor.pk}, at=NOW)
    return merge


def separated(merge: CustomerMerge) -> None:
    merges.unmerge(merge=merge, by=SYSTEM, at=NOW)
    payload = {"survivor_id": merge.survivor_id, "absorbed_id": merge.absorbed_id}
    receivers.recount_challenges_apart(payload=payload, at=NOW)


def order(customer: Customer, days: int) -> None:
    count_orders(make_order(customer, LINES, NOW - DAY * days).pk)


def counters() -> dict[str, int]:
    return dict(CouponCounter.objects.values_list("key", "uses"))


def test_progress_of_both_completes_together_and_comes_apart_again(pair: tuple[Customer, Customer]) -> None:
    ann, anne = pair
    order(ann, 3)
    order(anne, 2)
    before = picture(ann, anne)
    merge = merged(ann, anne)
    assert progress_of(ann) == [("1", "rewarded", 2)]
    assert (balance_of(ann)[0], progress_of(anne)) == (100, [])
    separated(merge)
    assert (progress_of(ann), progress_of(anne)) == ([("1", "in_progress", 1)], [("1", "in_progress", 1)])
    assert balance_of(ann)[0] == 0
    # The ledger knows the taken back gift for ever: what is earned again is given under another round.
    ChallengeProgress.objects.filter(customer=ann).update(round=0)
    assert picture(ann, anne) == before
    ChallengeProgress.objects.filter(customer=ann).update(round=1)
    merged(ann, anne)
    assert (progress_of(ann), balance_of(ann)[0]) == ([("1", "rewarded", 2)], 100)


def test_what_either_was_given_is_not_given_again(pair: tuple[Customer, Customer]) -> None:
    ann, anne = pair
    for days, customer in enumerate((ann, anne, ann, anne), start=1):
        order(customer, days)
    before = picture(ann, anne)
    merge = merged(ann, anne)
    (row,) = ChallengeProgress.objects.filter(customer=ann)
    assert (row.state, row.value, len(row.grants), balance_of(ann)[0]) == ("rewarded", 4, 2, 200)
    assert challenges.recount(customer_ids=[ann.pk], by=SYSTEM, at=NOW).given == 0
    separated(merge)
    assert picture(ann, anne) == before
    assert (balance_of(ann)[0], balance_of(anne)[0]) == (100, 100)
    assert not MergedRow.objects.exists()


def test_orders_since_the_merge_stay_with_the_survivor(pair: tuple[Customer, Customer]) -> None:
    ann, anne = pair
    order(anne, 3)
    merge = merged(ann, anne)
    order(ann, 1)
    assert (progress_of(ann), balance_of(ann)[0]) == ([("1", "rewarded", 2)], 100)
    separated(merge)
    assert (progress_of(ann), progress_of(anne)) == ([("1", "in_progress", 1)], [("1", "in_progress", 1)])
    assert balance_of(ann)[0] == 0


def test_the_better_tier_holds_and_the_history_says_why(pair: tuple[Customer, Customer]) -> None:
    ann, anne = pair
    make_order(ann, LINES, NOW - DAY)
    tiers.refresh(customer_ids=[ann.pk], at=NOW - DAY)
    tiers.lock(customer=anne, tier_key="gold", until=NOW + DAY, reason="VIP", by=SYSTEM, at=NOW - DAY)
    before = picture(ann, anne)
    preview = {row.label: row for row in merge_previews.rows(ann.pk, anne.pk)}["Tier"]
    assert (preview.survivor, preview.absorbed, preview.merged) == ("Silver", "Gold", "Gold")
    merge = merged(ann, anne)
    row = TierMembership.objects.get()
    assert (row.customer_id, row.tier_key, row.locked_until) == (ann.pk, "gold", NOW + DAY)
    assert {each.to_key for each in tier_queries.history_of(ann.pk)} == {"silver", "gold"}
    separated(merge)
    assert picture(ann, anne) == before
    moves = [(each.move, each.from_key, each.to_key) for each in tier_queries.history_of(ann.pk)[:2]]
    assert moves == [("merged", "gold", "silver"), ("merged", "silver", "gold")]


def test_a_lock_set_since_the_merge_stays(pair: tuple[Customer, Customer]) -> None:
    ann, anne = pair
    for customer in pair:
        make_order(customer, LINES, NOW - DAY)
    tiers.recompute(at=NOW - DAY)
    merge = merged(ann, anne)
    later = NOW + DAY
    tiers.lock(customer=ann, tier_key="gold", until=later + DAY, reason="VIP", by=SYSTEM, at=later)
    separated(merge)
    held = dict(TierMembership.objects.values_list("customer_id", "tier_key"))
    assert held == {ann.pk: "gold", anne.pk: "silver"}


def test_a_tier_comes_with_the_merge(pair: tuple[Customer, Customer]) -> None:
    ann, anne = pair
    make_order(anne, LINES, NOW - DAY)
    tiers.recompute(at=NOW - DAY)
    before = picture(ann, anne)
    merge = merged(ann, anne)
    assert TierMembership.objects.get().customer_id == ann.pk
    separated(merge)
    assert picture(ann, anne) == before


def test_limits_of_a_customer_count_what_both_used(pair: tuple[Customer, Customer]) -> None:
    ann, anne = pair
    campaign = campaigns.save(key="spring", terms=CampaignTerms(name="Spring"), by=SYSTEM, at=NOW)
    make_definition("tea", code="TEA", uses_per_code=None, uses_per_customer=2, campaign=campaign)
    CouponRecipient.objects.bulk_create(
        CouponRecipient(campaign=campaign, customer=each, received_at=NOW) for each in pair
    )
    mine, theirs = redeem("TEA", customer=ann), redeem("TEA", customer=anne)
    before, counted = picture(ann, anne), counters()
    assert sorted(counted.values()) == [1, 1]
    merge = merged(ann, anne)
    assert (CouponRedemption.objects.filter(customer=ann).count(), sorted(counters().values())) == (2, [0, 2])
    with pytest.raises(CouponsRejected):
        redeem("TEA", customer=ann)
    assert CouponRecipient.objects.get().customer_id == ann.pk
    separated(merge)
    assert (picture(ann, anne), counters()) == (before, counted)
    again = merged(ann, anne)
    theirs.refresh_from_db()
    coupon_redemptions.roll_back(redemption=theirs, by=SYSTEM, at=NOW)
    assert sorted(counters().values()) == [0, 1]
    separated(again)
    assert counters() == {key: int(str(ann.pk) in key.split(":")) for key in counted}
    coupon_redemptions.roll_back(redemption=mine, by=SYSTEM, at=NOW)
    assert set(counters().values()) == {0}


def test_redemptions_and_their_limit_follow(pair: tuple[Customer, Customer]) -> None:
    ann, anne = pair
    wallet = Wallet.objects.get()
    for each in pair:
        post(each, wallet, 200)
    mug = catalogue.save_reward(
        key="mug", name="Mug", kind=RewardKind.PRODUCT, wallet_key="points", cost_points=50,
        offer=RewardOffer(limit_per_customer=1), by=SYSTEM, at=NOW,
    )  # fmt: skip
    taken = redemptions.redeem(customer=anne, reward=mug, by=SYSTEM, at=NOW)
    before, counted = picture(ann, anne), counters()
    merge = merged(ann, anne)
    with pytest.raises(redemption_states.RewardLimitReached):
        redemptions.redeem(customer=ann, reward=mug, by=SYSTEM, at=NOW)
    assert Redemption.objects.get().customer_id == ann.pk
    separated(merge)
    assert picture(ann, anne) == before
    assert {key: uses for key, uses in counters().items() if uses} == counted
    merged(ann, anne)
    taken.refresh_from_db()
    cancellations.cancel(redemption=taken, by=SYSTEM, at=NOW, reason="Broken")
    assert (set(counters().values()), balance_of(ann)[0]) == ({0}, 400)


def test_referrals_follow_and_nobody_brings_oneself(pair: tuple[Customer, Customer]) -> None:
    ann, anne = pair
    friends = [make_customer() for _ in range(3)]
    terms = ReferralTerms(referrer_points=100, referee_points=50)
    referral_programs.save_program(terms=terms, by=SYSTEM, at=NOW)
    code_by_name = {
        each.pk: referral_codes.code_of(customer=each, at=NOW).code for each in (ann, anne, friends[2])
    }

    def bring(referrer: Customer, referee: Customer) -> None:
        referrals.register(code=code_by_name[referrer.pk], referee=referee, by=SYSTEM, at=NOW)

    bring(ann, anne)
    bring(anne, friends[0])
    bring(friends[2], ann)
    before = picture(ann, anne)
    merge = merged(ann, anne)
    pairs = set(Referral.objects.values_list("referrer_id", "referee_id"))
    assert pairs == {(ann.pk, anne.pk), (ann.pk, friends[0].pk), (friends[2].pk, ann.pk)}
    # Both codes are out there, and both still bring friends to the one who is left.
    assert ReferralCode.objects.count() == 3
    bring(anne, friends[1])
    assert Referral.objects.get(referee=friends[1]).referrer_id == ann.pk
    Referral.objects.filter(referee=friends[1]).delete()
    separated(merge)
    assert picture(ann, anne) == before


def test_a_code_comes_with_the_merge(pair: tuple[Customer, Customer]) -> None:
    ann, anne = pair
    code = referral_codes.code_of(customer=anne, at=NOW).code
    merge = merged(ann, anne)
    assert referral_codes.code_of(customer=ann, at=NOW).code == code
    separated(merge)
    assert referral_codes.code_of(customer=anne, at=NOW).code == code


def test_the_preview_names_what_follows(pair: tuple[Customer, Customer]) -> None:
    ann, anne = pair
    assert merge_previews.rows(ann.pk, anne.pk) == []
    for days, customer in enumerate((ann, anne, ann, anne), start=1):
        order(customer, days)
    found = {
        row.label: (row.survivor, row.absorbed, row.merged) for row in merge_previews.rows(ann.pk, anne.pk)
    }
    assert found == {"Challenges completed": ("1", "1", "1")}
    shown = merge_queries.preview(ann, anne, choices={}, at=NOW).rows
    assert "Challenges completed" in {row.label for row in shown}


def test_decisions_of_a_merged_record_are_read_with_the_survivor(pair: tuple[Customer, Customer]) -> None:
    ann, anne = pair
    earning.award_orders([make_order(anne, LINES, NOW - DAY).pk], by=SYSTEM, at=NOW)
    merge = merged(ann, anne)
    assert reports.decisions_of(ann.pk).count() == 1
    separated(merge)
    assert (reports.decisions_of(ann.pk).count(), reports.decisions_of(anne.pk).count()) == (0, 1)
