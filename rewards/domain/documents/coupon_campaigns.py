"""The section of coupon campaigns: their time, their limits and their coupons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from rewards.domain.coupon_validity import Period
from rewards.domain.documents.moments import MOMENT_SCHEMA, read_moment
from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import (
    MOST_MONEY,
    SLUG_SCHEMA,
    TEXT_SCHEMA,
    Section,
    keyed,
    one_of,
    record,
    whole,
)
from rewards.domain.offers import OfferedCampaign
from rewards.domain.programs import Revision

_NAME: Final = "coupon_campaigns"
_PERIODS: Final = {each.value: each.value for each in Period}
_MOMENTS: Final = ("starts_at", "ends_at")


def _read(document: Reader) -> tuple[OfferedCampaign, ...]:
    return keyed(document, _NAME, _campaign)


def _campaign(reader: Reader) -> OfferedCampaign:
    reader.only(*_PROPERTIES)
    campaign = OfferedCampaign(
        key=reader.slug("key"),
        name=reader.text("name"),
        starts_at=read_moment(reader, "starts_at"),
        ends_at=read_moment(reader, "ends_at"),
        is_targeted=reader.boolean("is_targeted"),
        limit_uses=reader.optional_integer("limit_uses", 1, MOST_MONEY),
        limit_discount_minor=reader.optional_integer("limit_discount_minor", 1, MOST_MONEY),
        limit_uses_period=reader.optional_integer("limit_uses_period", 1, MOST_MONEY),
        limit_discount_period_minor=reader.optional_integer("limit_discount_period_minor", 1, MOST_MONEY),
        period=reader.choice("period", _PERIODS, default=Period.MONTH.value),
        coupons=tuple(reader.texts("coupons")),
    )
    if campaign.starts_at and campaign.ends_at and campaign.ends_at <= campaign.starts_at:
        reader.refuse("ends_at", "before_start", "The end is after the start.")
    return campaign


def _check(document: Reader, revision: Revision) -> None:
    owners: dict[str, str] = {}
    for index, campaign in enumerate(revision.coupon_campaigns):
        for place, key in enumerate(campaign.coupons):
            owner = owners.setdefault(key, campaign.key)
            if owner != campaign.key:
                pointer = f"{_NAME}/{index}/coupons/{place}"
                document.refuse(pointer, "other_campaign", f"{key} belongs to another campaign.")


def _write(campaigns: tuple[OfferedCampaign, ...]) -> list[dict[str, Any]] | None:
    return [write_campaign(campaign) for campaign in campaigns] or None


def write_campaign(campaign: OfferedCampaign) -> dict[str, Any]:
    """Write one campaign as the section has it, without what it leaves open."""
    usual = OfferedCampaign(campaign.key, campaign.name)
    values = {each.name: getattr(campaign, each.name) for each in fields(campaign)}
    said = {name: value for name, value in values.items() if value and value != getattr(usual, name)}
    said |= {"key": campaign.key, "name": campaign.name}
    moments: dict[str, Any] = {name: said[name].isoformat() for name in _MOMENTS if name in said}
    coupons = {"coupons": list(campaign.coupons)} if campaign.coupons else {}
    return {**said, **moments, **coupons}


_PROPERTIES: Final[Mapping[str, Any]] = {
    "key": SLUG_SCHEMA, "name": TEXT_SCHEMA, "starts_at": MOMENT_SCHEMA, "ends_at": MOMENT_SCHEMA,
    "is_targeted": {"type": "boolean"}, "limit_uses": whole(1, MOST_MONEY, is_optional=True),
    "limit_discount_minor": whole(1, MOST_MONEY, is_optional=True),
    "limit_uses_period": whole(1, MOST_MONEY, is_optional=True),
    "limit_discount_period_minor": whole(1, MOST_MONEY, is_optional=True), "period": one_of(Period),
    "coupons": {"type": "array", "items": {"type": "string", "minLength": 1}},
}  # fmt: skip
SECTION: Final = Section(
    _NAME,
    _read,
    _write,
    schema={"type": "array", "items": record(("key", "name"), **_PROPERTIES)},
    check=_check,
)
