"""Merging two customers side by side, and the journal of merges with its way back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Customer, CustomerMerge, CustomerState
from crm.queries import merges as merge_queries
from crm.queries import search
from crm.services import merges
from tenants.admin.frame import Crumb, StaffPage
from tenants.admin.lists import ListPage
from tenants.domain.permissions import Permission

_SUGGESTED = 8


class MergePage(StaffPage):
    """Two customers beside each other: a choice for each field that differs, and what follows by rule."""

    permission = Permission.CUSTOMERS_MERGE
    title = gettext_lazy("Merge customers")
    template_name = "backoffice/merges/preview.html"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Customers"), reverse("customers")), Crumb(_("Duplicates"), reverse("duplicates"))]

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        survivor = _customer(public_id)
        absorbed = self._other(survivor, request.GET.get("with", ""))
        if absorbed is None:
            text = request.GET.get("q", "").strip()
            found = search.customers(text, limit=_SUGGESTED) if text else []
            others = [each for each in found if each.pk != survivor.pk and _is_open(each)]
            return self.page(survivor=survivor, others=others, q=text)
        preview = merge_queries.preview(survivor, absorbed, choices={}, at=timezone.now())
        return self.page(survivor=survivor, absorbed=absorbed, preview=preview)

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        survivor = _customer(public_id)
        absorbed = self._other(survivor, request.POST.get("with", ""))
        if absorbed is None:
            return redirect("customer_merge", public_id=public_id)
        prefix = "choice:"
        merges.merge(
            survivor=survivor,
            absorbed=absorbed,
            choices={
                name.removeprefix(prefix): str(side)
                for name, side in request.POST.items()
                if name.startswith(prefix)
            },
            reason=request.POST.get("reason", "")[:300],
            by=self.access.actor,
            at=timezone.now(),
        )
        messages.success(request, _("The customers are merged. Under “Merges” this can be undone."))
        return redirect("customer", public_id=survivor.public_id)

    def _other(self, survivor: Customer, text: str) -> Customer | None:
        try:
            found = _customer(UUID(text))
        except ValueError:
            return None
        return found if found.pk != survivor.pk else None


class MergesPage(ListPage):
    """Merges, the newest first, with a way back while the journal is kept."""

    permission = Permission.CUSTOMERS_VIEW
    title = gettext_lazy("Merges")
    template_name = "backoffice/merges/list.html"
    orderings = {"merged": ("merged_at", "id")}
    default_ordering = "-merged"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Duplicates"), reverse("duplicates"))]

    def rows(self, filters: dict[str, Any]) -> QuerySet[CustomerMerge]:
        return merge_queries.newest_first().prefetch_related("survivor__persons", "absorbed__persons")


class UndoMerge(StaffPage):
    """Give both customers back what they had."""

    http_method_names = ["post", "options"]
    permission = Permission.CUSTOMERS_MERGE
    title = gettext_lazy("Undo a merge")

    def after_error(self) -> str:
        return reverse("merges")

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        merge = get_object_or_404(CustomerMerge.objects.all(), public_id=public_id)
        merges.unmerge(merge=merge, by=self.access.actor, at=timezone.now())
        messages.success(request, _("Both customers are back. What has come since stays with the survivor."))
        return redirect("merges")


def _customer(public_id: UUID) -> Customer:
    customers = Customer.objects.prefetch_related("persons", "order_summaries")
    found: Customer = get_object_or_404(customers, public_id=public_id)
    return found


def _is_open(customer: Customer) -> bool:
    return customer.state in {CustomerState.ACTIVE, CustomerState.SUSPENDED}
