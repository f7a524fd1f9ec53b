"""Participations and progress of customers that crm merges and separates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from crm.models import CustomerMerge
from crm.services import merge_journal
from rewards.domain import merging
from rewards.domain.challenges.changes import Grant
from rewards.domain.challenges.transitions import ProgressState
from rewards.domain.merging import Progress
from rewards.domain.references import PARTICIPATIONS, PROGRESS
from rewards.locks import lock_participations
from rewards.models import ChallengeParticipation, ChallengeProgress
from rewards.queries import programs
from rewards.services import challenge_rewards
from tenants.domain.actors import Actor


def merge(*, merge: CustomerMerge, at: datetime) -> None:
    """Join what both have of one challenge and give the survivor the rest."""
    _merge_participations(merge)
    theirs = list(ChallengeProgress.objects.filter(customer=merge.absorbed_id))
    mine = {
        (row.challenge_key, row.period): row
        for row in ChallengeProgress.objects.filter(customer=merge.survivor_id)
    }
    pairs = [(mine[key], row) for row in theirs if (key := (row.challenge_key, row.period)) in mine]
    merge_journal.keep_rows(merge, PROGRESS, [each.pk for each in theirs] + [row.pk for row, _ in pairs])
    for survivors, absorbed in pairs:
        _write(survivors, merging.joined(_of(survivors), _of(absorbed)), at)
    _pass_on(ChallengeProgress, merge, gone=[row.pk for _, row in pairs])


def unmerge(*, merge: CustomerMerge, by: Actor, at: datetime) -> None:
    """Put both back as they were; what only the joined progress earned is taken back."""
    lock_participations([merge.survivor_id, merge.absorbed_id])
    _restore_participations(merge)
    kept = merge_journal.kept_rows(merge, PROGRESS)
    grants: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in kept:
        grants.setdefault((row["challenge_key"], row["period"]), []).extend(row["grants"])
    current = [
        row
        for row in ChallengeProgress.objects.filter(customer=merge.survivor_id)
        if (row.challenge_key, row.period) in grants
    ]
    extra_by_key = {
        key: extra
        for row in current
        if (extra := merging.since(row.grants, grants[key := (row.challenge_key, row.period)]))
    }
    round_by_key = {(row.challenge_key, row.period): row.round + 1 for row in current}
    _take_back([dict(grant) for extra in extra_by_key.values() for grant in extra], by=by, at=at)
    ChallengeProgress.objects.filter(pk__in=[row.pk for row in current]).delete()
    merge_journal.give_back_kept(merge, PROGRESS)
    for challenge_key, period in extra_by_key:
        # The ledger takes each source once: what is earned again needs the name of another round.
        ChallengeProgress.objects.filter(
            customer=merge.survivor_id, challenge_key=challenge_key, period=period
        ).update(round=round_by_key[challenge_key, period])


def _take_back(grants: list[dict[str, Any]], *, by: Actor, at: datetime) -> None:
    published = programs.published()
    if grants and published is not None:
        challenge_rewards.take_back([Grant(**grant) for grant in grants], published=published, by=by, at=at)


def _merge_participations(merge: CustomerMerge) -> None:
    rows = lock_participations([merge.survivor_id, merge.absorbed_id])
    theirs = [row for row in rows if row.customer_id == merge.absorbed_id]
    mine = {row.challenge_key: row for row in rows if row.customer_id == merge.survivor_id}
    pairs = [(mine[row.challenge_key], row) for row in theirs if row.challenge_key in mine]
    kept = [row.pk for row in theirs] + [row.pk for row, _ in pairs]
    merge_journal.keep_rows(merge, PARTICIPATIONS, kept)
    for survivors, absorbed in pairs:
        survivors.joined_at = min(survivors.joined_at, absorbed.joined_at)
        survivors.is_opted_in = survivors.is_opted_in or absorbed.is_opted_in
        survivors.save(update_fields=["joined_at", "is_opted_in"])
    _pass_on(ChallengeParticipation, merge, gone=[row.pk for _, row in pairs])


def _restore_participations(merge: CustomerMerge) -> None:
    kept = [row["id"] for row in merge_journal.kept_rows(merge, PARTICIPATIONS)]
    # A row that has moved on with a later merge is not the survivor's to give back.
    both = Q(customer=merge.survivor_id) | Q(customer=merge.absorbed_id)
    ChallengeParticipation.objects.filter(both, pk__in=kept).delete()
    merge_journal.give_back_kept(merge, PARTICIPATIONS)


def _pass_on(
    model: type[ChallengeProgress | ChallengeParticipation], merge: CustomerMerge, gone: Sequence[int]
) -> None:
    model.objects.filter(pk__in=gone).delete()
    model.objects.filter(customer=merge.absorbed_id).update(customer=merge.survivor_id)


def _of(row: ChallengeProgress) -> Progress:
    return Progress(
        state=ProgressState(row.state),
        value=row.value,
        target=row.target,
        completed_at=row.completed_at,
        rewarded_at=row.rewarded_at,
        value_by_task=row.value_by_task,
        milestones=row.milestones,
        grants=row.grants,
        round=row.round,
    )


def _write(row: ChallengeProgress, joined: Progress, at: datetime) -> None:
    row.state, row.value, row.target, row.round = (
        joined.state.value,
        joined.value,
        joined.target,
        joined.round,
    )
    row.completed_at, row.rewarded_at = joined.completed_at, joined.rewarded_at
    row.value_by_task, row.milestones = dict(joined.value_by_task), list(joined.milestones)
    row.grants, row.updated_at = [dict(grant) for grant in joined.grants], at
    row.save()
