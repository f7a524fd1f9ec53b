"""The list of items."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from crm.models import Item
from crm.queries import search
from tenants.admin.lists import FilterForm, ListPage
from tenants.domain.permissions import Permission


class ItemFilters(FilterForm):
    q = forms.CharField(
        label=_("Search items"),
        max_length=120,
        widget=forms.TextInput(attrs={"placeholder": _("Name, brand or id")}),
    )
    category = forms.CharField(
        label=_("Category"), max_length=120, widget=forms.TextInput(attrs={"placeholder": _("Category")})
    )
    inactive = forms.BooleanField(label=_("Switched off"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].widget.input_type = "search"


class ItemsPage(ListPage):
    """Items by name; search takes the beginning of id, name or brand."""

    permission = Permission.ITEMS_VIEW
    title = _("Items")
    template_name = "backoffice/items/list.html"
    filter_class = ItemFilters
    orderings = {
        "name": ("name", "id"),
        "category": ("category", "name", "id"),
        "price": ("price_minor", "id"),
    }
    nullable = frozenset({"price_minor"})
    default_ordering = "name"

    def rows(self, filters: dict[str, Any]) -> QuerySet[Item]:
        items = search.items(filters["q"]) if filters.get("q") else Item.objects.all()
        if category := filters.get("category"):
            items = items.filter(category__istartswith=category)
        if filters.get("inactive"):
            items = items.filter(is_active=False)
        return items
