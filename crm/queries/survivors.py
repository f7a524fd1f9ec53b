"""Who a customer is after merges."""

from __future__ import annotations

from crm.models import Customer, CustomerState


def survivor_of(customer_id: int) -> Customer | None:
    """Return the customer, or the one they were merged into; None when that one was anonymised."""
    customer: Customer | None = Customer.objects.filter(pk=customer_id).first()
    while customer is not None and customer.merged_into is not None:
        customer = customer.merged_into
    return None if customer is None or customer.state == CustomerState.ANONYMISED else customer
