from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import ProgrammingError, transaction

from crm.models import Customer, Item, Order, OrderLine
from recommendations.queries.columns import integer_columns
from recommendations.queries.training_data import EPOCH, customer_purchases, item_interactions
from tenants.models import Tenant
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db


def place(customer: Customer, item: Item | None, at: datetime, total: int = 500, discount: int = 0) -> Order:
    order = Order.objects.create(
        external_id=f"{customer.external_id} {at.isoformat()}",
        customer=customer,
        placed_at=at,
        currency="USD",
        gross_minor=total + discount,
        store_discount_minor=discount,
        total_minor=total,
    )
    OrderLine.objects.create(
        order=order,
        position=1,
        item=item,
        sku="x",
        kind="product" if item else "charge",
        quantity=1,
        unit_price_minor=total,
        gross_minor=total,
        total_minor=total,
    )
    return order


def made(name: str, now: datetime, **fields: object) -> Customer:
    return Customer.objects.create(external_id=name, created_at=now, updated_at=now, **fields)


def good(name: str, now: datetime, **fields: object) -> Item:
    return Item.objects.create(external_id=name, name=name, created_at=now, updated_at=now, **fields)


@pytest.fixture
def _shop(tenant: Tenant, other_tenant: Tenant, now: datetime) -> None:
    with tenant_scope(other_tenant):
        place(made("foreign", now), good("foreign", now), datetime(2026, 2, 1, tzinfo=UTC))
    with tenant_scope(tenant):
        first, second = made("first", now), made("second", now)
        shy = made("shy", now, may_profile=False)
        gone = made("gone", now, state="anonymised")
        tea, old = good("tea", now), good("old", now, is_active=False)
        # 03:00 in London is still the evening before in New York, the tenant's zone.
        place(first, tea, datetime(2026, 1, 2, 3, tzinfo=UTC), 700, 300)
        place(first, tea, datetime(2026, 1, 1, 20, tzinfo=UTC), 100)
        place(first, old, datetime(2026, 1, 5, 20, tzinfo=UTC))
        place(second, None, datetime(2026, 1, 6, 20, tzinfo=UTC))
        place(shy, tea, datetime(2026, 1, 9, 20, tzinfo=UTC))
        place(gone, tea, datetime(2026, 1, 9, 20, tzinfo=UTC))


@pytest.mark.usefixtures("_shop")
def test_purchase_days_are_the_tenants_days_of_those_who_consent(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        found = customer_purchases(tenant)
        ids = list(
            Customer.objects.filter(external_id__in=["first", "second"])
            .order_by("pk")
            .values_list("pk", flat=True)
        )
    assert found.customer_ids.tolist() == ids
    first_day = (date(2026, 1, 1) - EPOCH).days
    assert found.history.customer.tolist() == [0, 0, 1]
    assert (found.history.day - first_day).tolist() == [0, 4, 5]
    assert found.history.orders.tolist() == [2, 1, 1]
    assert found.history.total_minor.tolist() == [800, 500, 500]
    assert found.history.discount_minor.tolist() == [300, 0, 0]
    assert found.cut_off_on == date(2026, 1, 7)


@pytest.mark.usefixtures("_shop")
def test_interactions_are_products_that_can_be_recommended(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        today = customer_purchases(tenant).today
        found = item_interactions(tenant, today=today)
        assert found.item_ids.tolist() == [Item.objects.get(external_id="tea").pk]
        assert found.customer_ids.tolist() == [Customer.objects.get(external_id="first").pk]
    # Two orders on one day are one day of interest.
    assert found.interactions.day.tolist() == [(date(2026, 1, 1) - EPOCH).days]


@pytest.mark.usefixtures("_shop")
def test_interactions_older_than_two_years_are_left_out(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        later = (date(2028, 1, 1) - EPOCH).days
        assert len(item_interactions(tenant, today=later).interactions.day) == 1
        assert len(item_interactions(tenant, today=later + 1).interactions.day) == 0


def test_nobody_bought_anything(scope: Tenant) -> None:
    found = customer_purchases(scope)
    assert found.customer_ids.size == 0
    assert item_interactions(scope, today=found.today).interactions.day.size == 0


def test_columns_of_every_width(scope: Tenant) -> None:
    found = integer_columns(
        "SELECT n AS large, -n::int4 AS middle, n::int2 AS small"
        " FROM generate_series(1, 30000000000, %(step)s) n LIMIT 3",
        {"step": 10_000},
        {"large": 8, "middle": 4, "small": 2},
    )
    rows = sorted(zip(*(values.tolist() for values in found.values()), strict=True))
    assert rows == [(1, -1, 1), (10_001, -10_001, 10_001), (20_001, -20_001, 20_001)]


def test_columns_refuse_nulls_instead_of_losing_the_row(scope: Tenant) -> None:
    with pytest.raises(ValueError, match="2 rows hold nulls in first, second"):
        integer_columns(
            "SELECT * FROM (VALUES (1::int8, 2::int8), (2, NULL)) AS pairs (first, second)",
            {},
            {"first": 8, "second": 8},
        )


def test_columns_refuse_what_does_not_fit(scope: Tenant) -> None:
    with pytest.raises(ProgrammingError, match="int4send"), transaction.atomic():
        integer_columns("SELECT 1::int8 AS value", {}, {"value": 4})
