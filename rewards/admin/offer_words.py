"""Rewards, coupons and the referral of two revisions side by side, by the names their tables give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from rewards.domain.documents.offered_coupons import USUAL_TERMS
from rewards.domain.offers import OfferedCampaign, OfferedCoupon, OfferedReward, ReferralTerms
from rewards.models import CouponCampaign, CouponDefinition, ReferralProgram, Reward
from tenants.admin import formats

_PERCENT: Final = "percent_hundredths"
_WHOLE: Final = 10_000


def reward_parts(reward: OfferedReward, _revision: Any, currency: str) -> Mapping[str | Promise, str]:
    values = {each.name: getattr(reward, each.name) for each in fields(reward) if each.name != "key"}
    prices = values.pop("prices")
    values["coupon_definition"] = values.pop("coupon")
    named = _named(Reward, values, currency)
    return {
        **named,
        _("Other prices"): ", ".join(f"{key}: {points}" for key, points in sorted(prices.items())),
    }


def coupon_parts(coupon: OfferedCoupon, _revision: Any, currency: str) -> Mapping[str | Promise, str]:
    named = _named(CouponDefinition, {"name": coupon.name, "kind": coupon.kind, **coupon.terms}, currency)
    return {**named, _("Only these items"): ", ".join(coupon.items)}


def usual_coupon_parts(currency: str) -> Mapping[str | Promise, str]:
    """Return the parts that every coupon has that says nothing of them."""
    return _named(CouponDefinition, USUAL_TERMS, currency)


def campaign_parts(campaign: OfferedCampaign, _revision: Any, currency: str) -> Mapping[str | Promise, str]:
    names = [each.name for each in fields(campaign) if each.name not in {"key", "coupons"}]
    named = _named(CouponCampaign, {name: getattr(campaign, name) for name in names}, currency)
    return {**named, _("Coupons of this campaign"): ", ".join(campaign.coupons)}


def referral_parts(revision: Any, currency: str) -> Mapping[str | Promise, str]:
    terms: ReferralTerms | None = revision.referral
    if terms is None:
        return {}
    values = {each.name: getattr(terms, each.name) for each in fields(terms)}
    values["wallet_key"] = values.pop("wallet")
    return _named(ReferralProgram, values, currency)


def _named(model: type[Model], values: Mapping[str, Any], currency: str) -> dict[str | Promise, str]:
    return {
        str(model._meta.get_field(name).verbose_name): _written(model, name, value, currency)  # type: ignore[union-attr]  # a column
        for name, value in values.items()
    }


def _written(model: type[Model], name: str, value: Any, currency: str) -> str:
    if value is None or value in ("", [], ()):
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return formats.moment(value)
    return _text(model, name, value, currency)


def _text(model: type[Model], name: str, value: Any, currency: str) -> str:
    if name == _PERCENT:
        return formats.percent(value / _WHOLE, 2)
    if name.endswith("_minor"):
        return formats.money(value, currency)
    choices = dict(getattr(model._meta.get_field(name), "flatchoices", ()) or ())
    return str(choices.get(value, value))
