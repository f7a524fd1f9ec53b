"""A tenant that was filled with a preset's samples has something to show on every page."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from crm.models import Feedback, RecoveryCase, RecoveryState
from rewards.domain.policies import Pace, VelocityLimit
from rewards.domain.presets import PRESETS, definition, traffic
from rewards.models import Redemption
from rewards.services import preset_traffic, presets, sample_staff, verification
from tenants.domain.actors import SYSTEM, Actor
from tenants.domain.permissions import Role
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW, signed_in

DAYS, MEMBERS = 24, 12
ALWAYS: Final = {
    "admin:index", "customers", "segments", "feedback", "recovery", "events", "event_schemas", "program",
    "challenges", "tiers", "rewards", "redemptions", "reviews", "adjustments", "liability",
    "points_statement", "audit",
}  # fmt: skip
# A practice sells nothing, keeps no names, and neither it nor a school pays for being recommended.
SOLD: Final = {"orders", "items", "coupons", "coupon_campaigns", "duplicates"}
BY_PRESET: Final = {
    "ecommerce": ALWAYS | SOLD | {"referrals"},
    "social": ALWAYS | SOLD | {"referrals"},
    "education": ALWAYS | SOLD,
    "finance": ALWAYS | SOLD | {"referrals"},
    "healthcare": ALWAYS,
}

# What stands in the place of a list; a chart or a group without anything has no heading.
_EMPTY: Final = re.compile(rb'class="b-empty">(?:(?!</div>).)*<h3>', re.DOTALL)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a dozen do in four weeks what many do in three months."""
    of_key = preset_traffic.preset

    def busy(key: str) -> Any:
        chosen = of_key(key)
        plan = chosen.traffic
        busier = tuple(
            each if each.within_days else replace(each, per_week=3 * each.per_week) for each in plan.habits
        )
        more = {kind: 10 * per_week for kind, per_week in plan.voices.per_week.items()}
        return replace(
            chosen,
            traffic=replace(
                plan, members=MEMBERS, habits=busier, looking_share=0.4,
                orders_per_week=5 * plan.orders_per_week, brought_share=3 * plan.brought_share,
                voices=replace(plan.voices, per_week=more),
            ),
        )  # fmt: skip

    monkeypatch.setattr(preset_traffic, "preset", busy)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    monkeypatch.setattr(traffic, "DAYS", DAYS)
    monkeypatch.setattr(traffic, "_TWICE_SHARE", 0.4)
    monkeypatch.setattr(traffic, "_FAMILY_SHARE", 0.6)
    monkeypatch.setattr(traffic, "_GREEDY_SHARE", 0.7)
    monkeypatch.setattr(definition, "VELOCITY", (VelocityLimit(Pace.REDEMPTIONS, 1, 7 * 24),))
    monkeypatch.setattr(sample_staff, "_GENEROUS_SHARE", 1.0)
    monkeypatch.setattr(sample_staff, "_UNDECIDED_SHARE", 0.8)


@pytest.mark.slow
@pytest.mark.parametrize("key", PRESETS)
def test_every_page_of_a_sample_has_something_to_show(
    key: str, few: None, tenant: Tenant, actor: Actor
) -> None:
    tenant.locale = "zh-hans" if key in {"social", "finance"} else "en"
    tenant.save()
    with tenant_scope(tenant):
        presets.install(key=key, by=SYSTEM, at=NOW, in_force_from=NOW - timedelta(days=DAYS + 1))
    played = preset_traffic.play(tenant=tenant, key=key, by=SYSTEM, at=NOW, progress=lambda *_where: None)
    staff = signed_in(tenant, actor, Role.OWNER)
    with translation.override("en"):
        assert [name for name in sorted(BY_PRESET[key]) if _EMPTY.search(_page(staff, tenant, name))] == []
        if key != "healthcare":
            assert b"b-empty" not in _page(staff, tenant, "admin:index")
    with tenant_scope(tenant):
        assert Feedback.objects.count() == played.remarks > 0
        texts = Feedback.objects.exclude(text="")
        assert set(texts.values_list("language", flat=True)) == {tenant.locale.split("-")[0]}
        assert RecoveryCase.objects.filter(state=RecoveryState.RESOLVED).exists()
        assert Redemption.objects.count() == played.redemptions
        assert verification.verify_ledger(by=SYSTEM, at=NOW).is_sound


def _page(staff: Client, tenant: Tenant, name: str) -> bytes:
    answer = staff.get(f"/t/{tenant.slug}{reverse(name, urlconf='loyalty_saas.urls.staff')}")
    assert answer.status_code == 200, name
    return bytes(answer.content)
