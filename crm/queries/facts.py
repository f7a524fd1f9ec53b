from __future__ import annotations

from crm.domain.rules import CustomerFacts
from crm.models import Customer


def of_customer(customer: Customer) -> CustomerFacts:
    """What rules are evaluated on, for one customer; three queries unless prefetched."""
    summary = customer.order_summary
    traits = {
        trait.name: value for trait in customer.computed_traits.all() if (value := trait.value) is not None
    }
    if summary is None:
        return CustomerFacts(attributes=customer.attributes, traits=traits)
    return CustomerFacts(
        attributes=customer.attributes,
        traits=traits,
        orders_count=summary.orders_count,
        revenue_minor=summary.revenue_minor,
        returned_minor=summary.returned_minor,
        first_order_at=summary.first_order_at,
        last_order_at=summary.last_order_at,
    )
