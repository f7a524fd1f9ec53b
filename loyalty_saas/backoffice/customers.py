"""The list of customers, with what rewards and models know of them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.core.paginator import Page
from django.db.models import QuerySet, Sum
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import ComputedTrait, Customer, Segment
from crm.models.customer import CustomerState
from crm.queries import search
from loyalty_saas.backoffice import figures
from rewards.models import Account, TierMembership
from rewards.queries import programs
from tenants.admin.forms import offer
from tenants.admin.lists import FilterForm, ListPage
from tenants.domain.permissions import Permission
from tenants.models import Tenant

# A prefix that more customers share is no search; the list says so by its count.
_MOST_FOUND: Final = 1000
_LAST_ORDER: Final = [
    ("", gettext_lazy("Any last order")),
    ("30", gettext_lazy("Ordered in the last 30 days")),
    ("90", gettext_lazy("Ordered in the last 90 days")),
    ("over90", gettext_lazy("Not for 90 days")),
    ("never", gettext_lazy("Never ordered")),
]


class CustomerFilters(FilterForm):
    q = forms.CharField(
        label=gettext_lazy("Search customers"), max_length=120,
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("Name, e-mail, phone or id")}),
    )  # fmt: skip
    tier = forms.ChoiceField(label=gettext_lazy("Tier"))
    segment = forms.ChoiceField(label=gettext_lazy("Segment"))
    last_order = forms.ChoiceField(label=gettext_lazy("Last order"), choices=_LAST_ORDER)
    at_risk = forms.BooleanField(label=gettext_lazy("At risk"))

    def __init__(
        self, *args: Any, tiers: list[tuple[str, str]], segments: list[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].widget.input_type = "search"
        offer(self, "tier", [("", _("Any tier")), *tiers])
        offer(self, "segment", [("", _("Any segment")), *segments])


class CustomersPage(ListPage):
    """Customers by last order, revenue or arrival; searched by the beginning of name, e-mail or id."""

    permission = Permission.CUSTOMERS_VIEW
    title = gettext_lazy("Customers")
    template_name = "backoffice/customers/list.html"
    orderings = {
        "last_order": ("order_summaries__last_order_at", "id"),
        "revenue": ("order_summaries__revenue_minor", "id"),
        "orders": ("order_summaries__orders_count", "id"),
        "since": ("first_seen_at", "id"),
    }
    nullable = frozenset(
        {
            "order_summaries__last_order_at",
            "order_summaries__revenue_minor",
            "order_summaries__orders_count",
            "first_seen_at",
        }
    )
    default_ordering = "-last_order"

    @cached_property
    def tier_names(self) -> dict[str, str]:
        published = programs.published()
        return {tier.key: tier.name for tier in published.revision.tiers} if published else {}

    def filter_form(self) -> FilterForm:
        segments = [
            (str(public_id), name)
            for public_id, name in Segment.objects.order_by("name").values_list("public_id", "name")
        ]
        return CustomerFilters(self.request.GET, tiers=list(self.tier_names.items()), segments=segments)

    def rows(self, filters: dict[str, Any]) -> QuerySet[Customer]:
        return found(filters, self.access.tenant).prefetch_related("persons", "order_summaries")

    def beside(self, page: Page[Customer]) -> dict[str, Any]:
        customers = list(page.object_list)
        ids = [customer.pk for customer in customers]
        tiers = dict(TierMembership.objects.filter(customer__in=ids).values_list("customer_id", "tier_key"))
        points = dict(
            Account.objects.filter(customer__in=ids)
            .values_list("customer_id")
            .annotate(total=Sum("available"))
            .order_by()
        )
        risks = dict(
            ComputedTrait.objects.filter(customer__in=ids, name=figures.RISK_TRAIT).values_list(
                "customer_id", "number"
            )
        )
        return {
            "customers": [
                {
                    "customer": customer,
                    "tier": self.tier_names.get(tiers.get(customer.pk, ""), ""),
                    "points": points.get(customer.pk, 0),
                    "risk": risks.get(customer.pk),
                    "is_risky": (risks.get(customer.pk) or 0) >= figures.RISKY_FROM,
                }
                for customer in customers
            ],
            "may_import": self.access.can(Permission.CUSTOMERS_IMPORT),
            "may_export": self.access.can(Permission.DATA_EXPORT),
        }


def found(filters: dict[str, Any], tenant: Tenant) -> QuerySet[Customer]:
    """Return the customers of the list's filters; exports of the list use them too."""
    customers = Customer.objects.exclude(state=CustomerState.MERGED)
    if text := filters.get("q"):
        customers = customers.filter(pk__in=search.customer_ids(text, limit=_MOST_FOUND))
    if tier := filters.get("tier"):
        customers = customers.filter(tier_memberships__tier_key=tier)
    if segment := filters.get("segment"):
        customers = customers.filter(segment_memberships__segment__public_id=segment)
    if filters.get("at_risk"):
        customers = customers.filter(
            computed_traits__name=figures.RISK_TRAIT, computed_traits__number__gte=figures.RISKY_FROM
        )
    if chosen := filters.get("last_order"):
        customers = _by_last_order(customers, chosen, tenant)
    return customers


def _by_last_order(customers: QuerySet[Customer], chosen: str, tenant: Tenant) -> QuerySet[Customer]:
    if chosen == "never":
        return customers.filter(order_summaries__last_order_at__isnull=True)
    end = datetime.combine(figures.latest_day(tenant), time.max, tenant.zone).astimezone(UTC)
    if chosen == "over90":
        return customers.filter(order_summaries__last_order_at__lt=end - timedelta(days=90))
    return customers.filter(order_summaries__last_order_at__gte=end - timedelta(days=int(chosen)))
