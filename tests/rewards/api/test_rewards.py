"""The catalogue written over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from rewards.models import AbuseReview, Reward
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient
from tests.rewards.coupons import make_definition
from tests.rewards.factories import make_wallet

pytestmark = pytest.mark.django_db
MUG: dict[str, Any] = {"key": "mug", "name": "Mug", "kind": "product", "wallet": "points", "cost_points": 50}


@pytest.fixture(autouse=True)
def wallets(tenant: Tenant, other_tenant: Tenant) -> None:
    for each in (other_tenant, tenant):
        with tenant_scope(each):
            make_wallet()
            make_wallet("gems")
            make_definition("ten")


def create(api: ApiClient, retry: str = "k", **more: Any) -> Any:
    return api.post("/rewards", {**MUG, **more}, Idempotency_Key=retry)


def test_a_reward_is_made_once_changed_and_taken_off(
    api: ApiClient, other_api: ApiClient, tenant: Tenant
) -> None:
    made = create(api, prices=[{"wallet": "gems", "cost_points": 3}], stock=4, coupon="ten", kind="coupon")
    found = made.json()
    assert (made.status_code, found["prices"], found["stock"], found["coupon"]) == (
        201, [{"wallet": "gems", "cost_points": 3}], 4, "ten",
    )  # fmt: skip
    assert (
        create(
            api, prices=[{"wallet": "gems", "cost_points": 3}], stock=4, coupon="ten", kind="coupon"
        ).json()
        == found
    )
    assert create(api, "again").json()["code"] == "reward_key_taken"
    path = f"/rewards/{found['id']}"
    with tenant_scope(tenant):
        Reward.objects.update(stock=1)
    changed = api.patch(path, {"name": "Cup", "limit_per_customer": 2})
    assert changed.json() == {**found, "name": "Cup", "limit_per_customer": 2, "stock": 1}
    assert api.patch(path, {"stock": None, "prices": [], "coupon": "", "kind": "product"}).json() == {
        **changed.json(), "stock": None, "prices": [], "coupon": None, "kind": "product",
    }  # fmt: skip
    assert api.patch(path, {"is_active": False}).json()["is_active"] is False
    assert (api.get("/rewards").json()["data"], api.get(path).json()["name"]) == ([], "Cup")
    assert other_api.get("/rewards").json()["data"] == []
    assert other_api.patch(path, {"name": "Mine"}).status_code == 404
    with tenant_scope(tenant):
        last = AuditEntry.objects.filter(action="reward.saved").order_by("-pk").first()
        assert last is not None
        assert last.diff == {"is_active": [True, False]}
        assert not AbuseReview.objects.exists()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"key": "a mug"}, "/key"),
        ({"kind": "cash"}, "/kind"),
        ({"wallet": "dust"}, "/wallet"),
        ({"cost_points": 0}, "/cost_points"),
        ({"stock": -1}, "/stock"),
        ({"stock": 2**31}, "/stock"),
        ({"prices": [{"wallet": "dust", "cost_points": 1}]}, "/prices/dust"),
        ({"prices": [{"wallet": "gems", "cost_points": 0}]}, "/prices/0/cost_points"),
        ({"segments": ["none"]}, "/segments"),
        ({"coupon": "none"}, "/coupon"),
        ({"kind": "gift_card", "coupon": "ten"}, "/coupon"),
        ({"limit_per_customer": 0}, "/limit_per_customer"),
        ({"valid_until": "9999-12-31T00:00:00Z"}, "/valid_until"),
        ({"valid_from": "2026-03-02T00:00:00Z", "valid_until": "2026-03-01T00:00:00Z"}, "/valid_until"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_wrong_reward_names_its_field(
    api: ApiClient, tenant: Tenant, change: dict[str, Any], pointer: str
) -> None:
    refused = create(api, **change)
    assert refused.status_code in {400, 422}
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
    with tenant_scope(tenant):
        assert not Reward.objects.exists()
