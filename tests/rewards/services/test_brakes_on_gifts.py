"""Emergency brakes on coupons and rewards: nothing is issued, and nothing earned meanwhile is lost."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from crm.models import Customer
from rewards import tasks
from rewards.domain.brakes import BrakeKind
from rewards.domain.effects import Earn
from rewards.models import (
    CouponCode,
    DecisionRecord,
    GiftKind,
    OwedGift,
    ProgramRevision,
    Redemption,
    RedemptionState,
    Referral,
    ReferralState,
    Reward,
)
from rewards.queries import catalogue
from rewards.queries.programs import bind
from rewards.services import (
    brakes,
    challenges,
    coupons,
    earning,
    owed_givings,
    programs,
    redemptions,
    referral_codes,
    referral_qualifications,
    referrals,
    simulations,
)
from rewards.services.errors import CouponPaused, RewardPaused
from rewards.services.ledger import Source
from rewards.services.owed_gifts import GIVEN
from rewards.services.simulations import CartLine
from tenants.domain.actors import SYSTEM
from tenants.models import Job, OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tests.rewards.challenge_worlds import ORDERS, challenge
from tests.rewards.factories import NOW, make_customer, make_order

pytestmark = pytest.mark.django_db
DOCUMENT: dict[str, Any] = {
    "wallets": [{"key": "points", "name": "Points"}],
    "rules": [
        {"key": "base", "name": "Base", "effects": [
            {"type": "points", "wallet": "points", "points": 5},
            {"type": "coupon", "coupon": "ten"},
            {"type": "reward", "reward": "mug"},
        ]},
    ],
    "coupons": [{"key": "ten", "name": "Ten", "kind": "percent", "percent_hundredths": 1000}],
    "coupon_campaigns": [{"key": "spring", "name": "Spring", "coupons": ["ten"]}],
    "rewards": [
        {"key": "mug", "name": "Mug", "kind": "product", "wallet": "points", "cost_points": 5},
        {"key": "voucher", "name": "Voucher", "kind": "coupon", "wallet": "points", "cost_points": 5,
         "coupon": "ten"},
    ],
}  # fmt: skip
WITHHELD = [
    {"effect": "coupon:ten", "reason": "coupon_paused", "owed": True},
    {"effect": "reward:mug", "reason": "reward_paused", "owed": True},
]


def publish(**changes: Any) -> None:
    draft = programs.save_draft(document={**DOCUMENT, **changes}, by=SYSTEM, at=NOW)
    programs.publish(revision=draft, by=SYSTEM, at=NOW)


def pull(kind: BrakeKind, key: str, **more: Any) -> None:
    brakes.pull(kind=kind, key=key, reason="attack", by=SYSTEM, **{"at": NOW, **more})


def buy(customer: Customer) -> dict[str, Any]:
    """Let the customer buy something; returns what the rule's outcome says."""
    earning.award_orders([make_order(customer, [("DAIRY", 1, 100)], NOW).pk], by=SYSTEM, at=NOW)
    (outcome,) = DecisionRecord.objects.latest("pk").record["rules"]
    return dict(outcome)


def issue(customer: Customer, source: str = "1") -> CouponCode:
    return coupons.issue(
        customer_id=customer.pk, definition_key="ten", source=Source("test", source), by=SYSTEM, at=NOW
    )


@pytest.mark.parametrize(("kind", "key"), [(BrakeKind.COUPON, "ten"), (BrakeKind.CAMPAIGN, "spring")])
def test_a_paused_coupon_is_not_issued_and_codes_that_are_out_stay(
    scope: Tenant, kind: BrakeKind, key: str
) -> None:
    publish()
    customer = make_customer()
    code = issue(customer)
    pull(kind, key, until=NOW + timedelta(hours=1))
    assert issue(customer) == code
    with pytest.raises(CouponPaused) as refusal:
        issue(customer, "2")
    assert (refusal.value.code, refusal.value.extra) == ("coupon_paused", {"key": "ten"})
    with pytest.raises(CouponPaused):
        redemptions.redeem(customer=customer, reward=Reward.objects.get(key="voucher"), by=SYSTEM, at=NOW)
    assert CouponCode.objects.get().state == "assigned"
    brakes.release(kind=kind, key=key, by=SYSTEM, at=NOW)
    assert issue(customer, "2") != code


def test_what_a_rule_could_not_give_is_told_and_made_up_for(scope: Tenant, other_tenant: Tenant) -> None:
    publish()
    pull(BrakeKind.COUPON, "ten")
    pull(BrakeKind.REWARD, "mug")
    customer = make_customer()
    outcome = buy(customer)
    assert (outcome["points"], outcome["withheld"]) == (5, WITHHELD)
    refused = OutboxMessage.objects.filter(topic="rewards.effect_refused")
    assert [message.payload["is_owed"] for message in refused] == [True, True]
    assert owed_givings.give(by=SYSTEM, at=NOW) == 0
    assert (CouponCode.objects.count(), Redemption.objects.count()) == (0, 0)
    brakes.release(kind=BrakeKind.COUPON, key="ten", by=SYSTEM, at=NOW)
    assert Job.objects.filter(kind="rewards.give_owed").count() == 1
    assert owed_givings.give(by=SYSTEM, at=NOW) == 1
    assert CouponCode.objects.get().customer == customer
    assert list(OwedGift.objects.order_by("pk").values_list("kind", "outcome")) == [
        ("coupon", GIVEN),
        ("reward", ""),
    ]
    brakes.release(kind=BrakeKind.REWARD, key="mug", by=SYSTEM, at=NOW)
    assert (owed_givings.give(by=SYSTEM, at=NOW), owed_givings.give(by=SYSTEM, at=NOW)) == (1, 0)
    assert Redemption.objects.get().state == RedemptionState.CONFIRMED
    assert buy(make_customer())["points"] == 5
    assert "withheld" not in DecisionRecord.objects.latest("pk").record["rules"][0]


def test_a_case_tells_what_brakes_would_keep_back(scope: Tenant) -> None:
    ten = [{"kind": "coupon", "coupon": "ten"}]
    goal = challenge({**ORDERS, "target": 1}, "once", rewards=ten)
    publish(challenges=[goal])
    pull(BrakeKind.CAMPAIGN, "spring")
    pull(BrakeKind.REWARD, "mug")
    customer = make_customer()
    order = make_order(customer, [("DAIRY", 1, 100)], NOW)
    in_force = bind(ProgramRevision.objects.get())
    imagined = simulations.of_cart(
        customer=customer, lines=[CartLine(100)], channel="", at=NOW, revision=in_force
    )
    for case in (imagined, simulations.of_order(order=order, revision=in_force)):
        assert [type(effect) for effect in case.effects] == [Earn]
        assert case.record["rules"][0]["withheld"] == WITHHELD
    assert imagined.outlook is not None
    (moved,) = imagined.outlook.challenges
    assert [each.to_json() for each in moved.kept_back] == WITHHELD[:1]
    # The brakes end with the publication of another revision, so a draft is asked without them.
    draft = programs.save_draft(document=DOCUMENT, by=SYSTEM, at=NOW)
    unbraked = simulations.of_order(order=order, revision=bind(draft))
    assert len(unbraked.effects) == 3
    assert "withheld" not in unbraked.record["rules"][0]


def test_what_is_owed_is_given_in_batches_that_a_dying_worker_does_not_lose(
    scope: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    pull(BrakeKind.COUPON, "ten")
    pull(BrakeKind.REWARD, "mug")
    for _ in range(3):
        buy(make_customer())
    for kind, key in ((BrakeKind.COUPON, "ten"), (BrakeKind.REWARD, "mug")):
        brakes.release(kind=kind, key=key, by=SYSTEM, at=NOW)
    monkeypatch.setattr(owed_givings, "MOST_AT_ONCE", 2)
    batch = owed_givings.give_batch(after=0, by=SYSTEM, at=NOW)
    assert (batch.settled, OwedGift.objects.filter(settled_at=None).count()) == (2, 4)
    hand_out = owed_givings._CARRY_OUT[GiftKind.COUPON]

    def dies(*_given: Any, **_options: Any) -> Any:
        raise SystemExit

    monkeypatch.setitem(owed_givings._CARRY_OUT, GiftKind.REWARD, dies)  # type: ignore[arg-type]
    with pytest.raises(SystemExit):
        owed_givings.give_batch(after=batch.last_id or 0, by=SYSTEM, at=NOW)
    assert OwedGift.objects.filter(settled_at=None).count() == 4
    monkeypatch.undo()
    assert owed_givings._CARRY_OUT[GiftKind.COUPON] is hand_out
    assert owed_givings.give(by=SYSTEM, at=NOW) == 4
    assert (CouponCode.objects.count(), Redemption.objects.count()) == (3, 3)
    assert owed_givings.give_batch(after=0, by=SYSTEM, at=NOW) == owed_givings.Settled()


def test_what_is_gone_after_the_brake_is_settled_with_the_reason(scope: Tenant) -> None:
    publish()
    pull(BrakeKind.COUPON, "ten")
    pull(BrakeKind.REWARD, "mug", until=NOW + timedelta(days=1))
    buy(make_customer())
    publish(coupons=[], coupon_campaigns=[], rewards=[DOCUMENT["rewards"][0]], rules=[])
    assert Job.objects.filter(kind="rewards.give_owed").count() == 1
    assert owed_givings.give(by=SYSTEM, at=NOW) == 2
    assert list(OwedGift.objects.order_by("pk").values_list("kind", "outcome")) == [
        ("coupon", "not_found"),
        ("reward", GIVEN),
    ]


def test_a_code_that_is_missing_is_told_and_not_owed(scope: Tenant) -> None:
    publish(coupons=[{**DOCUMENT["coupons"][0], "code_pattern": "A#", "has_checksum": False}])
    outcome = buy(make_customer())
    assert outcome["withheld"] == [{"effect": "coupon:ten", "reason": "no_codes"}]
    assert OwedGift.objects.count() == 0


def test_a_challenge_gives_its_coupons_after_the_release(scope: Tenant) -> None:
    ten = [{"kind": "coupon", "coupon": "ten"}]
    twice = challenge(ORDERS, "twice", rewards=ten, milestones=[{"at": 1, "rewards": ten}])
    publish(rules=[], challenges=[twice])
    pull(BrakeKind.COUPON, "ten")
    customer = make_customer()
    challenges.record_orders([make_order(customer, [("DAIRY", 1, 100)], NOW).pk], by=SYSTEM, at=NOW)
    owed = OwedGift.objects.get()
    assert (owed.giver_kind, owed.giver, owed.reason) == ("challenge", "twice", "coupon_paused")
    brakes.release(kind=BrakeKind.COUPON, key="ten", by=SYSTEM, at=NOW)
    # A milestone on the way is nothing that the hourly sweep of completed challenges would see.
    assert owed_givings.give(by=SYSTEM, at=NOW) == 1
    assert CouponCode.objects.filter(customer=customer).count() == 1
    assert OwedGift.objects.get().outcome == GIVEN
    pull(BrakeKind.COUPON, "ten")
    challenges.record_orders([make_order(customer, [("DAIRY", 1, 100)], NOW).pk], by=SYSTEM, at=NOW)
    brakes.release(kind=BrakeKind.COUPON, key="ten", by=SYSTEM, at=NOW)
    challenges.sweep(by=SYSTEM, at=NOW)
    assert CouponCode.objects.filter(customer=customer).count() == 2
    assert owed_givings.give(by=SYSTEM, at=NOW) == 1


@pytest.mark.parametrize("kind", [BrakeKind.REWARD, BrakeKind.COUPON])
def test_a_paused_reward_is_not_redeemed_and_says_so(scope: Tenant, kind: BrakeKind) -> None:
    publish()
    customer, rewards = make_customer(), {each.key: each for each in Reward.objects.all()}
    buy(customer)
    reserved = redemptions.reserve(customer=customer, reward=rewards["voucher"], by=SYSTEM, at=NOW)
    pull(kind, {BrakeKind.REWARD: "voucher", BrakeKind.COUPON: "ten"}[kind])
    with pytest.raises(RewardPaused if kind is BrakeKind.REWARD else CouponPaused):
        redemptions.reserve(customer=customer, reward=rewards["voucher"], by=SYSTEM, at=NOW)
    seen = {each.reward.key: each.reasons for each in catalogue.visible_to(customer, at=NOW)}
    expected = "paused" if kind is BrakeKind.REWARD else "coupon_paused"
    assert seen["voucher"][0] == expected
    assert expected not in seen["mug"]
    # What was reserved before can be confirmed.
    assert redemptions.confirm(redemption=reserved, by=SYSTEM, at=NOW).state == RedemptionState.FULFILLED


def test_brakes_of_another_tenant_pause_nothing(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        publish()
        pull(BrakeKind.COUPON, "ten")
    with tenant_scope(tenant):
        publish()
        assert issue(make_customer()).state == "assigned"


def test_a_referral_is_paid_after_the_release(scope: Tenant) -> None:
    publish(referral={"referrer_kind": "coupon", "referrer_coupon": "ten", "wallet": "points",
                      "referee_points": 10})  # fmt: skip
    referrer, friend = make_customer(), make_customer()
    code = referral_codes.code_of(customer=referrer, at=NOW).code
    referrals.register(code=code, referee=friend, by=SYSTEM, at=NOW)
    pull(BrakeKind.COUPON, "ten")
    order = make_order(friend, [("GROCERY", 1, 3000)], NOW + timedelta(days=1))
    referral_qualifications.by_orders([order.pk], by=SYSTEM, at=NOW + timedelta(days=1))
    row = Referral.objects.get()
    assert (row.state, row.reason) == (ReferralState.QUALIFIED, "coupon_paused")
    brakes.release(kind=BrakeKind.COUPON, key="ten", by=SYSTEM, at=NOW)
    assert referral_qualifications.reward_owed(by=SYSTEM, at=NOW + timedelta(days=1)) == 1
    assert CouponCode.objects.get().customer == referrer


def test_the_job_and_the_hourly_sweep_give_what_is_owed(tenant: Tenant, other_tenant: Tenant) -> None:
    now = timezone.now()
    for each in (tenant, other_tenant):
        with tenant_scope(each):
            publish()
            pull(BrakeKind.COUPON, "ten", at=now, until=now + timedelta(days=1))
            pull(BrakeKind.REWARD, "mug", at=now - timedelta(hours=2), until=now - timedelta(hours=1))
            buy(make_customer())
    tasks.sweep()
    with tenant_scope(other_tenant):
        assert CouponCode.objects.count() == 0
    with tenant_scope(tenant):
        brakes.release(kind=BrakeKind.COUPON, key="ten", by=SYSTEM, at=now)
    job: Any = SimpleNamespace(tenant=tenant, actor=SYSTEM, at=now, progress=lambda *_: None)
    assert tasks.give_owed(job=job) == {"settled": 1, "rewarded": 0}
    with tenant_scope(tenant):
        assert CouponCode.objects.count() == 1
