from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.models import Item, Order, OrderSummary, Return
from crm.services import orders, returns
from tenants.errors import InvalidInput
from tenants.models import OutboxMessage, Tenant
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db


def test_order_adds_up_and_is_announced(crowd: Tenant, scope: Tenant) -> None:
    buyer = factories.customer("c1")
    order = orders.record(
        external_id="o1",
        customer=buyer,
        placed_at=NOW,
        lines=[
            orders.NewLine("a", 2, 150, store_discount_minor=20, coupon_discount_minor=30, name="Apple"),
            orders.NewLine("POST", 1, 400, kind="charge"),
        ],
        by=factories.SYSTEM,
        at=NOW,
    )
    discounts = (order.store_discount_minor, order.coupon_discount_minor)
    assert (order.gross_minor, *discounts, order.total_minor) == (
        700, 20, 30, 650,
    )  # fmt: skip
    assert order.currency == "USD"
    assert list(order.lines.order_by("position").values_list("sku", "kind", "item__name", "total_minor")) == [
        ("a", "product", "Apple", 250),
        ("POST", "charge", None, 400),
    ]
    assert Item.objects.count() == 1
    message = OutboxMessage.objects.get(topic="crm.orders_recorded")
    assert message.payload == {"order_ids": [order.pk]}
    summary = OrderSummary.objects.get(customer=buyer)
    assert (summary.orders_count, summary.revenue_minor) == (1, 650)
    buyer.refresh_from_db()
    assert buyer.last_seen_at == NOW


def test_an_order_is_recorded_once(crowd: Tenant, scope: Tenant) -> None:
    factories.order("o1", None)
    with pytest.raises(orders.OrderAlreadyRecorded):
        factories.order("o1", None)
    assert Order.objects.count() == 1


def test_lines_that_do_not_add_up_are_named(scope: Tenant) -> None:
    with pytest.raises(InvalidInput) as caught:
        orders.record(
            external_id="o1",
            customer=None,
            placed_at=NOW,
            lines=[
                orders.NewLine("a", 0, 1),
                orders.NewLine("b", 1, -1),
                orders.NewLine("c", 1, 100, store_discount_minor=101),
                orders.NewLine("d", 1, 100),
            ],
            by=factories.SYSTEM,
            at=NOW,
        )
    assert [(error.pointer, error.code) for error in caught.value.errors] == [
        ("/lines/0/quantity", "not_positive"),
        ("/lines/1/unit_price_minor", "negative"),
        ("/lines/2", "discount_above_price"),
    ]


def test_return_refunds_its_share(crowd: Tenant, scope: Tenant) -> None:
    buyer = factories.customer("c1")
    order = factories.order("o1", buyer, [("a", 3, 100), ("b", 1, 50)])
    back = factories.returned("r1", order, {1: 2, 2: 1})
    assert back.total_minor == 250
    assert OutboxMessage.objects.get(topic="crm.returns_recorded").payload == {"return_ids": [back.pk]}
    assert OrderSummary.objects.get(customer=buyer).returned_minor == 250
    with pytest.raises(InvalidInput) as caught:
        factories.returned("r2", order, {1: 2, 9: 1})
    assert [(error.pointer, error.code) for error in caught.value.errors] == [
        ("/lines/0/quantity", "quantity_exceeded"),
        ("/lines/1/position", "unknown_line"),
    ]
    with pytest.raises(returns.ReturnAlreadyRecorded):
        factories.returned("r1", order, {1: 1})
    assert Return.objects.count() == 1


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(quantity=st.integers(1, 7), price=st.integers(0, 500), discount=st.integers(0, 500))
def test_all_refunds_together_are_what_was_paid(
    scope: Tenant, quantity: int, price: int, discount: int
) -> None:
    number = Order.objects.count()
    line = orders.NewLine("a", quantity, price, store_discount_minor=min(discount, quantity * price))
    order = orders.record(
        external_id=f"o{number}", customer=None, placed_at=NOW, lines=[line], by=factories.SYSTEM, at=NOW
    )
    refunds = [
        factories.returned(f"r{number}-{one}", order, {1: 1}, returned_at=NOW + timedelta(hours=one))
        for one in range(quantity)
    ]
    assert sum(each.total_minor for each in refunds) == order.total_minor
