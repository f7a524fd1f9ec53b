"""Offers that the program governs: taken into its draft, and changed there by the same forms."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from rewards.domain.offers import OfferedCampaign, OfferedCoupon, OfferedReward, ReferralTerms
from rewards.domain.policies import VelocityLimit
from rewards.services import offer_drafts
from tenants.admin.frame import StaffPage
from tenants.domain.permissions import Permission


class TakeInPage(StaffPage):
    """Write the rewards, coupons, campaigns, referral and limits of pace that hold now into the draft."""

    http_method_names = ["post", "options"]
    permission = Permission.PROGRAM_EDIT

    def after_error(self) -> str:
        return reverse("program")

    def post(self, request: HttpRequest) -> HttpResponseBase:
        draft = offer_drafts.take_in(by=self.access.actor, at=timezone.now())
        messages.success(
            request, _("Rewards, coupons and referral are in the draft. Published, revisions govern them.")
        )
        return redirect("program_revision", draft.number)


def put(
    page: Any, *offers: OfferedReward | OfferedCoupon | OfferedCampaign | ReferralTerms | VelocityLimit
) -> str:
    """Write offers into the draft, say so, and return where the draft is."""
    page.access.actor.require(Permission.PROGRAM_EDIT)
    draft = offer_drafts.put(*offers, by=page.access.actor, at=timezone.now())
    text = _("The program governs this. The change waits in draft %(number)s.") % {"number": draft.number}
    messages.success(page.request, text)
    return reverse("program_revision", args=[draft.number])
