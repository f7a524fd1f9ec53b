"""The members of one segment as a list: who, since when, and why where a model or a person put them there."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from crm.models import SegmentMember
from crm.services.exports.lists import ExportList, Filters, Row, columns_of, register, streamed
from tenants.domain.permissions import Permission


def _rows(filters: Filters, aside: dict[str, int]) -> Iterator[Row]:
    members = SegmentMember.objects.filter(segment__public_id=filters["segment"]).order_by("joined_at", "pk")
    return streamed(
        members, "customer__external_id", "customer__public_id", "customer__persons__email",
        "customer__persons__phone", "customer__persons__given_name", "customer__persons__family_name",
        "joined_at", "reason", "customer__order_summaries__orders_count",
        "customer__order_summaries__revenue_minor", "customer__order_summaries__last_order_at",
    )  # fmt: skip


register(ExportList(
    "segment_members", _("Members of a segment"), Permission.CUSTOMERS_VIEW,
    columns_of("customer id", "id", "email", "phone", "given name", "family name", "joined at:moment",
               "reason", "orders:number", "revenue_minor:number", "last order at:moment"),
    _rows, frozenset({"segment"}), needs=frozenset({"segment"}),
))  # fmt: skip
