from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Customer, CustomerPolicy, Item
from recommendations.models import ModelVersion, RecommendationList, Slot
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.recommendations.shops import open_shop
from tests.recommendations.versions import stored_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(tenant: Tenant, now: datetime) -> tuple[Customer, list[Item], ModelVersion]:
    """A customer with a list of three: liked, popular, and an item that was switched off since."""
    with tenant_scope(tenant):
        (customer,), goods = open_shop(customers=1, items=6, days=30)
        version = stored_version(parameters={"popular": [{"item_id": goods[5].pk, "customers": 9}]}, at=now)
        Item.objects.filter(pk=goods[2].pk).update(is_active=False)
        RecommendationList.objects.create(
            customer=customer,
            slot=Slot.NEW_FOR_YOU,
            model_version=version,
            item_ids=[goods[2].pk, goods[0].pk, goods[1].pk],
            scores=[0.9, 0.8, 0.7],
            reasons=[
                {"kind": "liked", "item_id": goods[4].pk},
                {"kind": "liked", "item_id": goods[3].pk},
                {"kind": "popular", "customers": 4, "days": 30},
            ],
            computed_at=now,
        )
        RecommendationList.objects.create(
            customer=customer,
            slot=Slot.BUY_AGAIN,
            model_version=version,
            item_ids=[goods[3].pk, goods[4].pk],
            scores=[2.5, 1.0],
            reasons=[
                {"kind": "bought", "times": 7, "every_days": 12},
                {"kind": "bought", "times": 1, "every_days": 0},
            ],
            computed_at=now,
        )
    return customer, goods, version


def path(customer: Customer, query: str = "") -> str:
    return f"/customers/{customer.public_id}/recommendations{query}"


def test_new_for_you_with_reasons(api: Any, shop: Any) -> None:
    customer, goods, _ = shop
    answer = api.get(path(customer, "?slot=new_for_you&limit=2"))
    assert answer.status_code == 200
    body = answer.json()
    assert (body["slot"], body["is_personal"], body["model_version"]) == (
        "new_for_you",
        True,
        "recommender-1",
    )
    first, second = body["data"]
    assert first["position"] == 1
    assert first["score"] == 0.8
    assert first["item"] == {
        "id": str(goods[0].public_id),
        "external_id": "shop-i0",
        "name": "shop item 0",
        "category": "left",
        "brand": "",
        "price_minor": 100,
    }
    assert first["reason"]["kind"] == "liked"
    assert first["reason"]["text"] == "Because you bought shop item 3"
    assert first["reason"]["item"]["external_id"] == "shop-i3"
    assert second["reason"] == {"kind": "popular", "text": "Popular this month", "item": None}


def test_buy_again_says_how_often(api: Any, shop: Any) -> None:
    body = api.get(path(shop[0], "?slot=buy_again")).json()
    assert [entry["reason"]["text"] for entry in body["data"]] == [
        "You bought it 7 times, about every 12 days",
        "You bought it 1 time",
    ]


def test_reasons_speak_the_readers_language_without_failing(api: Any, shop: Any) -> None:
    answer = api.get(path(shop[0], "?slot=buy_again"), Accept_Language="zh-hans")
    assert answer.status_code == 200
    assert len(answer.json()["data"]) == 2


def test_limit_and_default_slot(api: Any, shop: Any) -> None:
    body = api.get(path(shop[0], "?limit=1")).json()
    assert body["slot"] == "new_for_you"
    assert len(body["data"]) == 1


def test_a_customer_without_a_list_gets_what_is_popular(
    api: Any, shop: Any, tenant: Tenant, now: datetime
) -> None:
    with tenant_scope(tenant):
        stranger = Customer.objects.create(external_id="new", created_at=now, updated_at=now)
    body = api.get(path(stranger)).json()
    assert (body["is_personal"], body["model_version"]) == (False, "recommender-1")
    (entry,) = body["data"]
    assert entry["item"]["external_id"] == "shop-i5"
    assert entry["score"] is None
    assert entry["reason"]["text"] == "Popular in the last 90 days"
    again = api.get(path(stranger, "?slot=buy_again")).json()
    assert (again["is_personal"], again["data"]) == (False, [])


def test_without_consent_the_own_list_is_not_shown(api: Any, shop: Any, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        Customer.objects.filter(pk=shop[0].pk).update(may_profile=False)
    body = api.get(path(shop[0])).json()
    assert body["is_personal"] is False
    assert [entry["item"]["external_id"] for entry in body["data"]] == ["shop-i5"]


@pytest.mark.parametrize("mode", ["customer", "tenant"])
def test_non_personalised_mode_serves_what_everybody_gets(
    mode: str, api: Any, shop: Any, tenant: Tenant, now: Any
) -> None:
    with tenant_scope(tenant):
        if mode == "customer":
            Customer.objects.filter(pk=shop[0].pk).update(may_personalise=False)
        else:
            CustomerPolicy.objects.create(is_non_personalised=True, updated_at=now)
    body = api.get(path(shop[0])).json()
    assert body["is_personal"] is False
    assert [entry["item"]["external_id"] for entry in body["data"]] == ["shop-i5"]


def test_before_any_training_popularity_is_counted(api: Any, tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        open_shop(customers=5, items=8, name="other")
    with tenant_scope(tenant):
        people, goods = open_shop(customers=3, items=2, days=20)
    body = api.get(path(people[0])).json()
    assert (body["is_personal"], body["model_version"]) == (False, None)
    # Two even customers bought item 0, one odd customer item 1.
    assert [entry["item"]["external_id"] for entry in body["data"]] == ["shop-i0", "shop-i1"]
    assert goods[0].category == "left"


def test_an_empty_shop_recommends_nothing(api: Any, tenant: Tenant, now: datetime) -> None:
    with tenant_scope(tenant):
        alone = Customer.objects.create(external_id="first", created_at=now, updated_at=now)
    assert api.get(path(alone)).json()["data"] == []


def test_other_tenants_customer_is_not_found(other_api: Any, shop: Any) -> None:
    assert other_api.get(path(shop[0])).status_code == 404


def test_an_unknown_customer_is_not_found(api: Any) -> None:
    answer = api.get(f"/customers/{uuid4()}/recommendations")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("query", "field"),
    [("?slot=old", "/slot"), ("?limit=0", "/limit"), ("?limit=51", "/limit"), ("?limt=5", "/limt")],
)
def test_a_wrong_question_names_the_parameter(api: Any, shop: Any, query: str, field: str) -> None:
    answer = api.get(path(shop[0], query))
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [field]


def test_the_number_of_queries_does_not_grow_with_the_list(api: Any, shop: Any) -> None:
    counts = []
    for limit in (1, 2):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            api.get(path(shop[0], f"?limit={limit}"))
        counts.append([query["sql"] for query in queries if "FROM" in query["sql"]])
    assert len(counts[0]) == len(counts[1])
    ours = [sql for sql in counts[1] if "recommendations_" in sql or "crm_" in sql]
    assert len(ours) == 3
