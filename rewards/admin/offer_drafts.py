"""Offers on their own pages: written into the draft of the program, and listed while they wait there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final, TypeVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from rewards.domain.offers import OfferedCampaign, OfferedCoupon, OfferedReward
from rewards.queries import configured
from rewards.services import offer_drafts
from rewards.services.offers import Offer
from tenants.admin.frame import StaffPage
from tenants.admin.untouched import kept
from tenants.domain.permissions import Permission

_Offer = TypeVar("_Offer", OfferedReward, OfferedCoupon, OfferedCampaign)
_LIST_BY_SECTION: Final = {
    "rewards": "rewards", "coupons": "coupons", "coupon_campaigns": "coupon_campaigns",
}  # fmt: skip


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


class DropPage(StaffPage):
    """Take a new offer out of the draft again."""

    http_method_names = ["post", "options"]
    permission = Permission.PROGRAM_EDIT

    def post(self, request: HttpRequest, section: str, key: str) -> HttpResponseBase:
        offer_drafts.drop(section=section, key=key, by=self.access.actor, at=timezone.now())
        messages.success(request, _("It is out of the draft again."))
        return redirect(_LIST_BY_SECTION[section])


def put(page: Any, *offers: Offer, campaign: str | None = None) -> str:
    """Write offers into the draft, say so, and return where the draft is."""
    page.access.actor.require(Permission.PROGRAM_EDIT)
    drafted = offer_drafts.put(*offers, campaign=campaign, by=page.access.actor, at=timezone.now())
    if drafted.number is None:
        messages.success(page.request, _("Nothing differs from what is in force."))
        return reverse("program")
    if drafted.behind is not None:
        messages.warning(page.request, behind_text(drafted.number, drafted.behind))
    text = _("This waits in draft %(number)s and takes effect when that is published.")
    messages.success(page.request, text % {"number": drafted.number})
    return reverse("program_revision", args=[drafted.number])


def changed(former: _Offer, shown: _Offer, typed: _Offer) -> _Offer:
    """Return the offer as it was but for what was changed in its form: where ``typed`` is not ``shown``."""
    return replace(former, **kept(*map(_values, (former, shown, typed))))


def _values(offer: Any) -> dict[str, Any]:
    values = {each.name: getattr(offer, each.name) for each in fields(offer)}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}


def behind_text(number: int, current: int) -> str:
    """Say that a draft fell behind."""
    return _("Draft %(number)s is behind: revision %(current)s was published since it was begun.") % {
        "number": number, "current": current,
    }  # fmt: skip


def draft_number() -> int | None:
    """Return the number of the draft that a form writes into, if there is one."""
    row = configured.open_row()
    return row.number if row else None
