"""The state of a referral: locked, moved, rejected, recorded; and what stands in its way."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from rewards.locks import keep_from_merges, lock_referrals
from rewards.models import Referral, ReferralProgram, ReferralState
from rewards.queries import referral_checks
from rewards.services import referral_rewards
from tenants.domain.actors import SYSTEM, Actor
from tenants.errors import Conflict
from tenants.services import audit, outbox


class NoReferralProgram(Conflict):
    """The tenant has no referral program, or it is switched off."""

    code = "no_referral_program"
    title = "There is no referral program"


class AlreadyReferred(Conflict):
    """A customer is brought by one other, once."""

    code = "already_referred"
    title = "The customer was referred already"


class NotNewCustomer(Conflict):
    """Who has ordered already is not brought by anybody."""

    code = "not_new_customer"
    title = "The customer has ordered before"


class WrongReferralState(Conflict):
    """The referral is not in a state that allows this; carries ``state``."""

    code = "referral_state"
    title = "The referral's state does not allow this"


def locked(referral_ids: Collection[int], program: ReferralProgram | None) -> list[Referral]:
    """Lock referrals once none of their customers can be merged any more; a merge may move them meanwhile."""
    levels = len(program.upper_points) if program else 0
    kept: set[int] = set()
    while not (customers := referral_checks.parties(referral_ids, levels)) <= kept:
        keep_from_merges(customers)
        kept |= customers
    return lock_referrals(referral_ids)


def is_one_person(row: Referral) -> bool:
    """Whether the two records were merged since."""
    return referral_rewards.heir_of(row.referrer_id) == referral_rewards.heir_of(row.referee_id)


def end(row: Referral, reason: str, *, by: Actor, at: datetime) -> Referral:
    """Reject the locked row, with its reason."""
    row.rejected_at, row.reason = at, reason[:300]
    return move(row, ReferralState.REJECTED, by=by, at=at)


def move(row: Referral, state: ReferralState, *, by: Actor, at: datetime) -> Referral:
    """Save the locked row in its new state, with an audit row and a message."""
    before, row.state = row.state, state
    row.save()
    record(row, before, by=by, at=at)
    return row


def record(row: Referral, before: str | None, *, by: Actor, at: datetime) -> None:
    """Tell the audit log and the outbox what state the referral is in now."""
    diff: dict[str, Any] = {"state": [before, row.state], "findings": [None, row.findings]}
    audit.record(action=f"referral.{row.state}", target=row, by=by or SYSTEM, at=at, diff=diff)
    outbox.publish(topic=f"rewards.referral_{row.state}", payload={"referral_id": row.pk}, at=at)
