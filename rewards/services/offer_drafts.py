"""Rewards, coupons and the referral in the draft of the program: taken in, and changed there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from rewards.domain.documents import to_json
from rewards.domain.documents.coupon_campaigns import write_campaign
from rewards.domain.documents.offered_coupons import write_coupon
from rewards.domain.documents.offered_rewards import write_reward
from rewards.domain.documents.policies import write_velocity
from rewards.domain.documents.referral import write_referral
from rewards.domain.offers import OfferedCampaign, OfferedCoupon, OfferedReward, ReferralTerms
from rewards.domain.policies import VelocityLimit
from rewards.models import ProgramRevision
from rewards.queries import offers
from rewards.queries import programs as program_queries
from rewards.services import programs
from tenants.domain.actors import Actor
from tenants.errors import Conflict


class NoProgramYet(Conflict):
    """There is neither a draft nor a program in force."""

    code = "no_program"
    title = "Write a program first"


@transaction.atomic
def take_in(*, by: Actor, at: datetime) -> ProgramRevision:
    """Write what is on offer now into the draft, where it is not yet; published, revisions govern it.

    Raises ``NoProgramYet`` and ``InvalidInput``.
    """
    document = _document()
    _add(document, "coupons", [write_coupon(each) for each in offers.coupons()])
    _add(document, "coupon_campaigns", [write_campaign(each) for each in offers.campaigns()])
    _add(document, "rewards", [write_reward(each) for each in offers.rewards()])
    terms = offers.referral()
    if terms is not None and document.get("referral") is None:
        document["referral"] = write_referral(terms)
    _add(document["policies"], "velocity_limits", write_velocity(offers.velocity_limits()), by_name="kind")
    return _save(document, by=by, at=at)


def _add(document: dict[str, Any], section: str, entries: list[dict[str, Any]], by_name: str = "key") -> None:
    there = document.setdefault(section, [])
    keys = {each[by_name] for each in there}
    there += [entry for entry in entries if entry[by_name] not in keys]


@transaction.atomic
def put(
    *changed: OfferedReward | OfferedCoupon | OfferedCampaign | ReferralTerms | VelocityLimit,
    by: Actor,
    at: datetime,
) -> ProgramRevision:
    """Change offers in the draft; a draft is made from what is in force where there is none.

    Raises ``NoProgramYet`` and ``InvalidInput``.
    """
    document = _document()
    for offer in changed:
        if isinstance(offer, ReferralTerms):
            document["referral"] = write_referral(offer)
        elif isinstance(offer, OfferedReward):
            _replace(document, "rewards", write_reward(offer))
        elif isinstance(offer, OfferedCampaign):
            _replace(document, "coupon_campaigns", write_campaign(offer))
        elif isinstance(offer, VelocityLimit):
            (limit,) = write_velocity([offer])
            _replace(document["policies"], "velocity_limits", limit, by_name="kind")
        else:
            _replace(document, "coupons", write_coupon(offer))
    return _save(document, by=by, at=at)


def _replace(document: dict[str, Any], section: str, entry: dict[str, Any], by_name: str = "key") -> None:
    there = document.setdefault(section, [])
    places = (index for index, each in enumerate(there) if each[by_name] == entry[by_name])
    place = next(places, len(there))
    there[place : place + 1] = [entry]


def _document() -> dict[str, Any]:
    row = program_queries.draft() or program_queries.current()
    if row is None:
        raise NoProgramYet
    return to_json(program_queries.revision_of(row))


def _save(document: dict[str, Any], *, by: Actor, at: datetime) -> ProgramRevision:
    return programs.save_draft(document=document, revision=program_queries.draft(), by=by, at=at)
