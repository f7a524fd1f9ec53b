"""Rewards, coupons and the referral in the draft of the program: taken in, and changed there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from rewards.domain.documents import to_json
from rewards.domain.documents.offered_coupons import write_coupon
from rewards.domain.documents.offered_rewards import write_reward
from rewards.domain.documents.referral import write_referral
from rewards.domain.offers import OfferedCoupon, OfferedReward, ReferralTerms
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
    _add(document, "rewards", [write_reward(each) for each in offers.rewards()])
    terms = offers.referral()
    if terms is not None and document.get("referral") is None:
        document["referral"] = write_referral(terms)
    return _save(document, by=by, at=at)


def _add(document: dict[str, Any], section: str, entries: list[dict[str, Any]]) -> None:
    there = document.setdefault(section, [])
    keys = {each["key"] for each in there}
    there += [entry for entry in entries if entry["key"] not in keys]


@transaction.atomic
def put(offer: OfferedReward | OfferedCoupon | ReferralTerms, *, by: Actor, at: datetime) -> ProgramRevision:
    """Change one offer in the draft; a draft is made from what is in force where there is none.

    Raises ``NoProgramYet`` and ``InvalidInput``.
    """
    document = _document()
    if isinstance(offer, ReferralTerms):
        document["referral"] = write_referral(offer)
    elif isinstance(offer, OfferedReward):
        _replace(document, "rewards", write_reward(offer))
    else:
        _replace(document, "coupons", write_coupon(offer))
    return _save(document, by=by, at=at)


def _replace(document: dict[str, Any], section: str, entry: dict[str, Any]) -> None:
    there = document.setdefault(section, [])
    place = next((index for index, each in enumerate(there) if each["key"] == entry["key"]), len(there))
    there[place : place + 1] = [entry]


def _document() -> dict[str, Any]:
    row = program_queries.draft() or program_queries.current()
    if row is None:
        raise NoProgramYet
    return to_json(program_queries.revision_of(row))


def _save(document: dict[str, Any], *, by: Actor, at: datetime) -> ProgramRevision:
    return programs.save_draft(document=document, revision=program_queries.draft(), by=by, at=at)
