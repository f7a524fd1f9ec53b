"""Coupon definitions: what an offer gives, to whom and when, written without code."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
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

from crm.domain.money import exponent, to_minor
from crm.models import Segment
from rewards.domain.expiry import start_of_day
from rewards.models import (
    CouponBase,
    CouponCampaign,
    CouponCode,
    CouponConflict,
    CouponDefinition,
    CouponKind,
    CouponPeriod,
    CouponUse,
)
from rewards.queries import programs
from rewards.services.coupons import definitions
from rewards.services.coupons.definitions import DefinitionTerms
from tenants.admin import formats
from tenants.admin.forms import StaffForm
from tenants.admin.frame import Crumb, FormPage
from tenants.admin.keys import key_from
from tenants.admin.lists import FilterForm, ListPage
from tenants.domain.permissions import Permission

WEEKDAYS: Final = [
    ("1", gettext_lazy("Monday")), ("2", gettext_lazy("Tuesday")), ("3", gettext_lazy("Wednesday")),
    ("4", gettext_lazy("Thursday")), ("5", gettext_lazy("Friday")), ("6", gettext_lazy("Saturday")),
    ("7", gettext_lazy("Sunday")),
]  # fmt: skip
_NOT_SHOWN: Final = ("rule", "excluded_categories", "minimum_quantity", "free_quantity", "has_checksum")
_MOST_ITEMS: Final = 5_000
_MONEY: Final = ("amount", "max_discount", "minimum_spend", "limit_discount")


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


def _lines(text: str) -> list[str]:
    return [part.strip() for part in text.replace(",", "\n").splitlines() if part.strip()]


SECTIONS: Final = (
    (gettext_lazy("The offer"), ("name", "description", "campaign", "is_active")),
    (gettext_lazy("What it gives"), ("kind", "percent", "amount", "max_discount")),
    (gettext_lazy("For which carts"), ("categories", "items", "minimum_spend", "channels")),
    (gettext_lazy("For whom"), ("segments", "tiers", "is_first_purchase")),
    (
        gettext_lazy("When"),
        ("valid_from", "valid_until", "valid_days", "weekdays", "hour_from", "hour_until"),
    ),
    (
        gettext_lazy("How often"),
        (
            "uses_per_code", "uses_per_customer", "uses_per_period", "period", "limit_uses",
            "limit_discount",
        ),
    ),
    (
        gettext_lazy("Together with others"),
        ("priority", "base", "exclusive_group", "is_exclusive", "on_conflict"),
    ),
    (gettext_lazy("Codes"), ("generic_code", "code_pattern")),
)  # fmt: skip


class DefinitionForm(StaffForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    campaign = forms.ChoiceField(label=gettext_lazy("Coupon campaign"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("What it gives"), choices=CouponKind.choices)
    percent = forms.DecimalField(
        label=gettext_lazy("Percent"), required=False, min_value=0, max_value=100, decimal_places=2
    )
    amount = forms.DecimalField(
        label=gettext_lazy("Amount"), required=False, min_value=0, max_digits=12,
        help_text=gettext_lazy("For an amount off, stored value, or the most shipping that is free."),
    )  # fmt: skip
    max_discount = forms.DecimalField(
        label=gettext_lazy("Most discount a use"), required=False, min_value=0, max_digits=12
    )
    categories = forms.CharField(
        label=gettext_lazy("Only these categories"), required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("One a line. Empty is every item."),
    )  # fmt: skip
    items = forms.CharField(
        label=gettext_lazy("Only these items"), required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Item ids, one a line."),
    )  # fmt: skip
    minimum_spend = forms.DecimalField(
        label=gettext_lazy("Minimum spend"), required=False, min_value=0, max_digits=12
    )
    channels = forms.CharField(
        label=gettext_lazy("Only these channels"), required=False,
        help_text=gettext_lazy("Separated by commas. Empty is every channel."),
    )  # fmt: skip
    segments = forms.MultipleChoiceField(
        label=gettext_lazy("Only these segments"), required=False, widget=forms.CheckboxSelectMultiple
    )
    tiers = forms.MultipleChoiceField(
        label=gettext_lazy("Only these tiers"), required=False, widget=forms.CheckboxSelectMultiple
    )
    is_first_purchase = forms.BooleanField(label=gettext_lazy("First purchase only"), required=False)
    valid_from = forms.DateField(
        label=gettext_lazy("From day"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    valid_until = forms.DateField(
        label=gettext_lazy("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    valid_days = forms.IntegerField(
        label=gettext_lazy("Days after issue"), required=False, min_value=1, max_value=3_650,
        help_text=gettext_lazy("A code given to a customer ends with that day."),
    )  # fmt: skip
    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("Only on"), required=False, choices=WEEKDAYS, widget=forms.CheckboxSelectMultiple
    )
    hour_from = forms.IntegerField(label=gettext_lazy("From hour"), required=False, min_value=0, max_value=24)
    hour_until = forms.IntegerField(
        label=gettext_lazy("Until hour"), required=False, min_value=0, max_value=24
    )
    uses_per_code = forms.IntegerField(
        label=gettext_lazy("Uses of a code"), required=False, min_value=1, initial=1,
        help_text=gettext_lazy("Empty does not limit."),
    )  # fmt: skip
    uses_per_customer = forms.IntegerField(
        label=gettext_lazy("Uses by a customer"), required=False, min_value=1
    )
    uses_per_period = forms.IntegerField(
        label=gettext_lazy("Uses by a customer in a period"), required=False, min_value=1
    )
    period = forms.ChoiceField(
        label=gettext_lazy("Period"), choices=CouponPeriod.choices, initial=CouponPeriod.MONTH
    )
    limit_uses = forms.IntegerField(label=gettext_lazy("Redemptions in all"), required=False, min_value=1)
    limit_discount = forms.DecimalField(
        label=gettext_lazy("Discount in all"), required=False, min_value=0, max_digits=12
    )
    priority = forms.IntegerField(
        label=gettext_lazy("Order of application"), min_value=0, max_value=1000, initial=100,
        help_text=gettext_lazy("Lower comes first."),
    )  # fmt: skip
    base = forms.ChoiceField(
        label=gettext_lazy("Computed on"), choices=CouponBase.choices, initial=CouponBase.REMAINING
    )
    exclusive_group = forms.CharField(
        label=gettext_lazy("Group of which one counts"), required=False, max_length=40
    )
    is_exclusive = forms.BooleanField(label=gettext_lazy("Not with any other coupon"), required=False)
    on_conflict = forms.ChoiceField(
        label=gettext_lazy("On a conflict"), choices=CouponConflict.choices, initial=CouponConflict.BEST_OF
    )
    generic_code = forms.CharField(
        label=gettext_lazy("A code for everybody"), required=False, max_length=60,
        help_text=gettext_lazy("Such as WELCOME10. Leave it empty when every customer gets a code."),
    )  # fmt: skip
    code_pattern = forms.CharField(
        label=gettext_lazy("Pattern of codes"), max_length=40, initial="####-####",
        help_text=gettext_lazy("Each # becomes a letter or digit nobody misreads; the last one checks."),
    )  # fmt: skip
    is_active = forms.BooleanField(label=gettext_lazy("Offered"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        campaigns = CouponCampaign.objects.order_by("-pk").values_list("key", "name")
        self._choose("campaign", [("", _("None")), *campaigns])
        self._choose("segments", list(Segment.objects.order_by("name").values_list("key", "name")))
        published = programs.published()
        tiers = published.revision.tiers if published else ()
        self._choose("tiers", [(tier.key, tier.name) for tier in tiers])

    def sections(self) -> list[tuple[str, list[Any]]]:
        """Return the fields in groups, as the page shows them."""
        return [(str(title), [self[name] for name in names]) for title, names in SECTIONS]

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    def terms(self, *, currency: str, zone: Any) -> DefinitionTerms:
        """Return what was typed as the service takes it: minor units, instants of local days."""
        values = self.cleaned_data
        money = {name: None if values[name] is None else to_minor(values[name], currency) for name in _MONEY}
        until = values["valid_until"]
        return DefinitionTerms(
            name=values["name"],
            description=values["description"],
            kind=CouponKind(values["kind"]),
            percent_hundredths=int((values["percent"] or 0) * 100),
            amount_minor=money["amount"] or 0,
            max_discount_minor=money["max_discount"],
            categories=_lines(values["categories"]),
            minimum_spend_minor=money["minimum_spend"] or 0,
            channels=_lines(values["channels"]),
            segments=values["segments"],
            tiers=values["tiers"],
            is_first_purchase=values["is_first_purchase"],
            valid_from=start_of_day(values["valid_from"], zone) if values["valid_from"] else None,
            valid_until=start_of_day(until + timedelta(days=1), zone) if until else None,
            valid_days=values["valid_days"],
            weekdays=[int(day) for day in values["weekdays"]],
            hour_from=values["hour_from"],
            hour_until=values["hour_until"],
            uses_per_code=values["uses_per_code"],
            uses_per_customer=values["uses_per_customer"],
            uses_per_period=values["uses_per_period"],
            period=CouponPeriod(values["period"]),
            limit_uses=values["limit_uses"],
            limit_discount_minor=money["limit_discount"],
            priority=values["priority"],
            base=CouponBase(values["base"]),
            exclusive_group=values["exclusive_group"],
            is_exclusive=values["is_exclusive"],
            on_conflict=CouponConflict(values["on_conflict"]),
            code_pattern=values["code_pattern"].strip().upper(),
            is_active=values["is_active"],
        )


class DefinitionFilters(FilterForm):
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), choices=[("", gettext_lazy("Any kind")), *CouponKind.choices]
    )
    campaign = forms.ChoiceField(label=gettext_lazy("Coupon campaign"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        campaigns = CouponCampaign.objects.order_by("pk").values_list("key", "name")
        choices = [("", _("Any campaign")), *campaigns]
        self.fields["campaign"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField


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
        "/percent_hundredths": "percent", "/amount_minor": "amount", "/free_quantity": "kind",
        "/skus": "items",
    }  # fmt: skip
    key = ""

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Coupons"), reverse("coupons"))]

    def save(self, form: Any) -> str:
        tenant = self.access.tenant
        values = form.cleaned_data
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
        return _lines(text)


class CreatePage(_DefinitionFormPage):
    title = gettext_lazy("New coupon")


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

    def terms(self, typed: DefinitionTerms) -> DefinitionTerms:
        """Keep what only the API or a file can say; the form does not show it."""
        return replace(typed, **{name: getattr(self.definition, name) for name in _NOT_SHOWN})

    def _skus(self, text: str) -> list[str] | None:
        return None if self.has_many_items else _lines(text)

    def initial(self) -> dict[str, Any]:
        row, tenant = self.definition, self.access.tenant
        places = exponent(tenant.currency)
        same = (
            "name", "description", "kind", "segments", "tiers", "is_first_purchase", "valid_days",
            "hour_from", "hour_until", "uses_per_code", "uses_per_customer", "uses_per_period", "period",
            "limit_uses", "priority", "base", "exclusive_group", "is_exclusive", "on_conflict",
            "code_pattern", "is_active",
        )  # fmt: skip
        skus = (
            []
            if self.has_many_items
            else row.items.order_by("pk").values_list("item__external_id", flat=True)
        )
        money = {name: getattr(row, f"{name}_minor") for name in _MONEY}
        return {
            **{name: getattr(row, name) for name in same},
            **{name: Decimal(value).scaleb(-places) if value else None for name, value in money.items()},
            "percent": Decimal(row.percent_hundredths) / 100 if row.percent_hundredths else None,
            "campaign": row.campaign.key if row.campaign else "",
            "categories": "\n".join(row.categories),
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
        return self.page(form=self.form(), has_many_items=self.has_many_items)

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        self.title, self.key = self.definition.name, self.definition.key
        return super().post(request, public_id=public_id)


def _local_day(moment: datetime | None, zone: Any, *, days: int = 0) -> Any:
    return moment.astimezone(zone).date() - timedelta(days=days) if moment else None
