"""The catalogue written over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from rewards.models import AbuseReview, ProgramRevision, Reward
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient
from tests.rewards.coupons import make_definition
from tests.rewards.factories import make_wallet
from tests.rewards.publishing import publish_draft

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


def test_a_new_reward_waits_in_the_draft_until_it_is_published(
    api: ApiClient, other_api: ApiClient, tenant: Tenant
) -> None:
    said = {"prices": [{"wallet": "gems", "cost_points": 3}], "stock": 4, "coupon": "ten", "kind": "coupon"}
    made = create(api, **said)
    assert (made.status_code, made.json()) == (
        202,
        {
            "draft": 1,
            "behind": None,
            "takes_effect": "on_publication",
            "written": {
                "key": "mug", "name": "Mug", "kind": "coupon", "wallet": "points", "cost_points": 50,
                "is_active": True, "prices": {"gems": 3}, "coupon": "ten", "stock": 4,
            },
        },
    )  # fmt: skip
    assert create(api, **said).json() == made.json()
    assert create(api, "again", **said | {"stock": 5}).json()["written"]["stock"] == 5
    assert api.get("/rewards").json()["data"] == []
    publish_draft(tenant)
    [found] = api.get("/rewards").json()["data"]
    assert (found["prices"], found["stock"], found["coupon"]) == (
        [{"wallet": "gems", "cost_points": 3}], 5, "ten",
    )  # fmt: skip
    assert create(api, "late").json()["code"] == "reward_key_taken"
    assert other_api.patch(f"/rewards/{found['id']}", {"name": "Mine"}).status_code == 404
    with tenant_scope(tenant):
        assert not AbuseReview.objects.exists()


def test_a_reward_is_changed_in_the_draft_and_its_stock_at_once(api: ApiClient, tenant: Tenant) -> None:
    create(api, stock=4)
    publish_draft(tenant)
    [found] = api.get("/rewards").json()["data"]
    path = f"/rewards/{found['id']}"
    nothing = api.patch(path, {"name": "Mug"})
    assert (nothing.status_code, nothing.json()["draft"], nothing.json()["takes_effect"]) == (
        202,
        None,
        "now",
    )
    changed = api.patch(path, {"name": "Cup", "limit_per_customer": 2})
    assert (changed.status_code, changed.json()["draft"]) == (202, 2)
    both = api.patch(path, {"stock": 9, "prices": [{"wallet": "gems", "cost_points": 3}]}).json()
    assert (both["written"]["name"], both["written"]["prices"]) == ("Cup", {"gems": 3})
    assert api.get(path).json() == {**found, "stock": 9}
    stocked = api.patch(path, {"stock": None})
    assert (stocked.status_code, stocked.json()) == (200, {**found, "stock": None})
    publish_draft(tenant)
    assert api.get(path).json() == {
        **found, "name": "Cup", "limit_per_customer": 2, "stock": None,
        "prices": [{"wallet": "gems", "cost_points": 3}],
    }  # fmt: skip
    assert api.patch(path, {"is_active": False}).json()["written"]["is_active"] is False
    publish_draft(tenant)
    assert (api.get("/rewards").json()["data"], api.get(path).json()["is_active"]) == ([], False)
    with tenant_scope(tenant):
        last = AuditEntry.objects.filter(action="reward.saved").order_by("-pk").first()
        assert last is not None
        assert last.diff == {"is_active": [True, False]}


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
        assert not ProgramRevision.objects.exists()
