"""Coupons written over HTTP: created once, patched, archived, refused field by field."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Item
from rewards.models import CouponCode, CouponDefinition, CouponItem, ProgramRevision
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient, key_for
from tests.rewards.coupons import make_definition
from tests.rewards.factories import make_item
from tests.rewards.publishing import publish_draft

pytestmark = pytest.mark.django_db
PATH = "/coupon-definitions"
TEN = {"key": "ten", "name": "Ten percent", "kind": "percent", "percent_hundredths": 1000}
CART = {"lines": [{"sku": "tea", "quantity": 2, "unit_price_minor": 1000}]}


def create(api: ApiClient, retry: str = "k", **more: Any) -> Any:
    return api.post(PATH, {**TEN, **more}, Idempotency_Key=retry)


def live(api: ApiClient, tenant: Tenant, **more: Any) -> dict[str, Any]:
    """A coupon that was made over the API and published."""
    assert create(api, **more).status_code == 202
    publish_draft(tenant)
    [found] = api.get(f"{PATH}?key={more.get('key', 'ten')}").json()["data"]
    return dict(found)


def test_a_coupon_is_drafted_published_changed_and_archived(
    api: ApiClient, other_api: ApiClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    with tenant_scope(other_tenant):
        make_definition("ten", code="TEN")
    with tenant_scope(tenant):
        sku = make_item().external_id
    asked = {"items": [sku], "generic_code": "spring", "uses_per_code": None, "weekdays": [6, 7],
             "valid_from": "2026-03-01T00:00:00+01:00"}  # fmt: skip
    made = create(api, **asked)
    assert (made.status_code, made.json()) == (
        202,
        {
            "draft": 1,
            "behind": None,
            "takes_effect": "on_publication",
            "written": {
                "key": "ten", "name": "Ten percent", "kind": "percent", "percent_hundredths": 1000,
                "uses_per_code": None, "weekdays": [6, 7], "valid_from": "2026-02-28T23:00:00+00:00",
                "items": [sku], "generic_code": "spring",
            },
        },
    )  # fmt: skip
    assert api.get(PATH).json()["data"] == []
    refused = api.post("/coupons/validate", {"codes": ["SPRING"], "cart": CART}).json()
    assert refused["codes"][0]["reasons"][0]["reason"] == "unknown_code"
    publish_draft(tenant)
    [found] = api.get(PATH).json()["data"]
    assert (found["weekdays"], found["valid_from"], found["is_limited_to_items"], found["is_active"]) == (
        [6, 7], "2026-02-28T23:00:00Z", True, True,
    )  # fmt: skip
    path = f"{PATH}/{found['id']}"
    changed = api.patch(path, {"percent_hundredths": 2500, "weekdays": [], "items": [], "valid_from": None})
    assert (changed.status_code, changed.json()["draft"], api.get(path).json()) == (202, 2, found)
    publish_draft(tenant)
    now = api.get(path).json()
    assert now == {
        **found, "percent_hundredths": 2500, "weekdays": [], "is_limited_to_items": False, "valid_from": None,
        "updated_at": now["updated_at"],
    }  # fmt: skip
    priced = api.post("/coupons/validate", {"codes": ["SPRING"], "cart": CART}).json()
    assert (priced["is_valid"], priced["discount_minor"]) == (True, 500)
    assert other_api.patch(path, {"name": "Mine"}).status_code == 404
    assert other_api.post(f"{path}/archive").status_code == 404
    with tenant_scope(tenant):
        assert not CouponItem.objects.exists()
        entries = AuditEntry.objects.filter(action="coupon_definition.saved").order_by("pk")
        assert [entry.diff["valid_from"] for entry in entries] == [
            [None, "2026-02-28T23:00:00+00:00"], ["2026-02-28T23:00:00+00:00", None],
        ]  # fmt: skip
    with tenant_scope(other_tenant):
        assert CouponDefinition.objects.get().percent_hundredths == 1000


def test_a_coupon_is_archived_at_once_and_stays_so(api: ApiClient, tenant: Tenant) -> None:
    path = f"{PATH}/{live(api, tenant, generic_code='spring')['id']}"
    for _ in range(2):
        assert api.post(f"{path}/archive").json()["is_active"] is False
    refused = api.post("/coupons/validate", {"codes": ["SPRING"], "cart": CART}).json()
    assert refused["codes"][0]["reasons"][0]["reason"] == "not_offered"
    assert api.get(f"{PATH}?is_active=true").json()["data"] == []
    assert [row["key"] for row in api.get(f"{PATH}?key=ten").json()["data"]] == ["ten"]
    publish_draft(tenant)
    assert api.get(path).json()["is_active"] is False
    assert api.patch(path, {"is_active": True}).json()["draft"] == 3
    publish_draft(tenant)
    assert api.get(path).json()["is_active"] is True


def test_creating_is_idempotent_and_a_key_is_taken_once(api: ApiClient, tenant: Tenant) -> None:
    first, again = create(api), create(api)
    assert (first.status_code, again.content) == (202, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert create(api, name="Other").status_code == 422
    # What only waits may be said better; what is in force has its key for good.
    assert create(api, "better", name="Other").json()["written"]["name"] == "Other"
    publish_draft(tenant)
    taken = create(api, "late")
    assert (taken.status_code, taken.json()["code"], taken.json()["key"]) == (409, "coupon_key_taken", "ten")
    assert taken["Content-Type"] == "application/problem+json"
    assert api.post(PATH, TEN).json()["errors"][0]["pointer"] == "Idempotency-Key"
    with tenant_scope(tenant):
        assert CouponDefinition.objects.get().name == "Other"


@pytest.mark.parametrize(
    ("wrong", "status", "pointer"),
    [
        ({"percent_hundredths": 0}, 422, "/percent_hundredths"),
        ({"percent_hundredths": 10_001}, 400, "/percent_hundredths"),
        ({"percent_hundredths": "ten"}, 400, "/percent_hundredths"),
        ({"kind": "gift"}, 400, "/kind"),
        ({"kind": "amount"}, 422, "/amount_minor"),
        ({"key": "with space"}, 400, "/key"),
        ({"name": ""}, 400, "/name"),
        ({"colour": "red"}, 400, "/colour"),
        ({"campaign": "nothing"}, 422, "/campaign"),
        ({"items": ["nothing"]}, 422, "/items"),
        ({"segments": ["nobody"]}, 422, "/segments"),
        ({"weekdays": [8]}, 400, "/weekdays/0"),
        ({"hour_from": 9}, 422, "/hour_until"),
        ({"valid_from": "2026-03-01"}, 400, "/valid_from"),
        ({"valid_from": "2026-03-02T00:00:00Z", "valid_until": "2026-03-01T00:00:00Z"}, 422, "/valid_until"),
        ({"uses_per_code": 0}, 400, "/uses_per_code"),
        ({"limit_uses": 10**16}, 400, "/limit_uses"),
        ({"code_pattern": "x"}, 422, "/code_pattern"),
        ({"rule": {"all": 5}}, 422, "/rule/all"),
        ({"rule": "\x00"}, 422, "/rule"),
        ({"generic_code": "theirs"}, 409, "/generic_code"),
    ],
)
def test_an_impossible_coupon_names_its_field(
    api: ApiClient, tenant: Tenant, wrong: dict[str, Any], status: int, pointer: str | None
) -> None:
    with tenant_scope(tenant):
        make_definition("theirs", code="THEIRS")
    answer = create(api, **wrong)
    assert answer.status_code == status, answer.content
    assert [error["pointer"] for error in answer.json().get("errors", [])] == ([pointer] if pointer else [])
    with tenant_scope(tenant):
        assert CouponDefinition.objects.count() == CouponCode.objects.count() == 1
        assert not Item.objects.exists()
        assert not ProgramRevision.objects.exists()


def test_a_patch_is_judged_together_with_what_stays(api: ApiClient, tenant: Tenant) -> None:
    path = f"{PATH}/{live(api, tenant, valid_from='2026-03-02T00:00:00Z')['id']}"
    answer = api.patch(path, {"valid_until": "2026-03-01T00:00:00Z"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/valid_until")
    assert api.patch(path, {"key": "other"}).json()["errors"][0]["code"] == "unknown_field"
    assert api.patch(path, {}).status_code == 202


def test_a_coupon_joins_a_campaign_and_leaves_it_by_null(api: ApiClient, tenant: Tenant) -> None:
    api.post("/coupon-campaigns", {"key": "spring", "name": "Spring"})
    path = f"{PATH}/{live(api, tenant, campaign='spring')['id']}"
    assert api.get(path).json()["campaign"] == "spring"
    api.patch(path, {"name": "Tenth"})
    publish_draft(tenant)
    assert api.get(path).json()["campaign"] == "spring"
    api.patch(path, {"campaign": None})
    publish_draft(tenant)
    assert api.get(path).json()["campaign"] is None


def test_a_key_that_only_reads_writes_nothing(tenant: Tenant, actor: Actor, api: ApiClient) -> None:
    reader = ApiClient(key_for(tenant, actor, scopes=[Permission.COUPONS_VIEW]))
    made = live(api, tenant)
    assert reader.get(f"{PATH}/{made['id']}").json() == made
    assert create(reader, "r", key="other").status_code == 403
    assert reader.patch(f"{PATH}/{made['id']}", {"name": "x"}).status_code == 403
    assert reader.post(f"{PATH}/{made['id']}/archive").status_code == 403


@pytest.mark.parametrize(
    ("asked", "limit"), [({}, None), ({"uses_per_code": 1}, 1), ({"uses_per_code": 9}, 9)]
)
def test_a_code_for_everybody_is_not_used_up_by_the_first(
    api: ApiClient, tenant: Tenant, asked: dict[str, Any], limit: int | None
) -> None:
    assert live(api, tenant, generic_code="WELCOME", **asked)["uses_per_code"] == limit
    paid = [
        api.post("/coupons/redeem", {"codes": ["welcome"], "cart": CART}, Idempotency_Key=key).status_code
        for key in ("a", "b")
    ]
    assert paid == ([201, 409] if limit == 1 else [201, 201])


def test_a_code_of_ones_own_has_one_use(api: ApiClient, tenant: Tenant) -> None:
    assert live(api, tenant)["uses_per_code"] == 1
