from __future__ import annotations

from django.db import connection
from django.db.models import Case, IntegerField, QuerySet, Value, When

from crm.models import Customer

SHORTEST_SEARCH = 2


def with_details() -> QuerySet[Customer]:
    """Customers with personal data, order totals, traits and identities: a fixed number of queries a page."""
    found: QuerySet[Customer] = Customer.objects.prefetch_related(
        "persons", "order_summaries", "computed_traits", "identities"
    )
    return found


def ids_found(query: str, limit: int = 20) -> list[int]:
    """Ids of customers whose external id, e-mail, name, phone or card begins so, the best first."""
    if len(query.strip()) < SHORTEST_SEARCH:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT customer_id FROM crm_search_customers(%s, %s)", [query.replace("\0", ""), limit]
        )
        return [row[0] for row in cursor.fetchall()]


def search(query: str, limit: int = 20) -> QuerySet[Customer]:
    """The customers of `ids_found`, in its order."""
    ids = ids_found(query, limit)
    rank = Case(*[When(pk=pk, then=Value(at)) for at, pk in enumerate(ids)], output_field=IntegerField())
    return with_details().filter(pk__in=ids).order_by(rank if ids else "pk")
