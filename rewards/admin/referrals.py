"""Referrals: who brought whom and what became of it; what both sides get."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.domain.money import exponent, to_minor
from rewards.admin import choices_of, offer_drafts
from rewards.domain.offers import ReferralQualification as OfferedQualification
from rewards.domain.offers import ReferralReward, ReferralTerms
from rewards.models import (
    Referral,
    ReferralProgram,
    ReferralQualification,
    ReferralRewardKind,
    ReferralState,
)
from rewards.queries import configured
from rewards.services import referral_programs, referrals
from tenants.admin.forms import StaffForm, offer
from tenants.admin.frame import Crumb, FormPage
from tenants.admin.lists import FilterForm, ListPage
from tenants.admin.pickers import offer_of
from tenants.domain.permissions import Permission

FINDINGS = {
    "same_identity": gettext_lazy("same e-mail, phone or card"),
    "same_device": gettext_lazy("same device"),
    "same_address": gettext_lazy("same postcode and surname"),
    "velocity": gettext_lazy("many in a short time"),
}


REASONS = {
    "returned": gettext_lazy("the order came back"),
    "same_identity": gettext_lazy("one person"),
    "no_codes": gettext_lazy("not paid yet: the coupon has no codes left"),
    "coupon_paused": gettext_lazy("not paid yet: the coupon is paused"),
    "not_found": gettext_lazy("not paid yet: the coupon is gone"),
    "account_frozen": gettext_lazy("not paid yet: the account is frozen"),
}


class ReferralForm(StaffForm):
    is_active = forms.BooleanField(label=gettext_lazy("Referrals are on"), required=False)
    wallet = forms.ChoiceField(label=gettext_lazy("Wallet"), required=False)
    referrer_kind = forms.ChoiceField(
        label=gettext_lazy("The referrer gets"), choices=ReferralRewardKind.choices
    )
    referrer_points = forms.IntegerField(
        label=gettext_lazy("Points of the referrer"),
        required=False,
        min_value=0,
        max_value=referral_programs.MOST_POINTS,
    )
    referrer_coupon = forms.ChoiceField(label=gettext_lazy("Coupon of the referrer"), required=False)
    referee_kind = forms.ChoiceField(
        label=gettext_lazy("The new customer gets"), choices=ReferralRewardKind.choices
    )
    referee_points = forms.IntegerField(
        label=gettext_lazy("Points of the new customer"),
        required=False,
        min_value=0,
        max_value=referral_programs.MOST_POINTS,
    )
    referee_coupon = forms.ChoiceField(label=gettext_lazy("Coupon of the new customer"), required=False)
    qualification = forms.ChoiceField(
        label=gettext_lazy("Counts with"), choices=ReferralQualification.choices
    )
    minimum_order = forms.DecimalField(
        label=gettext_lazy("Order of at least"), required=False, min_value=0, max_digits=18
    )
    event_name = forms.CharField(label=gettext_lazy("Name of the event"), required=False, max_length=200)
    within_days = forms.IntegerField(
        label=gettext_lazy("Within days"), min_value=1, max_value=366, initial=90
    )
    upper_points = forms.CharField(
        label=gettext_lazy("Points of further levels"), required=False,
        help_text=gettext_lazy("Such as 50, 20 for two levels above. Empty is one level only."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        revision = configured.latest()
        wallets = [(wallet.key, wallet.name) for wallet in revision.wallets] if revision else []
        offer(self, "wallet", wallets)
        coupons = choices_of.coupons()
        for name in ("referrer_coupon", "referee_coupon"):
            offer_of(self, name, coupons, none=_("None"))

    def clean_upper_points(self) -> tuple[int, ...]:
        parts = [part.strip() for part in self.cleaned_data["upper_points"].split(",") if part.strip()]
        if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):  # noqa: PLR2004 - an integer of the database
            raise forms.ValidationError(_("Whole numbers, separated by commas."))
        return tuple(int(part) for part in parts)


class ReferralFilters(FilterForm):
    state = forms.ChoiceField(
        label=gettext_lazy("State"), choices=[("", gettext_lazy("Any state")), *ReferralState.choices]
    )


class ReferralsPage(ListPage):
    """Referrals, newest first, with what the checks found."""

    permission = Permission.REWARDS_VIEW
    title = gettext_lazy("Referrals")
    template_name = "backoffice/referrals/list.html"
    filter_class = ReferralFilters
    orderings = {"latest": ("id",)}
    default_ordering = "-latest"

    def rows(self, filters: dict[str, Any]) -> QuerySet[Referral]:
        found = Referral.objects.select_related("referrer", "referee", "qualifying_order")
        return found.prefetch_related("referrer__persons", "referee__persons").filter(**filters)

    def beside(self, page: Any) -> dict[str, Any]:
        return {
            "program": ReferralProgram.objects.first(),
            "referrals": [
                (
                    row,
                    [FINDINGS.get(name, name) for name in row.findings],
                    REASONS.get(row.reason, row.reason),
                )
                for row in page.object_list
            ],
        }


class RejectForm(StaffForm):
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("What both sides got is taken back, within what is left of it."),
    )  # fmt: skip


class ReferralRejectPage(FormPage):
    """End a referral that turned out to be none."""

    permission = Permission.REVIEWS_DECIDE
    title = gettext_lazy("Reject a referral")
    template_name = "backoffice/referrals/reject.html"
    form_class = RejectForm

    @cached_property
    def referral(self) -> Referral:
        rows = Referral.objects.select_related("referrer", "referee")
        found: Referral = get_object_or_404(rows, public_id=self.kwargs["public_id"])
        return found

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Referrals"), reverse("referrals"))]

    def context(self) -> dict[str, Any]:
        if not self.access.can(self.permission):
            return super().context()
        return {**super().context(), "row": self.referral}

    def save(self, form: Any) -> str:
        referrals.reject(
            referral=self.referral,
            reason=form.cleaned_data["reason"],
            by=self.access.actor,
            at=timezone.now(),
        )
        messages.success(self.request, _("The referral is rejected."))
        return reverse("referrals")


class ReferralSettingsPage(FormPage):
    """What both sides get, and when a referral counts."""

    permission = Permission.PROGRAM_EDIT
    title = gettext_lazy("Referral settings")
    template_name = "backoffice/referrals/settings.html"
    form_class = ReferralForm
    field_by_pointer = {"/minimum_order_minor": "minimum_order"}

    def crumbs(self) -> list[Crumb]:
        return [Crumb(_("Referrals"), reverse("referrals"))]

    def context(self) -> dict[str, Any]:
        return {**super().context(), "draft_number": offer_drafts.draft_number()}

    def initial(self) -> dict[str, Any]:
        terms = configured.referral()
        if terms is None:
            return {}
        places = exponent(self.access.tenant.currency)
        minimum = terms.minimum_order_minor
        return {
            **{each.name: getattr(terms, each.name) for each in fields(terms)},
            "minimum_order": Decimal(minimum).scaleb(-places) if minimum else None,
            "upper_points": ", ".join(map(str, terms.upper_points)),
        }

    def save(self, form: Any) -> str:
        values = dict(form.cleaned_data)
        minimum = to_minor(values.pop("minimum_order") or Decimal(0), self.access.tenant.currency)
        for side in ("referrer", "referee"):
            values[f"{side}_points"] = values[f"{side}_points"] or 0
            values[f"{side}_kind"] = ReferralReward(values[f"{side}_kind"])
        values["wallet"] = values["wallet"] or "points"
        values["qualification"] = OfferedQualification(values["qualification"])
        return offer_drafts.put(self, ReferralTerms(minimum_order_minor=minimum, **values))
