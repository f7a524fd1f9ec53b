"""Rows of customers that crm merges and separates, in crm's own transaction and its journal."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from crm.models import CustomerMerge
from crm.services import merge_journal
from rewards.domain.references import MOVED, REFEREES, REFERRAL_CODES, REFERRERS
from rewards.models import ReferralCode
from rewards.services import merged_challenges, merged_tiers
from rewards.services.coupons import counters
from tenants.domain.actors import Actor

_OWN_FRIEND: Final = "a.referee_id = %(survivor)s"
_BROUGHT_ALREADY: Final = """a.referrer_id = %(survivor)s OR EXISTS (
    SELECT FROM rewards_referral s WHERE s.tenant_id = %(tenant)s AND s.referee_id = %(survivor)s)"""
_BACK: Final = (*MOVED, REFERRERS, REFEREES, REFERRAL_CODES)


def merge(*, merge: CustomerMerge, by: Actor, at: datetime) -> None:
    """Give what the absorbed customer has to the survivor; conflicts are resolved by rule.

    Progress is read again from the joined contributions after the commit: ``challenges.recount``.
    """
    merged_challenges.merge(merge=merge, at=at)
    merged_tiers.merge(merge=merge, by=by, at=at)
    merge_journal.move_rows(merge, MOVED)
    merge_journal.move_rows_unless(merge, REFERRERS, _OWN_FRIEND)
    merge_journal.move_rows_unless(merge, REFEREES, _BROUGHT_ALREADY)
    if not ReferralCode.objects.filter(customer_id=merge.survivor_id).exists():
        merge_journal.move_rows(merge, [REFERRAL_CODES])
    counters.recount([merge.survivor_id, merge.absorbed_id])


def unmerge(*, merge: CustomerMerge, by: Actor, at: datetime) -> None:
    """Put everything back from the journal; what has come since stays with the survivor."""
    merge_journal.move_rows_back(merge, _BACK)
    merged_tiers.unmerge(merge=merge, by=by, at=at)
    merged_challenges.unmerge(merge=merge, by=by, at=at)
    counters.recount([merge.survivor_id, merge.absorbed_id])
