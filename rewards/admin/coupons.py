"""Coupon definitions: what an offer gives, to whom and when, written without code."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Page
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.domain.money import exponent
from rewards.admin import offer_drafts
from rewards.admin.coupon_forms import MONEY, DefinitionForm, lines_of
from rewards.admin.coupon_warnings import show
from rewards.domain.offers import OfferedCoupon
from rewards.models import (
    CouponCampaign,
    CouponCode,
    CouponDefinition,
    CouponKind,
    CouponUse,
)
from rewards.queries import coupon_conflicts, governed, offers
from rewards.services.coupons import definitions
from rewards.services.coupons.definitions import DefinitionTerms, columns_of
from tenants.admin import formats
from tenants.admin.forms import offer
from tenants.admin.frame import Crumb, FormPage
from tenants.admin.keys import key_from
from tenants.admin.lists import FilterForm, ListPage
from tenants.domain.permissions import Permission

_NOT_SHOWN: Final = ("rule", "has_checksum")
_MOST_ITEMS: Final = 5_000


def worth(definition: CouponDefinition, currency: str) -> str:
    """Write what a definition gives: “10% off”, “$5.00 off”."""
    if definition.kind == CouponKind.PERCENT:
        return _("%(n)s%% off") % {"n": f"{definition.percent_hundredths / 100:g}"}
    money = formats.money(definition.amount_minor, currency)
    return {
        CouponKind.AMOUNT: _("%(money)s off") % {"money": money},
        CouponKind.STORED_VALUE: _("worth %(money)s") % {"money": money},
        CouponKind.FREE_ITEM: _("a free item"),
        CouponKind.SHIPPING: _("free shipping"),
    }[CouponKind(definition.kind)]


class DefinitionFilters(FilterForm):
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), choices=[("", gettext_lazy("Any kind")), *CouponKind.choices]
    )
    campaign = forms.ChoiceField(label=gettext_lazy("Coupon campaign"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        campaigns = CouponCampaign.objects.order_by("pk").values_list("key", "name")
        choices = [("", _("Any campaign")), *campaigns]
        offer(self, "campaign", choices)


class DefinitionsPage(ListPage):
    """Coupon definitions with how often they were used and what they cost."""

    permission = Permission.COUPONS_VIEW
    title = gettext_lazy("Coupons")
    template_name = "backoffice/coupons/list.html"
    filter_class = DefinitionFilters
    orderings = {"name": ("name", "id"), "latest": ("id",)}
    default_ordering = "-latest"

    def rows(self, filters: dict[str, Any]) -> QuerySet[CouponDefinition]:
        found = CouponDefinition.objects.select_related("campaign")
        if kind := filters.get("kind"):
            found = found.filter(kind=kind)
        if campaign := filters.get("campaign"):
            found = found.filter(campaign__key=campaign)
        return found

    def beside(self, page: Page[CouponDefinition]) -> dict[str, Any]:
        shown = list(page.object_list)
        uses = CouponUse.objects.filter(definition__in=shown, redemption__state__in=("redeemed", "reserved"))
        counted: dict[int, Any] = {
            row["definition_id"]: row
            for row in uses.values("definition_id")
            .annotate(count=Count("pk"), total=Sum("discount_minor"))
            .order_by()
        }
        currency = self.access.tenant.currency
        return {
            "definitions": [
                {
                    "definition": each,
                    "worth": worth(each, currency),
                    "uses": counted.get(each.pk, {}).get("count", 0),
                    "discount": counted.get(each.pk, {}).get("total", 0),
                }
                for each in shown
            ]
        }


class _DefinitionFormPage(FormPage):
    permission = Permission.COUPONS_EDIT
    template_name = "backoffice/coupons/form.html"
    form_class = DefinitionForm
    field_by_pointer = {
        "/percent_hundredths": "percent", "/amount_minor": "amount",
    }  # fmt: skip
    key = ""

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Coupons"), reverse("coupons"))]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = self.form(request.POST)
        if form.is_valid():
            seen = self.warn(form)
            if seen and request.POST.get("accepted") != seen:
                return self.page(form=form, accepted=seen, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        return super().post(request, *args, **kwargs)

    def warn(self, form: Any) -> str:
        """Put what clashes beside the fields; return a mark of it that staff send back to accept it."""
        tenant, values = self.access.tenant, form.cleaned_data
        skus = self._skus(values["items"])
        drawn = coupon_conflicts.of(
            CouponDefinition(
                key=self.key,
                campaign=CouponCampaign.objects.filter(key=values["campaign"] or "-").first(),
                has_items=skus is None or bool(skus),
                **columns_of(self.terms(form.terms(currency=tenant.currency, zone=tenant.zone))),
            ),
            skus=skus or [],
        )
        found = show(form, drawn)
        if values["generic_code"] and values["uses_per_code"] == 1:
            form.warn(
                "generic_code", _("Uses of a code are one: whoever comes first uses it up for everybody.")
            )
            found += "-once"
        return found

    def save(self, form: Any) -> str:
        tenant = self.access.tenant
        values = form.cleaned_data
        if self.key and governed.governs_coupon(self.key):
            terms = columns_of(self.terms(form.terms(currency=tenant.currency, zone=tenant.zone)))
            name, kind = terms.pop("name"), str(terms.pop("kind"))
            skus = self._skus(values["items"])
            items = offers.items_of(self.key) if skus is None else skus
            return offer_drafts.put(self, OfferedCoupon(self.key, name, kind, terms, tuple(items)))
        taken = set(CouponDefinition.objects.values_list("key", flat=True)) if not self.key else set()
        definition = definitions.save(
            key=self.key or key_from(values["name"], taken, fallback="coupon"),
            terms=self.terms(form.terms(currency=tenant.currency, zone=tenant.zone)),
            campaign=CouponCampaign.objects.filter(key=values["campaign"] or "-").first(),
            skus=self._skus(values["items"]),
            generic_code=values["generic_code"],
            by=self.access.actor,
            at=timezone.now(),
        )
        messages.success(self.request, _("“%(name)s” is saved.") % {"name": definition.name})
        return reverse("coupons")

    def terms(self, typed: DefinitionTerms) -> DefinitionTerms:
        return typed

    def _skus(self, text: str) -> list[str] | None:
        return lines_of(text)


class CreatePage(_DefinitionFormPage):
    title = gettext_lazy("New coupon")

    def initial(self) -> dict[str, Any]:
        return {"campaign": self.request.GET.get("campaign", "")}


class EditPage(_DefinitionFormPage):
    """Change a definition; codes that are out keep their number of uses."""

    @cached_property
    def definition(self) -> CouponDefinition:
        found: CouponDefinition = get_object_or_404(
            CouponDefinition.objects.select_related("campaign"), public_id=self.kwargs["public_id"]
        )
        return found

    @cached_property
    def has_many_items(self) -> bool:
        """Whether the list is too long for a text field; then it is left alone."""
        return bool(self.definition.items.count() > _MOST_ITEMS)

    def context(self) -> dict[str, Any]:
        if not self.access.can(self.permission):
            return super().context()
        return {
            **super().context(), "definition": self.definition, "has_many_items": self.has_many_items,
        }  # fmt: skip

    def terms(self, typed: DefinitionTerms) -> DefinitionTerms:
        """Keep what only the API or a file can say; the form does not show it."""
        return replace(typed, **{name: getattr(self.definition, name) for name in _NOT_SHOWN})

    def _skus(self, text: str) -> list[str] | None:
        return None if self.has_many_items else lines_of(text)

    def initial(self) -> dict[str, Any]:
        row, tenant = self.definition, self.access.tenant
        places = exponent(tenant.currency)
        same = (
            "name", "description", "kind", "segments", "tiers", "is_first_purchase", "valid_days",
            "hour_from", "hour_until", "uses_per_code", "uses_per_customer", "uses_per_period", "period",
            "free_quantity", "limit_uses", "priority", "base", "exclusive_group", "is_exclusive",
            "on_conflict", "code_pattern", "is_active",
        )  # fmt: skip
        skus = (
            []
            if self.has_many_items
            else row.items.order_by("pk").values_list("item__external_id", flat=True)
        )
        money = {name: getattr(row, f"{name}_minor") for name in MONEY}
        return {
            **{name: getattr(row, name) for name in same},
            **{name: Decimal(value).scaleb(-places) if value else None for name, value in money.items()},
            "percent": Decimal(row.percent_hundredths) / 100 if row.percent_hundredths else None,
            "campaign": row.campaign.key if row.campaign else "",
            "categories": "\n".join(row.categories),
            "excluded_categories": "\n".join(row.excluded_categories),
            "minimum_quantity": row.minimum_quantity or None,
            "items": "\n".join(skus),
            "channels": ", ".join(row.channels),
            "weekdays": [str(day) for day in row.weekdays],
            "valid_from": _local_day(row.valid_from, tenant.zone),
            "valid_until": _local_day(row.valid_until, tenant.zone, days=1),
            "generic_code": CouponCode.objects.filter(definition=row, is_generic=True, pool__isnull=True)
            .values_list("code", flat=True)
            .first()
            or "",
        }

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        self.title = self.definition.name
        form = DefinitionForm(initial=self.initial())
        accepted = show(form, coupon_conflicts.of(self.definition))
        return self.page(form=form, accepted=accepted)

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        self.title, self.key = self.definition.name, self.definition.key
        return super().post(request, public_id=public_id)


def _local_day(moment: datetime | None, zone: Any, *, days: int = 0) -> Any:
    return moment.astimezone(zone).date() - timedelta(days=days) if moment else None
