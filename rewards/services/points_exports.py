"""Points as lists to export: statements of all members or of one, and every movement behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from crm.services.exports.lists import ExportList, Filters, Row, columns_of, moment_of, register, streamed
from rewards.models import LedgerEntry
from rewards.queries import statements
from tenants.domain.permissions import Permission

_FILTERS: Final = frozenset({"since", "until", "customer"})


def _customer_id(filters: Filters) -> int | None:
    """Return the customer of the filter, 0 for one that is not there, None for everybody."""
    if not (public_id := filters.get("customer")):
        return None
    found = Customer.objects.filter(public_id=public_id).values_list("pk", flat=True).first()
    return found or 0


def _statements(filters: Filters, aside: dict[str, int]) -> Iterator[Row]:
    return statements.of_members(
        begins=moment_of(filters, "since"),
        ends=moment_of(filters, "until"),
        customer_id=_customer_id(filters),
    )


def _movements(filters: Filters, aside: dict[str, int]) -> Iterator[Row]:
    entries = LedgerEntry.objects.filter(account__isnull=False)
    if since := moment_of(filters, "since"):
        entries = entries.filter(transaction__posted_at__gte=since)
    if until := moment_of(filters, "until"):
        entries = entries.filter(transaction__posted_at__lt=until)
    if (customer_id := _customer_id(filters)) is not None:
        entries = entries.filter(account__customer=customer_id)
    return streamed(
        entries.order_by("account_id", "seq"), "account__customer__external_id", "account__wallet__key",
        "seq", "transaction__posted_at", "transaction__occurred_at", "transaction__kind", "points",
        "balance_after", "transaction__source_type", "transaction__source_id", "transaction__reason",
        "transaction__actor_label",
    )  # fmt: skip


register(ExportList(
    "points_statement", _("Points statement"), Permission.POINTS_VIEW,
    columns_of("customer id", "wallet", *(f"{name}:number" for name in statements.COLUMNS)),
    _statements, _FILTERS,
))  # fmt: skip
register(ExportList(
    "points_movements", _("Points movements"), Permission.POINTS_VIEW,
    columns_of("customer id", "wallet", "number:number", "posted at:moment", "occurred at:moment", "kind",
               "points:number", "balance after:number", "source", "source id", "reason", "by"),
    _movements, _FILTERS,
))  # fmt: skip
