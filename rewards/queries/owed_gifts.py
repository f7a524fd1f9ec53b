"""What emergency brakes kept back from customers."""

from __future__ import annotations

from django.db.models import QuerySet

from crm.models import Customer
from rewards.models import OwedGift


def of_customer(customer: Customer) -> QuerySet[OwedGift]:
    """Return what a customer is or was owed, the latest first."""
    found: QuerySet[OwedGift] = OwedGift.objects.filter(customer=customer)
    return found.order_by("-pk")
