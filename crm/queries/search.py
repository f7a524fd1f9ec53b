"""Finding customers and items by the beginning of what staff type."""

from __future__ import annotations

from django.db import connection
from django.db.models import Q, QuerySet

from crm.models import Customer, Item


def customer_ids(text: str, *, limit: int) -> list[int]:
    """Return customers whose id, name, e-mail, card or phone begins with ``text``, best first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT customer_id FROM crm_search_customers(%s, %s)", [text, limit])
        return [int(row[0]) for row in cursor.fetchall()]


def customers(text: str, *, limit: int) -> list[Customer]:
    """Return what ``customer_ids`` finds, in its order, with the person at hand."""
    ids = customer_ids(text, limit=limit)
    found = Customer.objects.filter(pk__in=ids).prefetch_related("persons").in_bulk()
    return [found[customer_id] for customer_id in ids if customer_id in found]


def items(text: str) -> QuerySet[Item]:
    """Return items whose id, name or brand begins with ``text``."""
    return Item.objects.filter(
        Q(external_id__startswith=text) | Q(name__istartswith=text) | Q(brand__istartswith=text)
    )
