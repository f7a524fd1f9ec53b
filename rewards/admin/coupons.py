"""Coupon definitions: what an offer gives, to whom and when, written without code."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final

from django import forms
from django.core.paginator import Page
from django.db.models import Count, Q, QuerySet, Sum
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
from rewards.models import CouponCampaign, CouponDefinition, CouponKind, CouponUse
from rewards.queries import configured, coupon_conflicts, coupon_definitions
from rewards.services.coupons.definition_terms import columns_of
from tenants.admin import formats
from tenants.admin.forms import offer
from tenants.admin.frame import Crumb, FormPage
from tenants.admin.keys import key_from
from tenants.admin.lists import FilterForm, ListPage
from tenants.admin.untouched import sent
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


def state_of(definition: CouponDefinition, at: datetime) -> tuple[str, str]:
    """Return in words whether a coupon is offered now, with the look of the badge."""
    campaign = definition.campaign
    starts = [definition.valid_from, campaign.starts_at if campaign else None]
    ends = [definition.valid_until, campaign.ends_at if campaign else None]
    if not definition.is_active:
        return _("Switched off"), ""
    if coupon_definitions.is_paused(definition, at):
        return _("Paused"), "b-warn"
    if any(end is not None and end <= at for end in ends):
        return _("Ended"), ""
    if any(start is not None and start > at for start in starts):
        return _("Not yet"), "b-info"
    return _("Offered"), "b-good"


class DefinitionFilters(FilterForm):
    q = forms.CharField(label=gettext_lazy("Name"), max_length=200)
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
        found = coupon_definitions.with_brakes()
        if text := filters.get("q"):
            found = found.filter(Q(name__icontains=text) | Q(key__icontains=text))
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
        states = [state_of(each, timezone.now()) for each in shown]
        return {
            "definitions": [
                {
                    "definition": each,
                    "worth": worth(each, currency),
                    "state": state,
                    "tone": tone,
                    "uses": counted.get(each.pk, {}).get("count", 0),
                    "discount": counted.get(each.pk, {}).get("total", 0),
                }
                for each, (state, tone) in zip(shown, states, strict=True)
            ],
            "waiting": configured.waiting("coupons"),
        }


class _DefinitionFormPage(FormPage):
    permission = Permission.COUPONS_EDIT
    template_name = "backoffice/coupons/form.html"
    form_class = DefinitionForm
    field_by_pointer = {
        "/percent_hundredths": "percent", "/amount_minor": "amount",
        "/limit_discount_period_minor": "limit_discount_period",
    }  # fmt: skip

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Coupons"), reverse("coupons"))]

    def context(self) -> dict[str, Any]:
        return {**super().context(), "draft_number": offer_drafts.draft_number()}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = self.form(request.POST)
        if form.is_valid():
            seen = self.warn(form)
            if seen and request.POST.get("accepted") != seen:
                return self.page(form=form, accepted=seen, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        return super().post(request, *args, **kwargs)

    def warn(self, form: Any) -> str:
        """Put what clashes beside the fields; return a mark of it that staff send back to accept it."""
        values = form.cleaned_data
        found = show(form, coupon_conflicts.of(self.offered(form), values["campaign"]))
        if values["generic_code"] and values["uses_per_code"] == 1:
            form.warn(
                "generic_code", _("Uses of a code are one: whoever comes first uses it up for everybody.")
            )
            found += "-once"
        return found

    def save(self, form: Any) -> str:
        return offer_drafts.put(self, self.offered(form), campaign=form.cleaned_data["campaign"])

    def offered(self, form: Any) -> OfferedCoupon:
        """Return what was typed as the program has it."""
        tenant, values = self.access.tenant, form.cleaned_data
        terms = columns_of(form.terms(currency=tenant.currency, zone=tenant.zone))
        name, kind = terms.pop("name"), str(terms.pop("kind"))
        key = self.key(name)
        return OfferedCoupon(key, name, kind, terms, tuple(lines_of(values["items"])), values["generic_code"])

    def key(self, name: str) -> str:
        return key_from(name, configured.keys("coupons"), fallback="coupon")


class CreatePage(_DefinitionFormPage):
    title = gettext_lazy("New coupon")

    def initial(self) -> dict[str, Any]:
        return {"campaign": self.request.GET.get("campaign", "")}


class EditPage(_DefinitionFormPage):
    """Change a definition; codes that are out keep their number of uses."""

    @cached_property
    def definition(self) -> CouponDefinition | None:
        """The coupon in force, if it is there already."""
        if "key" in self.kwargs:
            found: CouponDefinition | None = CouponDefinition.objects.filter(key=self.kwargs["key"]).first()
            return found
        row: CouponDefinition = get_object_or_404(
            CouponDefinition.objects.all(), public_id=self.kwargs["public_id"]
        )
        return row

    @cached_property
    def offer(self) -> OfferedCoupon:
        return configured.coupon(self.definition.key if self.definition else self.kwargs["key"])

    @cached_property
    def campaign(self) -> str:
        return configured.campaign_of(self.offer.key)

    @property
    def has_many_items(self) -> bool:
        """Whether the list is too long for a text field; then it is left alone."""
        return len(self.offer.items) > _MOST_ITEMS

    def context(self) -> dict[str, Any]:
        if not self.access.can(self.permission):
            return super().context()
        return {
            **super().context(), "title": self.offer.name, "has_rule": bool(self.offer.terms["rule"]),
            "has_many_items": self.has_many_items, "section": "coupons",
            "new_key": None if self.definition else self.offer.key,
        }  # fmt: skip

    def key(self, name: str) -> str:
        return self.offer.key

    def offered(self, form: Any) -> OfferedCoupon:
        """Keep what only the API or a file can say; the form does not show it."""
        typed, shown = self._whole(form), self.form(sent(self.form()))
        return offer_drafts.changed(self.offer, self._whole(shown), typed) if shown.is_valid() else typed

    def _whole(self, form: Any) -> OfferedCoupon:
        typed = super().offered(form)
        terms = {**typed.terms, **{name: self.offer.terms[name] for name in _NOT_SHOWN}}
        return replace(typed, terms=terms, items=self.offer.items if self.has_many_items else typed.items)

    def initial(self) -> dict[str, Any]:
        offer, tenant = self.offer, self.access.tenant
        terms, places = offer.terms, exponent(tenant.currency)
        money = {name: terms[f"{name}_minor"] for name in MONEY}
        percent = terms["percent_hundredths"]
        return {
            **terms,
            **{name: Decimal(value).scaleb(-places) if value else None for name, value in money.items()},
            "name": offer.name,
            "kind": offer.kind,
            "percent": Decimal(percent) / 100 if percent else None,
            "campaign": self.campaign,
            "categories": "\n".join(terms["categories"]),
            "excluded_categories": "\n".join(terms["excluded_categories"]),
            "minimum_quantity": terms["minimum_quantity"] or None,
            "items": "" if self.has_many_items else "\n".join(offer.items),
            "channels": ", ".join(terms["channels"]),
            "weekdays": [str(day) for day in terms["weekdays"]],
            "valid_from": _local_day(terms["valid_from"], tenant.zone),
            "valid_until": _local_day(terms["valid_until"], tenant.zone, days=1),
            "generic_code": offer.generic_code,
        }

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = DefinitionForm(initial=self.initial())
        accepted = show(form, coupon_conflicts.of(self.offer, self.campaign))
        return self.page(form=form, accepted=accepted)


def _local_day(moment: datetime | None, zone: Any, *, days: int = 0) -> Any:
    return moment.astimezone(zone).date() - timedelta(days=days) if moment else None
