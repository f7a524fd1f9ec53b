from __future__ import annotations

from typing import Any

import pytest

from rewards.models import CouponRecipient
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient
from tests.rewards.coupons import make_definition
from tests.rewards.factories import make_customer
from tests.rewards.publishing import publish_draft

pytestmark = pytest.mark.django_db


def test_a_campaign_is_made_changed_and_listed(api: ApiClient, tenant: Tenant, other_api: ApiClient) -> None:
    with tenant_scope(tenant):
        make_definition("ten")
    ask = {"key": "spring", "name": "Spring", "limit_uses": 5, "definitions": ["ten"]}
    made = api.post("/coupon-campaigns", ask)
    assert (made.status_code, made.json()) == (
        202,
        {
            "draft": 1,
            "behind": None,
            "takes_effect": "on_publication",
            "written": {"key": "spring", "name": "Spring", "limit_uses": 5, "coupons": ["ten"]},
        },
    )
    assert api.get("/coupon-campaigns").json()["data"] == []
    publish_draft(tenant)
    [found] = api.get("/coupon-campaigns").json()["data"]
    assert (found["definitions"], found["uses"]) == (["ten"], 0)
    again = api.post("/coupon-campaigns", ask)
    assert (again.status_code, again.json()["code"]) == (409, "campaign_key_taken")
    path = f"/coupon-campaigns/{found['id']}"
    changed = api.patch(path, {"limit_uses": None, "ends_at": "2026-05-01T00:00:00Z"})
    assert (changed.status_code, api.get(path).json()) == (202, found)
    publish_draft(tenant)
    live = api.get(path).json()
    assert (live["limit_uses"], live["ends_at"], live["name"], live["definitions"]) == (
        None, "2026-05-01T00:00:00Z", "Spring", ["ten"],
    )  # fmt: skip
    assert api.get("/coupon-campaigns?key=spring").json()["data"] == [live]
    assert other_api.patch(path, {"name": "Mine"}).status_code == 404
    assert other_api.get("/coupon-campaigns").json()["data"] == []
    assert api.get("/coupon-campaigns?colour=red").status_code == 400


def test_recipients_are_added_and_may_be_repeated(api: ApiClient, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        customer = make_customer()
    ask = {"key": "mail", "name": "Mail", "is_targeted": True}
    api.post("/coupon-campaigns", ask)
    publish_draft(tenant)
    path = f"/coupon-campaigns/{api.get('/coupon-campaigns').json()['data'][0]['id']}/recipients"
    body = {"customers": [str(customer.public_id)]}
    assert [api.post(path, body).json() for _ in range(2)] == [{"added": 1}, {"added": 0}]
    refused = api.post(path, {"segment": "nobody"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/segment")
    with tenant_scope(tenant):
        assert CouponRecipient.objects.get().customer_id == customer.pk


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "with space"},
        {"limit_uses": 0},
        {"starts_at": "2026-05-01T00:00:00"},
        {"starts_at": "2026-05-01T00:00:00Z", "ends_at": "2026-04-01T00:00:00Z"},
        {"definitions": ["nothing"]},
        {"colour": "red"},
    ],
)
def test_impossible_bodies_name_their_field(api: ApiClient, wrong: dict[str, Any]) -> None:
    answer = api.post("/coupon-campaigns", {"key": "a", "name": "A", **wrong})
    assert answer.status_code in {400, 422}
    assert answer.json()["errors"]
