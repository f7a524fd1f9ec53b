"""What models learn from: purchases and interactions of customers who may be profiled.

Customers who may not, and merged or erased ones, are left out here, so that no model can see them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

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
    SELECT o.customer_id::int8,
           ((o.placed_at AT TIME ZONE %(zone)s)::date - DATE '1970-01-01')::int4 AS day,
           count(*)::int8,
           sum(o.total_minor)::int8,
           sum(o.store_discount_minor + o.coupon_discount_minor)::int8
      FROM crm_order o
      JOIN crm_customer c ON c.tenant_id = o.tenant_id AND c.id = o.customer_id
     WHERE o.tenant_id = %(tenant)s AND c.tenant_id = %(tenant)s AND c.may_profile AND c.state = 'active'
     GROUP BY o.customer_id, day
     ORDER BY o.customer_id, day
"""
_INTERACTIONS = """
    SELECT o.customer_id::int8,
           l.item_id::int8,
           ((o.placed_at AT TIME ZONE %(zone)s)::date - DATE '1970-01-01')::int4
      FROM crm_orderline l
      JOIN crm_order o ON o.tenant_id = l.tenant_id AND o.id = l.order_id
      JOIN crm_customer c ON c.tenant_id = o.tenant_id AND c.id = o.customer_id
      JOIN crm_item i ON i.tenant_id = l.tenant_id AND i.id = l.item_id
     WHERE l.tenant_id = %(tenant)s AND o.tenant_id = %(tenant)s AND c.tenant_id = %(tenant)s
       AND i.tenant_id = %(tenant)s AND l.kind = 'product' AND c.may_profile AND c.state = 'active'
       AND i.is_active AND o.placed_at >= (%(since)s::date)::timestamp AT TIME ZONE %(zone)s
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
    customer_ids, customer = np.unique(found["customer"], return_inverse=True)
    history = PurchaseHistory(
        customer=customer.astype(np.int64),
        day=found["day"],
        orders=found["orders"],
        total_minor=found["total"],
        discount_minor=found["discount"],
        customers=len(customer_ids),
    )
    return CustomerPurchases(customer_ids, history, history.last_day() + 1)


def item_interactions(tenant: Tenant, *, today: int) -> ItemInteractions:
    """Who bought which active item on which day, over the two years before `today`."""
    import numpy as np  # noqa: PLC0415 - slow to import

    from recommendations.ml.splits import Interactions  # noqa: PLC0415

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
    return ItemInteractions(np.asarray(customer_ids), np.asarray(item_ids), interactions, today)


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
