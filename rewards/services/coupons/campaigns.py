"""Coupon campaigns: a shared budget, the definitions under it, and who received the coupons."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from crm.models import Segment
from rewards.models import CouponCampaign, CouponDefinition, CouponPeriod, CouponRecipient
from rewards.queries import governed
from rewards.services.errors import GovernedByProgram
from tenants.domain.actors import Actor
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.scope import active_tenant_id
from tenants.services import audit

_NAMED: Final = 5
_LIMITS: Final = ("limit_uses", "limit_discount_minor", "limit_uses_period", "limit_discount_period_minor")
_ADD_MEMBERS: Final = """
INSERT INTO rewards_couponrecipient (tenant_id, campaign_id, customer_id, received_at)
SELECT m.tenant_id, %s, m.customer_id, %s FROM crm_segmentmember m
WHERE m.tenant_id = %s AND m.segment_id = %s ON CONFLICT DO NOTHING
"""


class CampaignKeyTaken(Conflict):
    """The tenant has a coupon campaign with this key already."""

    code = "campaign_key_taken"
    title = "This key is taken"


@dataclass(frozen=True, slots=True)
class CampaignTerms:
    """What staff decide; the limits count all definitions of the campaign together."""

    name: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_targeted: bool = False
    limit_uses: int | None = None
    limit_discount_minor: int | None = None
    limit_uses_period: int | None = None
    limit_discount_period_minor: int | None = None
    period: CouponPeriod = CouponPeriod.MONTH


@transaction.atomic
def create(
    *,
    key: str,
    terms: CampaignTerms,
    by: Actor,
    at: datetime,
    definition_keys: Collection[str] | None = None,
    of_program: bool = False,
) -> CouponCampaign:
    """Create a campaign over these definitions.

    ``of_program`` says that it comes with a revision, which may take definitions from other campaigns. Raises
    ``InvalidInput`` and ``CampaignKeyTaken``.
    """
    _check(terms)
    campaign, is_new = CouponCampaign.objects.get_or_create(
        key=key, defaults={**asdict(terms), "created_at": at}
    )
    if not is_new:
        raise CampaignKeyTaken(key=key)
    _take_definitions(campaign, definition_keys, of_program=of_program)
    audit.record(action="coupon_campaign.saved", target=campaign, by=by, at=at)
    found: CouponCampaign = campaign
    return found


@transaction.atomic
def change(
    *,
    campaign: CouponCampaign,
    values: Mapping[str, Any],
    by: Actor,
    at: datetime,
    definition_keys: Collection[str] | None = None,
    of_program: bool = False,
) -> CouponCampaign:
    """Change the named ``values`` (fields of ``CampaignTerms``) and leave the others.

    ``definition_keys`` replaces the definitions of the campaign (``None`` leaves them); their codes follow at
    once. A limit that is set later counts from then on. Raises ``InvalidInput``, and ``GovernedByProgram``
    unless it comes ``of_program``, with a revision.
    """
    if not of_program and governed.governs_campaign(campaign.key):
        raise GovernedByProgram
    former = {name: getattr(campaign, name) for name in CampaignTerms.__dataclass_fields__}
    _check(CampaignTerms(**{**former, **values}))
    for name, value in values.items():
        setattr(campaign, name, value)
    if values:
        campaign.save(update_fields=list(values))
    _take_definitions(campaign, definition_keys, of_program=of_program)
    diff = {
        name: [former[name], value]
        for name, value in values.items()
        if former[name] != value and not isinstance(value or former[name], datetime)
    }
    audit.record(action="coupon_campaign.saved", target=campaign, by=by, at=at, diff=diff)
    return campaign


def save(
    *,
    key: str,
    terms: CampaignTerms,
    by: Actor,
    at: datetime,
    definition_keys: Collection[str] | None = None,
    of_program: bool = False,
) -> CouponCampaign:
    """Create the campaign with this key, or change it. Raises what ``create`` and ``change`` raise."""
    given: dict[str, Any] = {
        "definition_keys": definition_keys, "by": by, "at": at, "of_program": of_program,
    }  # fmt: skip
    known = CouponCampaign.objects.filter(key=key).first()
    if known is None:
        return create(key=key, terms=terms, **given)
    return change(campaign=known, values=asdict(terms), **given)


@transaction.atomic
def end(*, campaign: CouponCampaign, by: Actor, at: datetime) -> None:
    """End a campaign that the program names no more: its coupons count for nobody under it."""
    if campaign.ends_at is not None and campaign.ends_at <= at:
        return
    if campaign.starts_at is not None and campaign.starts_at >= at:
        campaign.starts_at = None
    campaign.ends_at = at
    campaign.save(update_fields=["starts_at", "ends_at"])
    audit.record(action="coupon_campaign.saved", target=campaign, by=by, at=at, diff={"ended": [False, True]})


def _check(terms: CampaignTerms) -> None:
    if errors := list(_errors(terms)):
        raise InvalidInput(errors=errors)


def _errors(terms: CampaignTerms) -> Iterator[FieldError]:
    if terms.starts_at and terms.ends_at and terms.ends_at <= terms.starts_at:
        yield FieldError("/ends_at", "before_start", "The end is after the start.")
    for name in _LIMITS:
        value = getattr(terms, name)
        if value is not None and value < 1:
            yield FieldError(f"/{name}", "too_small", "At least one, or nothing for no limit.")
    if terms.period not in CouponPeriod.values:
        yield FieldError("/period", "invalid_choice", "Day, week or month.")


def _take_definitions(campaign: CouponCampaign, keys: Collection[str] | None, *, of_program: bool) -> None:
    if keys is None:
        return
    known = dict(CouponDefinition.objects.filter(key__in=keys).values_list("key", "campaign_id"))
    if missing := sorted(set(keys) - set(known)):
        detail = f"There is no coupon {', '.join(missing[:_NAMED])}."
        raise InvalidInput(errors=[FieldError("/definitions", "unknown_coupon", detail)])
    elsewhere = sorted(key for key, owner in known.items() if owner not in {None, campaign.pk})
    # A revision moves coupons among its campaigns, each of which is written in turn.
    if elsewhere and not of_program:
        detail = f"{', '.join(elsewhere[:_NAMED])} belongs to another campaign."
        raise InvalidInput(errors=[FieldError("/definitions", "other_campaign", detail)])
    campaign.definitions.exclude(key__in=keys).update(campaign=None)
    CouponDefinition.objects.filter(key__in=keys).update(campaign=campaign)


def add_recipients(*, campaign: CouponCampaign, customer_ids: Collection[int], at: datetime) -> int:
    """Note who received the campaign's coupons; returns how many are new."""
    before = campaign.recipients.count()
    CouponRecipient.objects.bulk_create(
        [
            CouponRecipient(campaign=campaign, customer_id=customer_id, received_at=at)
            for customer_id in sorted(set(customer_ids))
        ],
        ignore_conflicts=True,
        batch_size=2000,
    )
    return int(campaign.recipients.count() - before)


@transaction.atomic
def add_segment(*, campaign: CouponCampaign, segment: Segment, by: Actor, at: datetime) -> int:
    """Make everybody who is in the segment now a recipient; returns how many are new."""
    with connection.cursor() as cursor:
        cursor.execute(_ADD_MEMBERS, [campaign.pk, at, active_tenant_id(), segment.pk])
        added = int(cursor.rowcount)
    diff = {"segment": [None, segment.key], "recipients": [None, added]}
    audit.record(action="coupon_campaign.recipients_added", target=campaign, by=by, at=at, diff=diff)
    return added
