from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from rewards.models import Account, LedgerEntry, RewardKind
from rewards.services import catalogue, starter
from tenants.domain.actors import SYSTEM
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, make_customer, make_wallet, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(tenant: Tenant, other_tenant: Tenant) -> Any:
    with tenant_scope(other_tenant):
        post(make_customer(), make_wallet(), 777)
    with tenant_scope(tenant):
        customer = make_customer()
        post(customer, make_wallet(), 120)
    return customer


def key() -> dict[str, str]:
    return {"Idempotency_Key": str(uuid4())}


def points_of(api: Any, customer: Any) -> Any:
    return api.get(f"/customers/{customer.public_id}/points").json()


def test_balances_and_entries(api: Any, customer: Any) -> None:
    assert points_of(api, customer) == {
        "balances": [
            {
                "wallet": "points",
                "available": 120,
                "held": 0,
                "active": 120,
                "pending": 0,
                "debt": 0,
                "next_expiry_at": None,
                "next_expiry_points": 0,
                "is_frozen": False,
            }
        ],
        "expiring": [],
    }
    page = api.get(f"/customers/{customer.public_id}/points/entries").json()
    assert [(row["seq"], row["points"], row["balance_after"]) for row in page["data"]] == [(1, 120, 120)]
    assert page["has_more"] is False


def test_an_adjustment_is_made_once_per_key_and_audited(api: Any, customer: Any, tenant: Tenant) -> None:
    path, body = f"/customers/{customer.public_id}/points/adjust", {"points": -20, "reason": "goodwill"}
    headers = key()
    first, again = api.post(path, body, **headers), api.post(path, body, **headers)
    assert (first.status_code, first.json()) == (201, {"points": -20, "available": 100})
    assert again.content == first.content
    assert api.post(path, {**body, "points": -21}, **headers).json()["code"] == "idempotency_key_reused"
    with tenant_scope(tenant):
        assert LedgerEntry.objects.filter(account__isnull=False).count() == 2
        assert AuditEntry.objects.get(action="points.adjusted").diff["points"] == [120, 100]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"points": -200, "reason": "x"}, 409, "insufficient_points"),
        ({"points": 0, "reason": "x"}, 422, "invalid_input"),
        ({"points": 5, "reason": "x", "wallet": "gems"}, 422, "invalid_input"),
    ],
)
def test_refused_adjustments_are_machine_readable(
    api: Any, customer: Any, body: Any, status: int, code: str
) -> None:
    response = api.post(f"/customers/{customer.public_id}/points/adjust", body, **key())
    assert (response.status_code, response.json()["code"]) == (status, code)
    if code == "insufficient_points":
        assert response.json()["missing"] == 80
    assert points_of(api, customer)["balances"][0]["available"] == 120


def test_a_redemption_is_reserved_once_then_confirmed_or_given_back(
    api: Any, other_api: Any, customer: Any, tenant: Tenant
) -> None:
    with tenant_scope(tenant):
        reward = catalogue.save_reward(
            key="cup", name="Cup", kind=RewardKind.PRODUCT, wallet_key="points", cost_points=50, stock=2,
            by=SYSTEM, at=NOW,
        )  # fmt: skip
    body = {"customer": str(customer.public_id), "reward": str(reward.public_id), "ttl_seconds": 60}
    assert api.post("/redemptions/reserve", {**body, "ttl_seconds": 0}, **key()).status_code == 400
    assert other_api.post("/redemptions/reserve", body, **key()).status_code == 422
    retry = key()
    made = api.post("/redemptions/reserve", body, **retry)
    assert (made.status_code, made.json()["state"]) == (201, "reserved")
    assert api.post("/redemptions/reserve", body, **retry).json() == made.json()
    until, since = (datetime.fromisoformat(made.json()[name]) for name in ("expires_at", "reserved_at"))
    span = until - since
    assert (span.total_seconds(), points_of(api, customer)["balances"][0]["available"]) == (60, 70)
    path = f"/redemptions/{made.json()['id']}"
    assert other_api.post(f"{path}/confirm", {}, **key()).status_code == 404
    confirmed = api.post(f"{path}/confirm", {}, **key())
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "confirmed")
    assert api.post(f"{path}/confirm", {}, **key()).json()["code"] == "redemption_state"
    second = api.post("/redemptions/reserve", body, **key()).json()
    assert api.post(f"/redemptions/{second['id']}/cancel", {}, **key()).json()["state"] == "cancelled"
    assert points_of(api, customer)["balances"][0]["available"] == 70
    with tenant_scope(tenant):
        reward.refresh_from_db()
    assert reward.stock == 1


def test_redeem_list_and_cancel(api: Any, customer: Any, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        reward = catalogue.save_reward(
            key="mug",
            name="Mug",
            kind=RewardKind.PRODUCT,
            wallet_key="points",
            cost_points=100,
            stock=1,
            by=SYSTEM,
            at=NOW,
        )
    shown = api.get("/rewards").json()["data"]
    assert [(row["key"], row["cost_points"], row["stock"]) for row in shown] == [("mug", 100, 1)]
    body = {"customer": str(customer.public_id), "reward": str(reward.public_id)}
    assert api.post("/redemptions", body).status_code == 422
    created = api.post("/redemptions", body, **key())
    assert (created.status_code, created.json()["state"]) == (201, "confirmed")
    refused = api.post("/redemptions", body, **key()).json()
    assert (refused["code"], refused["missing"]) == ("insufficient_points", 80)
    listed = api.get("/redemptions").json()["data"]
    assert [row["id"] for row in listed] == [created.json()["id"]]
    cancelled = api.post(f"/redemptions/{created.json()['id']}/cancel", {"reason": "sorry"}, **key())
    assert (cancelled.json()["state"], cancelled.json()["cancel_reason"]) == ("cancelled", "sorry")
    assert points_of(api, customer)["balances"][0]["available"] == 120
    again = api.post(f"/redemptions/{created.json()['id']}/fulfil", {}, **key())
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (
        409,
        "redemption_state",
        "cancelled",
    )


def test_the_current_program(api: Any, tenant: Tenant) -> None:
    assert api.get("/programs/current").status_code == 404
    with tenant_scope(tenant):
        starter.install_starter(by=SYSTEM, at=NOW, category_percent={"WINE": 200}, rewards=[])
    body = api.get("/programs/current").json()
    assert (body["name"], body["revision"]) == ("Acme", 1)
    assert body["document"]["rules"][0]["category_percent"] == {"WINE": 200}


def test_another_tenants_customer_is_not_found(other_api: Any, customer: Any, tenant: Tenant) -> None:
    for path in ("points", "points/entries"):
        assert other_api.get(f"/customers/{customer.public_id}/{path}").status_code == 404
    path = f"/customers/{customer.public_id}/points/adjust"
    assert other_api.post(path, {"points": 1, "reason": "x"}, **key()).status_code == 404
    with tenant_scope(tenant):
        assert Account.objects.get().available == 120


def test_profiles_carry_balance_and_tier(api: Any, customer: Any) -> None:
    from crm.queries.profile import section_names

    assert {"balance", "tier"} <= set(section_names())
    body = api.get(f"/customers/{customer.public_id}").json()["sections"]
    assert body["balance"] == [{"wallet": "points", "available": 120, "held": 0, "pending": 0}]
    assert body["tier"] is None
