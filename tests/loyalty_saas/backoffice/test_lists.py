"""Lists ask the database the same number of questions for one row and for five."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.services import customers
from rewards.models import Reward
from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.services import memberships
from tests.conftest import NOW
from tests.loyalty_saas.backoffice import filling, filling_coupons
from tests.loyalty_saas.backoffice.filling import Filled
from tests.loyalty_saas.backoffice.test_access import address


def _customer_with_order(actor: Actor, number: int) -> None:
    filling.add_order(filling.add_customer(actor, "More", number), actor, "More", number)


def _member(actor: Actor, number: int) -> None:
    user = User.objects.create_user(email=f"more{number}@example.com")
    memberships.add(user=user, role=Role.ANALYST, by=actor, at=NOW)


def _reward(actor: Actor, number: int) -> None:
    mug = Reward.objects.get(key="mug")
    Reward.objects.create(
        key=f"r{number}", name=f"r{number}", wallet=mug.wallet, cost_points=5, created_at=NOW, updated_at=NOW
    )


def _redemption(actor: Actor, number: int) -> None:
    customer, reward = filling.add_customer(actor, "More", number), Reward.objects.get(key="mug")
    filling_coupons.add_redemption(customer, reward, actor, "More")


ADDERS: dict[str, Callable[[Actor, int], Any]] = {
    "customers": _customer_with_order,
    "orders": _customer_with_order,
    "items": _customer_with_order,
    "admin:index": _customer_with_order,
    "segment": _customer_with_order,
    "segments": lambda actor, number: filling.add_segment(actor, "More", number),
    "imports": lambda actor, number: filling.add_run("More", number),
    "models": lambda actor, number: filling.add_version("More", number),
    "jobs": lambda actor, number: filling.add_job("More", number),
    "api_keys": lambda actor, number: filling.add_key(actor, "More", number),
    "audit": lambda actor, number: filling.add_job("More", number),
    "team": _member,
    "rewards": _reward,
    "coupons": lambda actor, number: filling_coupons.add_definition(actor, "More", number),
    "coupon_campaigns": lambda actor, number: filling_coupons.add_campaign(actor, "More", number),
    "redemptions": _redemption,
}


@pytest.mark.parametrize("name", sorted(ADDERS))
def test_queries_do_not_grow_with_rows(name: str, filled: Filled, staff: Client, actor: Actor) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert staff.get(address(name, filled)).status_code == 200
        return len(captured)

    # The first page of a minute also counts frozen accounts, for the cache.
    queries()
    before = queries()
    with tenant_scope(filled.tenant):
        for number in range(2, 6):
            ADDERS[name](actor, number)
    assert queries() == before


def test_search_filter_and_order_of_customers(filled: Filled, staff: Client, actor: Actor) -> None:
    with tenant_scope(filled.tenant):
        second = filling.add_customer(actor, "Zebra", 2)
        filling.add_order(second, actor, "Zebra", 2)
        filling.add_order(second, actor, "Zebra", 3)
    page = staff.get(address("customers", filled), {"q": "zebra"})
    assert [row["customer"] for row in page.context["customers"]] == [second]
    page = staff.get(address("customers", filled), {"sort": "-revenue"})
    assert [row["customer"].display_name for row in page.context["customers"]] == [
        "Zebra Family2",
        "Ownmark Family1",
        "Ownmark Again",
    ]
    assert [row["risk"] for row in page.context["customers"]] == [0.75, 0.75, None]
    page = staff.get(address("customers", filled), {"at_risk": "on", "last_order": "never"})
    assert page.context["customers"] == []
    assert [chip.label for chip in page.context["chips"]] == ["Last order", "At risk"]


@pytest.mark.parametrize(
    "query", ["?page=x", "?page=-1", "?page=999999999999", "?sort=nope", "?q=%00", "?since=x"]
)
def test_wrong_addresses_show_the_list(query: str, filled: Filled, staff: Client) -> None:
    for name in ("customers", "orders", "items", "jobs", "audit"):
        assert staff.get(address(name, filled) + query).status_code == 200, name


def test_customer_without_orders_name_or_points_is_listed_and_shown(
    filled: Filled, staff: Client, actor: Actor
) -> None:
    with tenant_scope(filled.tenant):
        bare = customers.create(external_id="bare", by=actor, at=NOW)
    page = staff.get(address("customers", filled))
    names = {row["customer"].display_name for row in page.context["customers"]}
    assert names == {"Ownmark Family1", "Ownmark Again", "bare"}
    for tab in ("", "?tab=recommendations", "?tab=decisions", "?tab=data"):
        assert staff.get(f"/t/acme/customers/{bare.public_id}/{tab}").status_code == 200


def test_empty_tenant_says_what_to_do_next(tenant: Tenant, staff: Client) -> None:
    for path in (
        "",
        "customers/",
        "orders/",
        "items/",
        "segments/",
        "imports/",
        "program/",
        "rewards/",
        "jobs/",
    ):
        page = staff.get(f"/t/acme/{path}").content.decode()
        assert "b-empty" in page, path
    assert staff.get("/t/acme/program/edit/").status_code == 200
    assert staff.get("/t/acme/models/").status_code == 200
