"""The search palette: pages, customers and items of this tenant. Nothing is cached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.queries import search
from loyalty_saas.backoffice.navigation import entries_of
from tenants.admin.frame import StaffPage
from tenants.domain.permissions import Permission

_SHORTEST: Final = 2
_LONGEST: Final = 120
_ROWS: Final = 8


@dataclass(frozen=True, slots=True)
class Hit:
    title: str
    note: str
    url: str
    symbol: str


class SearchPage(StaffPage):
    """Answers the palette with at most eight rows of each kind the role may see."""

    permission = Permission.CUSTOMERS_VIEW
    title = gettext_lazy("Search")

    def get(self, request: HttpRequest) -> HttpResponseBase:
        text = " ".join(request.GET.get("q", "").replace("\0", "").split())[:_LONGEST]
        if len(text) < _SHORTEST:
            return self.fragment("backoffice/search.html", groups=[], text="")
        groups = [(_("Pages"), self._pages(text))]
        if self.access.can(Permission.CUSTOMERS_VIEW):
            groups.append((_("Customers"), self._customers(text)))
        if self.access.can(Permission.ITEMS_VIEW):
            groups.append((_("Items"), self._items(text)))
        return self.fragment(
            "backoffice/search.html", groups=[group for group in groups if group[1]], text=text
        )

    def _pages(self, text: str) -> list[Hit]:
        wanted = text.lower()
        found = [entry for entry in entries_of(self.access) if wanted in str(entry.title).lower()]
        return [Hit(str(entry.title), "", reverse(entry.route), entry.icon) for entry in found[:_ROWS]]

    def _customers(self, text: str) -> list[Hit]:
        return [
            Hit(
                customer.display_name,
                " · ".join(
                    filter(None, [customer.external_id, customer.person.email if customer.person else ""])
                ),
                reverse("customer", args=[customer.public_id]),
                "person",
            )
            for customer in search.customers(text, limit=_ROWS)
        ]

    def _items(self, text: str) -> list[Hit]:
        return [
            Hit(
                item.name,
                " · ".join(filter(None, [item.external_id, item.category])),
                f"{reverse('items')}?q={item.external_id}",
                "inventory_2",
            )
            for item in search.items(text).order_by("name", "pk")[:_ROWS]
        ]
