"""Coupon campaigns: offers that share dates and a budget, perhaps for their recipients only."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.domain.money import exponent, to_minor
from crm.models import Segment
from rewards.admin import choices_of, offer_drafts
from rewards.domain.expiry import start_of_day
from rewards.domain.offers import OfferedCampaign
from rewards.models import CouponCampaign, CouponPeriod
from rewards.queries import configured, coupon_campaigns
from rewards.services.coupons import campaigns
from tenants.admin import formats
from tenants.admin.forms import DayInput, StaffForm
from tenants.admin.frame import Crumb, FormPage, StaffPage
from tenants.admin.keys import key_from
from tenants.admin.lists import ListPage
from tenants.admin.pickers import offer_of
from tenants.admin.untouched import sent
from tenants.domain.permissions import Permission

UPCOMING, RUNNING, ENDED = "upcoming", "running", "ended"
PHASE_LABELS: Final = {
    UPCOMING: gettext_lazy("Not begun"), RUNNING: gettext_lazy("Running"), ENDED: gettext_lazy("Ended"),
}  # fmt: skip


def phase_of(campaign: CouponCampaign, now: datetime) -> str:
    """Say where a campaign stands in its time."""
    if campaign.ends_at and campaign.ends_at <= now:
        return ENDED
    return UPCOMING if campaign.starts_at and campaign.starts_at > now else RUNNING


class CampaignForm(StaffForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    starts_on = forms.DateField(label=gettext_lazy("From day"), required=False, widget=DayInput())
    ends_on = forms.DateField(
        label=gettext_lazy("Last day"), required=False, widget=DayInput(),
        help_text=gettext_lazy("The coupons of a campaign count only while it runs."),
    )  # fmt: skip
    limit_uses = forms.IntegerField(
        label=gettext_lazy("Redemptions in all"), required=False, min_value=1, max_value=10**15,
        help_text=gettext_lazy("All its coupons together. A limit set later counts from then on."),
    )  # fmt: skip
    limit_discount = forms.DecimalField(
        label=gettext_lazy("Discount in all"), required=False, min_value=0, max_digits=18
    )
    period = forms.ChoiceField(
        label=gettext_lazy("Period"), choices=CouponPeriod.choices, initial=CouponPeriod.MONTH, required=False
    )
    limit_uses_period = forms.IntegerField(
        label=gettext_lazy("Redemptions in a period"), required=False, min_value=1, max_value=10**15
    )
    limit_discount_period = forms.DecimalField(
        label=gettext_lazy("Discount in a period"), required=False, min_value=0, max_digits=18
    )
    is_targeted = forms.BooleanField(
        label=gettext_lazy("Only for those who received it"), required=False,
        help_text=gettext_lazy("Added on this page once the campaign is saved, or over the API."),
    )  # fmt: skip
    definitions = forms.MultipleChoiceField(
        label=gettext_lazy("Coupons of this campaign"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, key: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source = choices_of.free_coupons(key)
        if source.find("", 1):
            offer_of(self, "definitions", source)
        else:
            del self.fields["definitions"]

    def offered(self, key: str, *, currency: str, zone: tzinfo) -> OfferedCampaign:
        """Return what was typed as the program has it: minor units, instants of local days."""
        values = self.cleaned_data
        ends, discount = values["ends_on"], values["limit_discount"]
        in_period = values["limit_discount_period"]
        return OfferedCampaign(
            key=key,
            name=values["name"],
            starts_at=start_of_day(values["starts_on"], zone) if values["starts_on"] else None,
            ends_at=start_of_day(ends + timedelta(days=1), zone) if ends else None,
            is_targeted=values["is_targeted"],
            limit_uses=values["limit_uses"],
            limit_discount_minor=None if discount is None else to_minor(discount, currency),
            limit_uses_period=values["limit_uses_period"],
            limit_discount_period_minor=None if in_period is None else to_minor(in_period, currency),
            period=values["period"] or CouponPeriod.MONTH.value,
            coupons=tuple(sorted(values.get("definitions") or ())),
        )


class RecipientsForm(StaffForm):
    segment = forms.ChoiceField(
        label=gettext_lazy("Add everybody in a segment"),
        help_text=gettext_lazy("Those who are in it now; later members are not added by themselves."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_of(self, "segment", choices_of.segments())


class CampaignsPage(ListPage):
    """Campaigns with their time, their offers and what is left of their limits."""

    permission = Permission.COUPONS_VIEW
    title = gettext_lazy("Coupon campaigns")
    template_name = "backoffice/coupons/campaigns.html"
    orderings = {"name": ("name", "id"), "latest": ("id",)}
    default_ordering = "-latest"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Coupons"), reverse("coupons"))]

    def rows(self, filters: dict[str, Any]) -> QuerySet[CouponCampaign]:
        return coupon_campaigns.listed()

    def beside(self, page: Page[CouponCampaign]) -> dict[str, Any]:
        shown, now = list(page.object_list), timezone.now()
        spent = coupon_campaigns.spending(shown)
        return {
            "campaigns": [_row(each, spent[each.pk], now) for each in shown],
            "waiting": configured.waiting("coupon_campaigns"),
        }


def _row(campaign: CouponCampaign, spent: coupon_campaigns.Spending, now: datetime) -> dict[str, Any]:
    phase = phase_of(campaign, now)
    return {
        "campaign": campaign,
        "phase": phase,
        "phase_label": PHASE_LABELS[phase],
        "spent": spent,
        "share": _share(campaign, spent),
    }


def _share(campaign: CouponCampaign, spent: coupon_campaigns.Spending) -> int | None:
    """Return how much of the tighter limit is used, in percent; ``None`` without limits."""
    pairs = [(spent.uses, campaign.limit_uses), (spent.discount_minor, campaign.limit_discount_minor)]
    shares = [min(100, used * 100 // limit) for used, limit in pairs if limit]
    return max(shares, default=None)


class _CampaignFormPage(FormPage):
    permission = Permission.COUPONS_EDIT
    template_name = "backoffice/coupons/campaign_form.html"
    form_class = CampaignForm
    field_by_pointer = {
        "/starts_at": "starts_on", "/ends_at": "ends_on", "/limit_discount_minor": "limit_discount",
        "/limit_discount_period_minor": "limit_discount_period",
    }  # fmt: skip

    def crumbs(self) -> list[Crumb]:
        return [
            Crumb(_("Coupons"), reverse("coupons")),
            Crumb(_("Coupon campaigns"), reverse("coupon_campaigns")),
        ]

    def context(self) -> dict[str, Any]:
        return {**super().context(), "draft_number": offer_drafts.draft_number()}

    def save(self, form: Any) -> str:
        return offer_drafts.put(self, self.offered(form))

    def offered(self, form: Any) -> OfferedCampaign:
        """Return what was typed as the program has it."""
        tenant, key = self.access.tenant, self.key(form.cleaned_data["name"])
        found: OfferedCampaign = form.offered(key, currency=tenant.currency, zone=tenant.zone)
        return found

    def key(self, name: str) -> str:
        return key_from(name, configured.keys("coupon_campaigns"), fallback="campaign")


class CreatePage(_CampaignFormPage):
    title = gettext_lazy("New coupon campaign")


class EditPage(_CampaignFormPage):
    """Change a campaign; see what it cost, its coupons and who received it."""

    @cached_property
    def campaign(self) -> CouponCampaign | None:
        """The campaign in force, if it is there already."""
        if "key" in self.kwargs:
            found: CouponCampaign | None = CouponCampaign.objects.filter(key=self.kwargs["key"]).first()
            return found
        row: CouponCampaign = get_object_or_404(
            CouponCampaign.objects.all(), public_id=self.kwargs["public_id"]
        )
        return row

    @cached_property
    def offer(self) -> OfferedCampaign:
        return configured.campaign(self.campaign.key if self.campaign else self.kwargs["key"])

    def key(self, name: str) -> str:
        return self.offer.key

    def offered(self, form: Any) -> OfferedCampaign:
        typed, shown = super().offered(form), self.form(sent(self.form()))
        if not shown.is_valid():
            return typed
        return offer_drafts.changed(self.offer, super().offered(shown), typed)

    def form(self, data: Any = None) -> CampaignForm:
        return CampaignForm(data, initial=None if data is not None else self.initial(), key=self.offer.key)

    def initial(self) -> dict[str, Any]:
        offer, tenant = self.offer, self.access.tenant
        return {
            "name": offer.name,
            "starts_on": offer.starts_at.astimezone(tenant.zone).date() if offer.starts_at else None,
            "ends_on": _last_day(offer.ends_at, tenant.zone),
            "limit_uses": offer.limit_uses,
            "limit_discount": _money(offer.limit_discount_minor, tenant.currency),
            "limit_uses_period": offer.limit_uses_period,
            "limit_discount_period": _money(offer.limit_discount_period_minor, tenant.currency),
            "period": offer.period,
            "is_targeted": offer.is_targeted,
            "definitions": list(offer.coupons),
        }

    def context(self) -> dict[str, Any]:
        if not self.access.can(self.permission):
            return super().context()
        row = self.campaign
        shown = {**super().context(), "title": self.offer.name, "section": "coupon_campaigns"}
        if row is None:
            return {**shown, "new_key": self.offer.key}
        return {
            **shown,
            **_row(row, coupon_campaigns.spending([row])[row.pk], timezone.now()),
            "recipients_count": row.recipients.count() if row.is_targeted else 0,
            "recipients": RecipientsForm() if row.is_targeted and Segment.objects.exists() else None,
        }


def _money(minor: int | None, currency: str) -> Decimal | None:
    return None if minor is None else Decimal(minor).scaleb(-exponent(currency))


def _last_day(ends_at: datetime | None, zone: tzinfo) -> Any:
    return (ends_at.astimezone(zone) - timedelta(microseconds=1)).date() if ends_at else None


class RecipientsStep(StaffPage):
    """Make the members of a segment recipients."""

    http_method_names = ["post", "options"]
    permission = Permission.COUPONS_EDIT
    title = gettext_lazy("Recipients")

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponseBase:
        campaign = get_object_or_404(CouponCampaign.objects.all(), public_id=public_id)
        form = RecipientsForm(request.POST)
        if form.is_valid():
            segment = Segment.objects.get(key=form.cleaned_data["segment"])
            added = campaigns.add_segment(
                campaign=campaign, segment=segment, by=self.access.actor, at=timezone.now()
            )
            text = _("%(count)s customers were added to those who received it.")
            messages.success(request, text % {"count": formats.number(added)})
        for error in form.errors.get("segment", ()):
            messages.error(request, str(error))
        return redirect(reverse("coupon_campaign", args=[campaign.public_id]))
