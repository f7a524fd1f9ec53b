"""What models learn from: purchases and interactions of customers who may be profiled.

Customers who may not, and merged or erased ones, are left out here, so that no model can see them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db import connection

from recommendations.queries.columns import integer_columns
from tenants.models import Tenant
from tenants.scope import active_tenant_id

if TYPE_CHECKING:
    from recommendations.ml.arrays import Integers
    from recommendations.ml.history import PurchaseHistory
    from recommendations.ml.splits import Interactions

EPOCH = date(1970, 1, 1)
# Older interactions say little about taste now and make the matrix heavy.
INTERACTION_DAYS = 730

_PURCHASE_DAYS = """
    SELECT o.customer_id AS customer,
           (o.placed_at AT TIME ZONE %(zone)s)::date - DATE '1970-01-01' AS day,
           count(*) AS orders,
           sum(o.total_minor)::int8 AS total,
           sum(o.store_discount_minor + o.coupon_discount_minor)::int8 AS discount
      FROM crm_order o
      JOIN crm_customer c ON c.tenant_id = o.tenant_id AND c.id = o.customer_id
     WHERE o.tenant_id = %(tenant)s AND c.tenant_id = %(tenant)s AND c.may_profile AND c.state = 'active'
     GROUP BY o.customer_id, day
"""
# The day is computed once an order, not once a line; few items are inactive, so the anti-join costs nothing.
_INTERACTIONS = """
    WITH visits AS MATERIALIZED (
        SELECT o.id, o.customer_id, (o.placed_at AT TIME ZONE %(zone)s)::date - DATE '1970-01-01' AS day
          FROM crm_order o
          JOIN crm_customer c ON c.tenant_id = o.tenant_id AND c.id = o.customer_id
         WHERE o.tenant_id = %(tenant)s AND c.tenant_id = %(tenant)s AND c.may_profile AND c.state = 'active'
           AND o.placed_at >= (%(since)s::date)::timestamp AT TIME ZONE %(zone)s
    )
    SELECT v.customer_id AS customer, l.item_id AS item, v.day AS day
      FROM crm_orderline l
      JOIN visits v ON v.id = l.order_id
     WHERE l.tenant_id = %(tenant)s AND l.kind = 'product' AND l.item_id IS NOT NULL
       AND NOT EXISTS (
           SELECT FROM crm_item i WHERE i.tenant_id = %(tenant)s AND i.id = l.item_id AND NOT i.is_active
       )
"""
_LATEST_DAY = """
    SELECT ((max(placed_at) AT TIME ZONE %(zone)s)::date - DATE '1970-01-01') FROM crm_order
     WHERE tenant_id = %(tenant)s AND customer_id IS NOT NULL
"""


@dataclass(frozen=True, slots=True, eq=False)
class CustomerPurchases:
    """`history` numbers customers by their place in `customer_ids`; `today` is the day after the last order.

    The data's own last day is "now": a tenant that has imported an old history is modelled as of its end.
    """

    customer_ids: Integers
    history: PurchaseHistory
    today: int

    @property
    def cut_off_on(self) -> date:
        return EPOCH + timedelta(days=self.today)


@dataclass(frozen=True, slots=True, eq=False)
class ItemInteractions:
    """`interactions` numbers customers and items by their places in `customer_ids` and `item_ids`."""

    customer_ids: Integers
    item_ids: Integers
    interactions: Interactions
    today: int

    @property
    def cut_off_on(self) -> date:
        return EPOCH + timedelta(days=self.today)


def customer_purchases(tenant: Tenant) -> CustomerPurchases:
    """Purchase days of every customer with an order, aggregated by the database."""
    import numpy as np  # noqa: PLC0415 - slow to import

    from recommendations.ml.history import PurchaseHistory  # noqa: PLC0415

    found = integer_columns(
        _PURCHASE_DAYS,
        {"tenant": active_tenant_id(), "zone": tenant.time_zone},
        {"customer": 8, "day": 4, "orders": 8, "total": 8, "discount": 8},
    )
    order = np.lexsort((found["day"], found["customer"]))
    customer_ids, customer = np.unique(found["customer"][order], return_inverse=True)
    history = PurchaseHistory(
        customer=customer.astype(np.int64),
        day=found["day"][order],
        orders=found["orders"][order],
        total_minor=found["total"][order],
        discount_minor=found["discount"][order],
        customers=len(customer_ids),
    )
    return CustomerPurchases(customer_ids, history, history.last_day() + 1)


def day_after_last_order(tenant: Tenant) -> int:
    """The data's own "now", in days since 1970-01-01; 1 before the first order."""
    with connection.cursor() as cursor:
        cursor.execute(_LATEST_DAY, {"tenant": active_tenant_id(), "zone": tenant.time_zone})
        (day,) = cursor.fetchone()
    return int(day or 0) + 1


def item_interactions(tenant: Tenant, *, today: int) -> ItemInteractions:
    """Who bought which active item on which day, over the two years before `today`."""
    from recommendations.ml.splits import Interactions  # noqa: PLC0415 - NumPy is slow to import

    with connection.cursor() as cursor:
        # The orders' hash table then stays in memory; the setting ends with the scope.
        cursor.execute("SET LOCAL work_mem = '64MB'")
    found = integer_columns(
        _INTERACTIONS,
        {
            "tenant": active_tenant_id(),
            "zone": tenant.time_zone,
            "since": EPOCH + timedelta(days=today - INTERACTION_DAYS),
        },
        {"customer": 8, "item": 8, "day": 4},
    )
    customer_ids, customer = _numbered(found["customer"])
    item_ids, item = _numbered(found["item"])
    interactions = Interactions.distinct(
        customer, item, found["day"], customers=len(customer_ids), items=len(item_ids)
    )
    return ItemInteractions(customer_ids, item_ids, interactions, today)


def _numbered(values: Integers) -> tuple[Integers, Integers]:
    """Sorted distinct values and the place of each value among them."""
    import numpy as np  # noqa: PLC0415 - slow to import

    if not len(values):
        return values, values
    lowest, highest = int(values.min()), int(values.max())
    if highest - lowest > 50 * len(values) + 1_000_000:
        distinct, place = np.unique(values, return_inverse=True)
        return distinct, place.astype(np.int64)
    # Ids of one tenant lie close together: a table of flags is much faster than sorting a million values.
    seen = np.zeros(highest - lowest + 1, dtype=bool)
    seen[values - lowest] = True
    place = np.cumsum(seen) - 1
    return np.flatnonzero(seen) + lowest, place[values - lowest]
