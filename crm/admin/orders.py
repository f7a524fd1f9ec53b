"""The list of orders, newest first."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from crm.models import Order
from tenants.admin.forms import DayInput
from tenants.admin.lists import FilterForm, ListPage
from tenants.domain.permissions import Permission


class OrderFilters(FilterForm):
    q = forms.CharField(
        label=_("Search orders"),
        max_length=120,
        widget=forms.TextInput(attrs={"placeholder": _("Order or customer id")}),
    )
    since = forms.DateField(label=_("Since"), widget=DayInput())
    until = forms.DateField(label=_("Until"), widget=DayInput())
    anonymous = forms.BooleanField(label=_("Without a customer"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].widget.input_type = "search"


class OrdersPage(ListPage):
    """Orders with their customers and totals; search takes the beginning of an id."""

    permission = Permission.ORDERS_VIEW
    title = _("Orders")
    template_name = "backoffice/orders/list.html"
    filter_class = OrderFilters
    orderings = {"placed": ("placed_at", "id"), "total": ("total_minor", "id")}
    default_ordering = "-placed"

    def rows(self, filters: dict[str, Any]) -> QuerySet[Order]:
        orders = Order.objects.select_related("customer").prefetch_related("customer__persons")
        if text := filters.get("q"):
            orders = orders.filter(
                Q(external_id__startswith=text) | Q(customer__external_id__startswith=text)
            )
        if since := filters.get("since"):
            orders = orders.filter(placed_at__date__gte=since)
        if until := filters.get("until"):
            orders = orders.filter(placed_at__date__lte=until)
        if filters.get("anonymous"):
            orders = orders.filter(customer=None)
        return orders
