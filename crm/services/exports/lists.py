"""What can be exported: each app registers its lists with their columns and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from crm.models import Customer, CustomerState, Event, Item, Order, OrderLine
from crm.services.exports.errors import UnknownList
from tenants.domain.permissions import Permission
from tenants.errors import FieldError, InvalidInput
from tenants.scope import active_tenant

# Rows fetched at a time by the server-side cursor.
_FETCHED: Final = 2_000
Row = tuple[Any, ...]
Filters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, and what it holds: ``text``, ``number``, ``moment``, ``day`` or ``yes``."""

    name: str
    type: str = "text"


@dataclass(frozen=True, slots=True)
class ExportList:
    """One list. ``rows`` yields them by a server-side cursor; ``filters`` are the names it knows.

    ``rows`` also fills the export's report while they go by, e.g. with who was left out. Without a filter of
    ``needs`` there is no such list.
    """

    key: str
    label: Any
    permission: Permission
    columns: tuple[Column, ...]
    rows: Callable[[Filters, dict[str, int]], Iterator[Row]]
    filters: frozenset[str] = frozenset()
    formats: tuple[str, ...] = ("csv", "xlsx", "parquet")
    needs: frozenset[str] = frozenset()


_list_by_key: dict[str, ExportList] = {}
# The back office's own list of customers knows filters that this app does not.
_customer_filters: list[Callable[[Filters], QuerySet[Customer]]] = []


def register(entry: ExportList) -> None:
    """Offer a list; a second registration of its key replaces the first."""
    _list_by_key[entry.key] = entry


def list_of(key: str) -> ExportList:
    """Return a registered list. Raises ``UnknownList``."""
    if key not in _list_by_key:
        raise UnknownList(f"There is no list “{key}”; there are {', '.join(_list_by_key)}.")
    return _list_by_key[key]


def all_lists() -> list[ExportList]:
    """Return every list that can be exported, in the order of registration."""
    return list(_list_by_key.values())


def checked_filters(entry: ExportList, filters: Filters) -> Filters:
    """Return the filters. Raises ``InvalidInput`` for one the list does not know, or needs."""
    unknown = sorted(set(filters) - entry.filters)
    if unknown:
        raise InvalidInput(
            errors=[FieldError(f"/filters/{name}", "unknown_field", "Unknown filter.") for name in unknown]
        )
    given = {name: str(value) for name, value in filters.items() if value not in (None, "")}
    missing = [
        FieldError(f"/filters/{name}", "required", "The list needs this filter.")
        for name in sorted(entry.needs - set(given))
    ]
    wrong = [
        FieldError(f"/filters/{name}", "invalid", f"The id of a {name}.")
        for name in ("segment", "customer")
        if name in given and not _is_id(given[name])
    ]
    if missing or wrong:
        raise InvalidInput(errors=[*missing, *wrong])
    return given


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def customers_by(filters: Filters) -> QuerySet[Customer]:
    """Return the customers of a filter: ``segment`` is a public id."""
    customers = Customer.objects.exclude(state__in=[CustomerState.MERGED, CustomerState.ANONYMISED])
    if segment := filters.get("segment"):
        customers = customers.filter(segment_memberships__segment__public_id=segment)
    return customers.order_by("pk")


def narrowed_by(find: Callable[[Filters], QuerySet[Customer]]) -> None:
    """Let a higher app find the customers of a filter, with more filters than this app knows."""
    _customer_filters[:] = [find]


def found_customers(filters: Filters) -> QuerySet[Customer]:
    """Return the customers that the filters of the back office's list find."""
    return (_customer_filters or [customers_by])[-1](filters)


def moment_of(filters: Filters, name: str) -> datetime | None:
    """Return a filter as a moment; a day begins at midnight where the tenant is. Raises ``InvalidInput``."""
    text = filters.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        wrong = FieldError(f"/filters/{name}", "invalid", "A date or moment.")
        raise InvalidInput(errors=[wrong]) from error
    # Compared by PostgreSQL as an instant: a midnight that daylight saving skips is the end of the gap.
    return moment if moment.tzinfo else moment.replace(tzinfo=active_tenant().zone)


def streamed(rows: QuerySet[Any], *fields: str) -> Iterator[Row]:
    """Yield the fields of the rows by a server-side cursor: memory does not grow with their number."""
    yield from rows.values_list(*fields).iterator(chunk_size=_FETCHED)


def _customers(filters: Filters, aside: dict[str, int]) -> Iterator[Row]:
    names = [
        "external_id", "public_id", "persons__email", "persons__phone", "persons__given_name",
        "persons__family_name", "persons__birth_on", "persons__postcode", "persons__city", "persons__country",
        "persons__locale", "order_summaries__orders_count", "order_summaries__revenue_minor",
        "order_summaries__last_order_at", "first_seen_at", "last_seen_at", "attributes",
    ]  # fmt: skip
    return streamed(found_customers(filters).order_by("pk"), *names)


def _within(rows: QuerySet[Any], field: str, filters: Filters) -> QuerySet[Any]:
    for name, lookup in (("since", "gte"), ("until", "lt")):
        if moment := moment_of(filters, name):
            rows = rows.filter(**{f"{field}__{lookup}": moment})
    return rows


def _orders(filters: Filters, aside: dict[str, int]) -> Iterator[Row]:
    orders = _within(Order.objects.order_by("pk"), "placed_at", filters)
    return streamed(
        orders, "external_id", "customer__external_id", "placed_at", "currency", "gross_minor",
        "store_discount_minor", "coupon_discount_minor", "total_minor", "channel",
    )  # fmt: skip


def _lines(filters: Filters, aside: dict[str, int]) -> Iterator[Row]:
    lines = _within(OrderLine.objects.order_by("order", "position"), "order__placed_at", filters)
    return streamed(
        lines, "order__external_id", "order__customer__external_id", "order__placed_at", "position", "sku",
        "item__name", "quantity", "unit_price_minor", "gross_minor", "store_discount_minor",
        "coupon_discount_minor", "total_minor",
    )  # fmt: skip


def _items(filters: Filters, aside: dict[str, int]) -> Iterator[Row]:
    return streamed(
        Item.objects.order_by("pk"), "external_id", "name", "category", "subcategory", "brand", "price_minor",
        "is_active", "attributes",
    )  # fmt: skip


def _events(filters: Filters, aside: dict[str, int]) -> Iterator[Row]:
    events = _within(Event.objects.order_by("occurred_at", "message_id"), "occurred_at", filters)
    if name := filters.get("name"):
        events = events.filter(name=name)
    return streamed(events, "message_id", "name", "occurred_at", "customer__external_id", "properties")


def columns_of(*named: str) -> tuple[Column, ...]:
    """Return columns from ``name`` or ``name:type``."""
    return tuple(Column(*each.split(":")) for each in named)


_SPAN: Final = frozenset({"since", "until"})
_DOCUMENT: Final = (
    "gross_minor:number",
    "store_discount_minor:number",
    "coupon_discount_minor:number",
    "total_minor:number",
)
register(ExportList(
    "customers", _("Customers"), Permission.CUSTOMERS_VIEW,
    columns_of("customer id", "id", "email", "phone", "given name", "family name", "birth on:day",
        "postcode", "city",
             "country", "locale", "orders:number", "revenue_minor:number", "last order at:moment",
             "first seen at:moment", "last seen at:moment", "attributes"),
    _customers, frozenset({"segment", "q", "tier", "last_order", "at_risk"}),
))  # fmt: skip
register(ExportList(
    "orders", _("Orders"), Permission.ORDERS_VIEW,
    columns_of("order id", "customer id", "placed at:moment", "currency", *_DOCUMENT, "channel"), _orders,
        _SPAN,
))  # fmt: skip
register(ExportList(
    "order_lines", _("Order lines"), Permission.ORDERS_VIEW,
    columns_of("order id", "customer id", "placed at:moment", "position:number", "item id", "item name",
             "quantity:number", "unit_price_minor:number", *_DOCUMENT),
    _lines, _SPAN,
))  # fmt: skip
register(ExportList(
    "items", _("Items"), Permission.ITEMS_VIEW,
    columns_of("item id", "name", "category", "subcategory", "brand", "price_minor:number",
        "is active:yes", "attributes"),
    _items,
))  # fmt: skip
register(ExportList(
    "events", _("Events"), Permission.EVENTS_VIEW,
    columns_of("message id", "name", "occurred at:moment", "customer id", "properties"), _events,
    _SPAN | {"name"},
))  # fmt: skip
