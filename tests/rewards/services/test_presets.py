from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from crm.models import Customer, Event, Order, Segment, SegmentMember
from rewards.domain.presets import PRESETS
from rewards.models import ChallengeProgress, CouponDefinition, LedgerEntry, ProgramRevision, Reward
from rewards.services import preset_traffic, presets, verification
from tenants.domain.actors import SYSTEM
from tenants.errors import NotFound
from tenants.models import Membership, OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW


def small(key: str, monkeypatch: pytest.MonkeyPatch, members: int = 12) -> None:
    preset = PRESETS[key]
    smaller = replace(preset, traffic=replace(preset.traffic, members=members))
    monkeypatch.setattr(preset_traffic, "preset", lambda _key: smaller)


@pytest.mark.parametrize("key", PRESETS)
def test_every_preset_installs_once(scope: Tenant, key: str) -> None:
    published = presets.install(key=key, by=SYSTEM, at=NOW, in_force_from=NOW - timedelta(days=91))
    preset = PRESETS[key]
    assert published.published_at == NOW - timedelta(days=91)
    assert Reward.objects.count() == len(preset.rewards)
    assert CouponDefinition.objects.count() == len(preset.coupons)
    assert Segment.objects.count() == len(preset.segments)
    with pytest.raises(presets.ProgramExists):
        presets.install(key=key, by=SYSTEM, at=NOW)
    assert ProgramRevision.objects.count() == 1


def test_an_unknown_preset_is_not_found(scope: Tenant) -> None:
    with pytest.raises(NotFound):
        presets.install(key="mining", by=SYSTEM, at=NOW)


@pytest.mark.parametrize("key", ["ecommerce", "education"])
def test_sample_traffic_makes_a_living_tenant_and_playing_again_adds_nothing(
    tenant: Tenant, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(key, monkeypatch)
    with tenant_scope(tenant):
        presets.install(key=key, by=SYSTEM, at=NOW, in_force_from=NOW - timedelta(days=91))
    seen: list[tuple[int, int]] = []

    def play() -> Any:
        return preset_traffic.play(
            tenant=tenant, key=key, by=SYSTEM, at=NOW, progress=lambda *where: seen.append(where[:2])
        )

    played = play()
    assert seen[-1] == (90, 90)
    with tenant_scope(tenant):
        assert (Customer.objects.count(), Event.objects.count()) == (played.members, played.events)
        assert Order.objects.count() == played.orders
        assert ChallengeProgress.objects.exists()
        assert LedgerEntry.objects.exists()
        assert not OutboxMessage.objects.filter(
            state="pending", topic__in=["crm.orders_recorded", "crm.returns_recorded", "crm.events_recorded"]
        ).exists()
        assert not OutboxMessage.objects.exclude(last_error="").exists()
        assert verification.verify_ledger(by=SYSTEM, at=NOW).is_sound
        rewarded = set(ChallengeProgress.objects.values_list("customer_id", flat=True))
        if key == "education":
            allowed = SegmentMember.objects.filter(segment__key="may-be-rewarded")
            assert rewarded <= set(allowed.values_list("customer_id", flat=True))
    again = play()
    assert (again.members, again.events, again.orders) == (0, 0, 0)


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
