from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from crm.models import Customer, Event, Order, Segment, SegmentKind, SegmentMember
from crm.services import segments
from rewards.domain.presets import PRESETS, traffic
from rewards.models import (
    ChallengeParticipation,
    ChallengeProgress,
    CouponDefinition,
    CouponRedemption,
    LedgerEntry,
    ProgramRevision,
    Redemption,
    RedemptionState,
    Referral,
    ReferralProgram,
    ReferralState,
    Reward,
    RewardKind,
)
from rewards.queries import governed
from rewards.services import catalogue, preset_traffic, presets, programs, verification
from rewards.services.errors import GovernedByProgram
from rewards.services.sample_members import Played
from tenants.domain.actors import SYSTEM
from tenants.errors import NotFound
from tenants.models import Membership, OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW


def small(key: str, monkeypatch: pytest.MonkeyPatch, members: int = 12) -> None:
    preset = PRESETS[key]
    smaller = replace(preset, traffic=replace(preset.traffic, members=members, looking_share=0.3))
    monkeypatch.setattr(preset_traffic, "preset", lambda _key: smaller)


@pytest.mark.parametrize("key", PRESETS)
def test_every_preset_installs_once(scope: Tenant, key: str) -> None:
    published = presets.install(key=key, by=SYSTEM, at=NOW, in_force_from=NOW - timedelta(days=91))
    preset = PRESETS[key]
    assert published.published_at == NOW - timedelta(days=91)
    assert Reward.objects.count() == len(preset.rewards)
    assert CouponDefinition.objects.count() == len(preset.coupons)
    assert Segment.objects.count() == len(preset.segments)
    assert ReferralProgram.objects.count() == (preset.referral is not None)
    handed_out = {
        reward.key: reward.coupon_definition.key if reward.coupon_definition else ""
        for reward in Reward.objects.select_related("coupon_definition")
    }
    assert handed_out == {reward.key: reward.coupon for reward in preset.rewards}
    assert all(governed.governs_reward(reward) for reward in handed_out)
    assert all(governed.governs_coupon(coupon.key) for coupon in preset.coupons)
    assert governed.governs_referral() == (preset.referral is not None)
    with pytest.raises(presets.ProgramExists):
        presets.install(key=key, by=SYSTEM, at=NOW)
    assert ProgramRevision.objects.count() == 1


def test_a_presets_offers_are_changed_by_the_next_revision_and_come_back_with_the_first(
    scope: Tenant,
) -> None:
    first = presets.install(key="ecommerce", by=SYSTEM, at=NOW)
    bag = Reward.objects.get(key="tote-bag")
    with pytest.raises(GovernedByProgram):
        catalogue.save_reward(
            key=bag.key, name="Bag", kind=RewardKind.PRODUCT, wallet_key="points", cost_points=1,
            by=SYSTEM, at=NOW,
        )  # fmt: skip
    catalogue.set_stock(reward=bag, stock=7, by=SYSTEM, at=NOW)
    changed = deepcopy(first.document)
    next(each for each in changed["rewards"] if each["key"] == "tote-bag")["cost_points"] = 301
    changed["coupons"] = [each for each in changed["coupons"] if each["key"] != "free-shipping"]
    changed["rewards"] = [each for each in changed["rewards"] if each["key"] != "free-shipping"]
    draft = programs.save_draft(document=changed, by=SYSTEM, at=NOW)
    programs.publish(revision=draft, by=SYSTEM, at=NOW)
    bag.refresh_from_db()
    assert (bag.cost_points, bag.stock) == (301, 7)
    assert not CouponDefinition.objects.get(key="free-shipping").is_active
    first.refresh_from_db()
    programs.roll_back(to=first, by=SYSTEM, at=NOW)
    bag.refresh_from_db()
    assert (bag.cost_points, bag.stock) == (300, 7)
    assert CouponDefinition.objects.get(key="free-shipping").is_active


def test_a_presets_program_brings_its_offers_to_another_tenant(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(tenant):
        document = presets.install(key="education", by=SYSTEM, at=NOW).document
        offered = sorted(Reward.objects.values_list("key", "cost_points"))
    with tenant_scope(other_tenant):
        for segment in PRESETS["education"].segments:
            segments.create(
                key=segment.key, name="S", kind=SegmentKind.RULE, rule=segment.rule, by=SYSTEM, at=NOW
            )
        draft = programs.save_draft(document=document, by=SYSTEM, at=NOW)
        programs.publish(revision=draft, by=SYSTEM, at=NOW)
        assert sorted(Reward.objects.values_list("key", "cost_points")) == offered
        assert all(governed.governs_reward(key) for key, _cost in offered)


def test_a_preset_speaks_the_tenants_language_and_knows_money_without_decimals(tenant: Tenant) -> None:
    tenant.locale, tenant.currency = "zh-hans", "JPY"
    tenant.save()
    with tenant_scope(tenant):
        published = presets.install(key="ecommerce", by=SYSTEM, at=NOW)
        names = [tier["name"] for tier in published.document["tiers"]]
        assert (names, published.document["tiers"][1]["threshold_minor"]) == (
            ["会员", "银卡", "金卡"],
            40_000,
        )
        assert Reward.objects.get(key="gift-card").name == "礼品卡"
        assert CouponDefinition.objects.get(key="gift-card").amount_minor == 500
        assert Segment.objects.get(key="repeat-buyers").name == "回头客"


def test_an_unknown_preset_is_not_found(scope: Tenant) -> None:
    with pytest.raises(NotFound):
        presets.install(key="mining", by=SYSTEM, at=NOW)


@pytest.mark.slow
@pytest.mark.parametrize("key", ["education"])
def test_sample_traffic_makes_a_living_tenant_and_playing_again_adds_nothing(
    tenant: Tenant, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(key, monkeypatch)
    monkeypatch.setattr(traffic, "DAYS", 30)
    with tenant_scope(tenant):
        presets.install(key=key, by=SYSTEM, at=NOW, in_force_from=NOW - timedelta(days=31))
    seen: list[tuple[int, int]] = []

    def play() -> Any:
        return preset_traffic.play(
            tenant=tenant, key=key, by=SYSTEM, at=NOW, progress=lambda *where: seen.append(where[:2])
        )

    deliver = preset_traffic._deliver

    def deliver_alone(tenant: Tenant, moment: datetime) -> None:
        with tenant_scope(tenant):
            # Nothing that the relay could take would be acted on in time: it would be today for it.
            due = OutboxMessage.objects.filter(
                state="pending", available_at__lte=NOW, created_at__gt=installed
            )
            assert not due.exists()
        deliver(tenant, moment)

    installed = NOW - timedelta(days=31)
    monkeypatch.setattr(preset_traffic, "_deliver", deliver_alone)
    played = play()
    assert seen[-1] == (30, 30)
    with tenant_scope(tenant):
        assert (Customer.objects.count(), Event.objects.count()) == (played.members, played.events)
        assert Order.objects.count() == played.orders
        assert ChallengeProgress.objects.exists()
        assert Redemption.objects.count() == played.redemptions > 0
        assert LedgerEntry.objects.exists()
        assert not OutboxMessage.objects.filter(
            state="pending", topic__in=["crm.orders_recorded", "crm.returns_recorded", "crm.events_recorded"]
        ).exists()
        assert not OutboxMessage.objects.exclude(last_error="").exists()
        assert not OutboxMessage.objects.filter(state="pending", available_at__gt=NOW).exists()
        assert verification.verify_ledger(by=SYSTEM, at=NOW).is_sound
        rewarded = set(ChallengeProgress.objects.values_list("customer_id", flat=True))
        if key == "education":
            allowed = SegmentMember.objects.filter(segment__key="may-be-rewarded")
            assert rewarded <= set(allowed.values_list("customer_id", flat=True))
    again = play()
    assert again == Played()


@pytest.mark.slow
def test_sample_shoppers_enter_challenges_bring_friends_and_use_coupons(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = PRESETS["ecommerce"]
    busy = replace(
        preset.traffic, members=10, brought_share=0.9, looking_share=0.2, coupon_share=1.0,
        entering_share=1.0, orders_per_week=1.5,
    )  # fmt: skip
    monkeypatch.setattr(preset_traffic, "preset", lambda _key: replace(preset, traffic=busy))
    monkeypatch.setattr(traffic, "DAYS", 30)
    with tenant_scope(tenant):
        presets.install(key="ecommerce", by=SYSTEM, at=NOW, in_force_from=NOW - timedelta(days=31))

    def play() -> Played:
        return preset_traffic.play(
            tenant=tenant, key="ecommerce", by=SYSTEM, at=NOW, progress=lambda *_where: None
        )

    assert play().members == 10
    with tenant_scope(tenant):
        entered = ChallengeParticipation.objects.filter(challenge_key="explorer", is_opted_in=True)
        assert entered.count() == Customer.objects.count() == 10
        assert ChallengeProgress.objects.filter(challenge_key="explorer", completed_at__isnull=False).exists()
        assert Referral.objects.filter(state=ReferralState.REWARDED).exists()
        uses = CouponRedemption.objects.filter(source_type="sample")
        taken = dict(uses.values_list("source_id", "discount_minor"))
        assert taken
        for order in Order.objects.filter(external_id__in=taken):
            lines = CouponRedemption.objects.get(source_id=order.external_id).lines
            assert order.coupon_discount_minor == sum(sum(line["discounts"].values()) for line in lines)
        states = set(Redemption.objects.values_list("state", flat=True))
        assert RedemptionState.FULFILLED in states
        assert not OutboxMessage.objects.filter(state="pending", topic__startswith="rewards.").exists()
        assert verification.verify_ledger(by=SYSTEM, at=NOW).is_sound
    assert play() == Played()


@pytest.mark.django_db
def test_the_command_opens_a_tenant_with_owner_and_preset(db: None) -> None:
    out = StringIO()
    call_command("create_tenant", "shop", "Shop", owner="owner@shop.example", preset="finance", stdout=out)
    tenant = Tenant.objects.get(slug="shop")
    assert tenant.vertical == "finance"
    with tenant_scope(tenant):
        assert Membership.objects.get().role == "owner"
        assert ProgramRevision.objects.get().state == "published"
    with pytest.raises(CommandError, match="exists"):
        call_command("create_tenant", "shop", "Shop", owner="owner@shop.example", stdout=out)
