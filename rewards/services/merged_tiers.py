"""Tier memberships of customers that crm merges and separates; the history says so."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from crm.models import CustomerMerge
from crm.services import merge_journal
from rewards.domain import merging
from rewards.domain.references import MEMBERSHIPS
from rewards.locks import lock_tier_memberships
from rewards.models import TierChange, TierMembership, TierMove
from rewards.queries import programs
from tenants.domain.actors import Actor

_TAKEN_OVER: Final = (
    "tier_key", "qualifying_spend_minor", "since", "values", "computed_at", "valid_until", "grace_until",
    "locked_until", "lock_reason", "locked_by",
)  # fmt: skip


def merge(*, merge: CustomerMerge, by: Actor, at: datetime) -> None:
    """Let the better tier of both hold, with all that protects it, until the next computation."""
    found = {row.customer_id: row for row in lock_tier_memberships([merge.survivor_id, merge.absorbed_id])}
    mine, theirs = found.get(merge.survivor_id), found.get(merge.absorbed_id)
    if theirs is None:
        return
    merge_journal.keep_rows(merge, MEMBERSHIPS, [row.pk for row in found.values()])
    if mine is None:
        TierMembership.objects.filter(pk=theirs.pk).update(customer=merge.survivor_id)
        _record(merge.survivor_id, "", theirs, by=by, at=at)
        return
    published = programs.published()
    order = [tier.key for tier in published.revision.tiers] if published else []
    TierMembership.objects.filter(pk=theirs.pk).delete()
    if merging.takes_theirs(mine.tier_key, theirs.tier_key, order):
        _record(merge.survivor_id, mine.tier_key, theirs, by=by, at=at)
        for name in _TAKEN_OVER:
            setattr(mine, name, getattr(theirs, name))
        mine.save()


def unmerge(*, merge: CustomerMerge, by: Actor, at: datetime) -> None:
    """Put both memberships back, but leave the survivor's where staff have locked or unlocked it since."""
    current = next(iter(lock_tier_memberships([merge.survivor_id])), None)
    kept = {row["customer_id"]: row for row in merge_journal.kept_rows(merge, MEMBERSHIPS)}
    if not kept:
        return
    decided = TierChange.objects.filter(
        customer=merge.survivor_id,
        move__in=[TierMove.LOCKED, TierMove.UNLOCKED],
        changed_at__gt=merge.merged_at,
    )
    held = current.tier_key if current else ""
    if current is not None and (merge.survivor_id not in kept or not decided.exists()):
        current.delete()
    merge_journal.give_back_kept(merge, MEMBERSHIPS)
    now = TierMembership.objects.filter(customer=merge.survivor_id).first()
    if held != (now.tier_key if now else ""):
        _record(merge.survivor_id, held, now, by=by, at=at)


def _record(customer_id: int, before: str, held: TierMembership | None, *, by: Actor, at: datetime) -> None:
    change = TierChange(
        customer_id=customer_id, move=TierMove.MERGED, from_key=before, changed_at=at,
        actor_label=by.label[:200],
    )  # fmt: skip
    if held is not None:
        change.to_key, change.valid_until = held.tier_key, held.valid_until
        change.grace_until, change.locked_until = held.grace_until, held.locked_until
    TierChange.objects.bulk_create([change])
