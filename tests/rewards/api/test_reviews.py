"""The review queue, its limits and the referral program over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from rewards.domain.policies import Pace, VelocityLimit
from rewards.models import CouponDefinition, Redemption, RewardKind
from rewards.services import catalogue, redemptions, velocity
from tenants.domain.actors import SYSTEM
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient
from tests.rewards.coupons import make_definition
from tests.rewards.factories import NOW, balance_of, make_customer, make_wallet, post
from tests.rewards.publishing import publish_draft

pytestmark = pytest.mark.django_db
TERMS: dict[str, Any] = {
    "is_active": True, "wallet": "points", "referrer_kind": "points", "referrer_points": 100,
    "referee_kind": "coupon", "referee_coupon": "friend", "qualification": "first_order",
    "minimum_order_minor": 2000, "within_days": 60, "upper_points": [10],
}  # fmt: skip


@pytest.fixture
def waiting(tenant: Tenant, other_tenant: Tenant) -> Any:
    """A redemption that came too fast, of a customer with 500 points."""
    with tenant_scope(tenant):
        wallet, customer = make_wallet(), make_customer()
        post(customer, wallet, 500)
        mug = catalogue.save_reward(
            key="mug", name="Mug", kind=RewardKind.PRODUCT, wallet_key="points", cost_points=50, by=SYSTEM,
            at=NOW,
        )  # fmt: skip
        velocity.save_limit(limit=VelocityLimit(Pace.REDEMPTIONS, 1, 24), by=SYSTEM, at=NOW)
        rows = [redemptions.redeem(customer=customer, reward=mug, by=SYSTEM, at=NOW) for _ in range(2)]
    return rows[1]


@pytest.mark.parametrize(
    ("is_approved", "state", "left"), [(True, "confirmed", 400), (False, "cancelled", 450)]
)
def test_what_waits_is_read_and_decided_once(
    api: ApiClient,
    other_api: ApiClient,
    tenant: Tenant,
    waiting: Redemption,
    is_approved: bool,
    state: str,
    left: int,
) -> None:
    (row,) = api.get("/reviews?state=open&kind=redemptions").json()["data"]
    assert (row["subject"], row["details"]) == (str(waiting.public_id), {"reward": "Mug", "points": 50})
    assert other_api.get("/reviews").json()["data"] == []
    path = f"/reviews/{row['id']}/decide"
    refused = api.post(path, {"is_approved": is_approved}, Idempotency_Key="a")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/reason"]
    body = {"is_approved": is_approved, "reason": "known"}
    decided = api.post(path, body, Idempotency_Key="b").json()
    assert (decided["state"], decided["reason"]) == ("approved" if is_approved else "rejected", "known")
    assert api.post(path, body, Idempotency_Key="c").json()["code"] == "review_decided"
    with tenant_scope(tenant):
        waiting.refresh_from_db()
        assert (waiting.state, balance_of(waiting.customer)) == (state, (left, 0))


def test_limits_are_read_and_set_one_by_one(api: ApiClient, tenant: Tenant) -> None:
    usual = {
        each["kind"]: (each["most"], each["window_hours"])
        for each in api.get("/velocity-limits").json()["limits"]
    }
    assert usual == {
        "redemptions": (50, 24),
        "refunds": (5, 168),
        "referrals": (10, 24),
        "coupons": (50, 24),
        "transfers": (20, 24),
    }
    body = {"kind": "refunds", "most": 2, "window_hours": 12}
    drafted = api.put("/velocity-limits", body)
    assert (drafted.status_code, drafted.json()) == (
        202, {"draft": 1, "behind": None, "takes_effect": "on_publication", "written": body},
    )  # fmt: skip
    assert body not in api.get("/velocity-limits").json()["limits"]
    publish_draft(tenant)
    assert body in api.get("/velocity-limits").json()["limits"]
    for wrong, pointer in (
        ({"most": 0}, "/most"),
        ({"window_hours": 10**6}, "/window_hours"),
        ({"kind": "guesses"}, "/kind"),
    ):
        refused = api.put("/velocity-limits", body | wrong)
        assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


def test_the_referral_program_is_read_and_written_whole(api: ApiClient, tenant: Tenant) -> None:
    assert api.get("/referral-program").status_code == 404
    with tenant_scope(tenant):
        make_wallet()
        make_definition("friend")
    written = api.put("/referral-program", TERMS)
    terms = {**TERMS, "referrer_coupon": "", "referee_points": 0, "event_name": ""}
    assert (written.status_code, written.json()) == (
        202, {"draft": 1, "behind": None, "takes_effect": "on_publication", "written": terms},
    )  # fmt: skip
    assert api.get("/referral-program").status_code == 404
    publish_draft(tenant)
    assert api.get("/referral-program").json() == terms
    with tenant_scope(tenant):
        assert CouponDefinition.objects.get().key == "friend"
        assert AuditEntry.objects.get(action="referral_program.saved").diff["within_days"] == [90, 60]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"wallet": "gems"}, "/wallet"),
        ({"referee_coupon": "none"}, "/referee_coupon"),
        ({"referrer_points": 0}, "/referrer_points"),
        ({"referrer_points": 10**12}, "/referrer_points"),
        ({"qualification": "event"}, "/event_name"),
        ({"within_days": 0}, "/within_days"),
        ({"upper_points": [1, 2, 3]}, "/upper_points"),
        ({"minimum_order_minor": -1}, "/minimum_order_minor"),
    ],
)
def test_wrong_terms_name_their_field(
    api: ApiClient, tenant: Tenant, change: dict[str, Any], pointer: str
) -> None:
    with tenant_scope(tenant):
        make_wallet()
        make_definition("friend")
    refused = api.put("/referral-program", TERMS | change)
    assert refused.status_code in {400, 422}
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


def test_what_a_referral_names_and_is_not_there_is_told_by_its_field(api: ApiClient, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        make_wallet()
        make_definition("friend")
        friend = str(make_customer().public_id)
    api.put("/referral-program", TERMS)
    publish_draft(tenant)
    unknown = "01900000-0000-7000-8000-000000000000"
    for body, pointer in (
        ({"code": "nobody", "customer": friend}, "/code"),
        ({"code": "nobody", "customer": unknown}, "/customer"),
    ):
        refused = api.post("/referrals", body, Idempotency_Key=pointer)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    cart = {"lines": [{"sku": "tea", "quantity": 1, "unit_price_minor": 5}]}
    asked = api.post("/coupons/validate", {"codes": ["x"], "cart": cart, "customer": unknown})
    assert (asked.status_code, asked.json()["errors"][0]["pointer"]) == (422, "/customer")
    for body, pointer in (
        ({"customer": unknown, "definition": "friend"}, "/customer"),
        ({"customer": friend, "definition": "none"}, "/definition"),
    ):
        refused = api.post("/coupons/issue", body, Idempotency_Key=pointer)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
