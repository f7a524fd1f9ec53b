"""Under attack: what is paused or tightened at once, and comes back with the next publication."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from crm.models import Customer
from rewards.domain.brakes import BrakeKind
from rewards.domain.policies import Pace, VelocityLimit
from rewards.models import DecisionRecord, ProgramRevision
from rewards.queries import brakes as brake_queries
from rewards.services import brakes, earning, programs, velocity
from rewards.services.brakes import NothingInForce
from rewards.services.coupons.errors import CouponsRejected
from tenants.domain.actors import SYSTEM, Actor
from tenants.errors import InvalidInput, NotFound
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tests.rewards.coupons import reasons, redeem
from tests.rewards.factories import NOW, make_customer, make_order

pytestmark = pytest.mark.django_db
DOCUMENT: dict[str, Any] = {
    "wallets": [{"key": "points", "name": "Points"}],
    "rules": [
        {"key": "base", "name": "Base", "wallet": "points", "points": 5},
        {"key": "extra", "name": "Extra", "wallet": "points", "points": 2},
    ],
    "coupons": [
        {"key": "ten", "name": "Ten", "kind": "percent", "percent_hundredths": 1000, "uses_per_code": None,
         "generic_code": "TEN"},
    ],
    "coupon_campaigns": [{"key": "spring", "name": "Spring", "coupons": ["ten"]}],
    "policies": {"velocity_limits": [{"kind": "refunds", "most": 3, "window_hours": 24}]},
}  # fmt: skip


def publish(document: dict[str, Any] = DOCUMENT) -> ProgramRevision:
    draft = programs.save_draft(document=document, by=SYSTEM, at=NOW)
    return programs.publish(revision=draft, by=SYSTEM, at=NOW)


def pull(kind: BrakeKind, key: str, by: Actor = SYSTEM, **more: Any) -> None:
    brakes.pull(kind=kind, key=key, by=by, **{"reason": "attack", "at": NOW, **more})


def earned(customer: Customer) -> int:
    """What an order of now earns the customer."""
    order = make_order(customer, [("DAIRY", 1, 100)], NOW)
    earning.award_orders([order.pk], by=SYSTEM, at=NOW)
    return sum(DecisionRecord.objects.latest("pk").record["given"].values())


def test_a_rule_is_paused_at_once_and_comes_back_with_the_next_publication(
    scope: Tenant, actor: Actor
) -> None:
    publish()
    customer = make_customer()
    assert earned(customer) == 7
    pull(BrakeKind.RULE, "base", by=actor)
    assert earned(customer) == 2
    latest = DecisionRecord.objects.latest("pk").record["rules"]
    assert latest == [
        {"rule": "base", "matched": False, "points": 0, "paused": True},
        {"rule": "extra", "matched": True, "points": 2},
    ]
    entry = AuditEntry.objects.get(action="program.brake_pulled")
    assert (entry.actor_label, entry.diff["rule: base"][1]["reason"]) == (actor.label, "attack")
    changed = {**DOCUMENT, "rules": [{**DOCUMENT["rules"][0], "points": 6}, DOCUMENT["rules"][1]]}
    publish(changed)
    assert earned(customer) == 8
    assert brake_queries.on(NOW).on == ()
    diff = AuditEntry.objects.filter(action="program.published").latest("pk").diff
    assert diff["brakes"][0][0]["key"] == "base"


def test_a_brake_ends_by_itself_or_is_released(scope: Tenant) -> None:
    publish()
    customer, now = make_customer(), timezone.now()
    pull(BrakeKind.RULE, "base", at=now, until=now + timedelta(hours=1))
    pull(BrakeKind.RULE, "extra", at=now - timedelta(hours=2), until=now - timedelta(hours=1))
    assert earned(customer) == 2
    brakes.release(kind=BrakeKind.RULE, key="base", by=SYSTEM, at=now)
    assert earned(customer) == 7
    assert AuditEntry.objects.filter(action="program.brake_released").count() == 1
    with pytest.raises(NotFound):
        brakes.release(kind=BrakeKind.RULE, key="base", by=SYSTEM, at=now)


@pytest.mark.parametrize(("kind", "key"), [(BrakeKind.COUPON, "ten"), (BrakeKind.CAMPAIGN, "spring")])
def test_a_paused_coupon_is_refused_and_says_so(scope: Tenant, kind: BrakeKind, key: str) -> None:
    publish()
    redeem("TEN")
    pull(kind, key, until=NOW + timedelta(hours=1))
    with pytest.raises(CouponsRejected) as refusal:
        redeem("TEN")
    assert reasons(refusal) == [("TEN", "paused")]
    assert redeem("TEN", at=NOW + timedelta(hours=1)).discount_minor == 200
    assert ProgramRevision.objects.get().document == publish().document


def test_a_limit_is_tightened_and_never_loosened(scope: Tenant) -> None:
    publish()
    for most, hours in ((4, 24), (3, 23), (3, 24), (2, 23), (9, 999)):
        with pytest.raises(InvalidInput) as refusal:
            pull(BrakeKind.LIMIT, "refunds", most=most, window_hours=hours)
        assert [(error.pointer, error.code) for error in refusal.value.errors] == [("/most", "not_tighter")]
    pull(BrakeKind.LIMIT, "refunds", most=2, window_hours=24)
    assert velocity.limits(at=NOW)[Pace.REFUNDS] == VelocityLimit(Pace.REFUNDS, 2, 24)
    with pytest.raises(InvalidInput):
        pull(BrakeKind.LIMIT, "refunds", most=3, window_hours=24)
    pull(BrakeKind.LIMIT, "refunds", most=0, window_hours=48)
    assert len(brake_queries.on(NOW).on) == 1
    customer = make_customer()
    assert velocity.exceeded(Pace.REFUNDS, customer_id=customer.pk, at=NOW) is not None
    publish()
    assert velocity.limits(at=NOW)[Pace.REFUNDS] == VelocityLimit(Pace.REFUNDS, 3, 24)


@pytest.mark.parametrize(
    ("kind", "key", "more", "pointer"),
    [
        (BrakeKind.RULE, "gone", {}, "/key"),
        (BrakeKind.COUPON, "gone", {}, "/key"),
        (BrakeKind.CAMPAIGN, "gone", {}, "/key"),
        (BrakeKind.LIMIT, "guesses", {"most": 1, "window_hours": 1}, "/key"),
        (BrakeKind.LIMIT, "refunds", {}, "/most"),
        (BrakeKind.LIMIT, "refunds", {"most": 1}, "/most"),
        (BrakeKind.RULE, "base", {"reason": " "}, "/reason"),
        (BrakeKind.RULE, "base", {"until": NOW}, "/until"),
        (BrakeKind.RULE, "base", {"until": NOW + timedelta(days=91)}, "/until"),
    ],
)
def test_a_brake_on_nothing_names_what_is_wrong(
    scope: Tenant, kind: BrakeKind, key: str, more: dict[str, Any], pointer: str
) -> None:
    publish()
    with pytest.raises(InvalidInput) as refusal:
        pull(kind, key, **more)
    assert [error.pointer for error in refusal.value.errors] == [pointer]
    assert ProgramRevision.objects.get().brakes == []


def test_there_is_no_brake_without_a_program_or_on_another_tenants(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    with tenant_scope(other_tenant):
        with pytest.raises(NothingInForce):
            pull(BrakeKind.RULE, "base")
        publish()
    with tenant_scope(tenant):
        publish()
        pull(BrakeKind.RULE, "base")
    with tenant_scope(other_tenant):
        assert earned(make_customer()) == 7
