"""Who a customer is after merges."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db import connection

from crm.models import Customer, CustomerState
from tenants.scope import active_tenant_id

_HOLDERS: Final = """
WITH RECURSIVE held AS (
    SELECT id, id AS holder FROM unnest(%(ids)s::bigint[]) AS id
  UNION ALL
    SELECT c.id, held.holder FROM held
    JOIN crm_customer c ON c.tenant_id = %(tenant)s AND c.merged_into_id = held.id
)
SELECT id, holder FROM held
"""


def survivor_of(customer_id: int) -> Customer | None:
    """Return the customer, or the one they were merged into; None when that one was anonymised."""
    customer: Customer | None = Customer.objects.filter(pk=customer_id).first()
    while customer is not None and customer.merged_into is not None:
        customer = customer.merged_into
    return None if customer is None or customer.state == CustomerState.ANONYMISED else customer


def holders(customer_ids: Collection[int]) -> dict[int, int]:
    """Map the customers, and all that were merged into them, to whom each of them is now.

    For rows that never change: they stay under the number they were written for.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS, {"tenant": active_tenant_id(), "ids": list(customer_ids)})
        return dict(cursor.fetchall())
