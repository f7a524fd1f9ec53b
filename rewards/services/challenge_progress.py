"""From stored contributions to stored progress: periods are settled, rewards given and taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from rewards.domain.challenges.changes import Change, Gift, change_of, counts_since, within_total
from rewards.domain.challenges.definition import Challenge
from rewards.domain.challenges.participation import Involvement, Pair, involvement
from rewards.domain.challenges.progress import standings
from rewards.domain.challenges.walks import Member
from rewards.locks import lock_challenge_limit
from rewards.models import ChallengeProgress
from rewards.queries import challenge_members
from rewards.queries.programs import PublishedRevision
from rewards.services import challenge_periods, challenge_rewards, tiers
from rewards.services.challenge_budgets import PaidGifts
from tenants.domain.actors import Actor
from tenants.services import outbox

TOPIC_COMPLETED: Final = "rewards.challenges_completed"


@dataclass(slots=True)
class Counted:
    """What a batch changed."""

    completed: int = 0
    given: int = 0
    taken_back: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """One run of counting: the revision in force, who asks, and the moment.

    ``former`` are challenges that are offered no more, of which something may come back.
    """

    published: PublishedRevision
    by: Actor
    at: datetime
    former: Mapping[str, Challenge] = field(default_factory=lambda: MappingProxyType({}))
    challenge_by_key: Mapping[str, Challenge] = field(init=False)

    def __post_init__(self) -> None:
        by_key = {challenge.key: challenge for challenge in self.published.revision.challenges}
        object.__setattr__(self, "challenge_by_key", {**self.former, **by_key})


class Joined(NamedTuple):
    """A locked participation: since when, and whether they asked to."""

    at: datetime
    is_opted_in: bool


def bring_up_to_date(first: Mapping[Pair, datetime], joined: Mapping[Pair, Joined], batch: Batch) -> Counted:
    """Read the progress of locked participants again, from the period of the moment given for each."""
    zone = batch.published.revision.time_zone
    since = {
        pair: counts_since(batch.challenge_by_key[pair.challenge_key], first[pair], zone) for pair in joined
    }
    if not since:
        return Counted()
    live_since = challenge_members.live_since()
    counted = challenge_members.contributions(since)
    kept_by_pair = challenge_members.progress(since)
    changes: list[Change] = []
    for pair in sorted(since):
        challenge, kept = batch.challenge_by_key[pair.challenge_key], kept_by_pair.get(pair, {})
        member = Member(
            joined_at=joined[pair].at,
            live_from=live_since.get(pair.challenge_key, batch.at),
            zone=zone,
            at=batch.at,
            known={period: each.known for period, each in kept.items()},
        )
        changes += [
            change_of(pair, challenge, standing, kept.get(standing.period), batch.at)
            for standing in standings(challenge, counted[pair], member)
        ]
    return _carry_out(within_total(changes, _completions, batch.at), joined, batch)


def _completions(key: str) -> int:
    """Return how many times a challenge was completed, which nobody changes until the transaction ends."""
    lock_challenge_limit(key)
    return ChallengeProgress.objects.filter(challenge_key=key, completed_at__isnull=False).count()


def _carry_out(changes: Sequence[Change], joined: Mapping[Pair, Joined], batch: Batch) -> Counted:
    published, by, at = batch.published, batch.by, batch.at
    revoked = [grant for change in changes for grant in change.revoked]
    challenge_rewards.take_back(revoked, published=published, by=by, at=at)
    gifts = [change.gifts(at) for change in changes]
    due = [gift for gifts_of_change in gifts for gift in gifts_of_change]
    waiting = _waiting(due, joined, batch)
    due_now = [gift for gift in due if gift.source not in waiting]
    paid = PaidGifts(due_now, published=published, at=at)
    refused = challenge_rewards.give(paid(due_now), published=published, by=by, at=at) | waiting
    paid.charge(refused)
    periods = {
        (change.pair, change.standing.period): kept
        for change, due_of_change in zip(changes, gifts, strict=True)
        if (kept := change.after(paid(due_of_change), refused, at)) != change.before
    }
    challenge_periods.write(periods, at)
    given = [gift for gift in due if gift.source not in refused]
    receivers = {gift.pair.customer_id for gift in given}
    tiers.refresh_after_points(customer_ids=receivers, revision=published.revision, at=at)
    completed = [change for change in changes if change.completes]
    _tell(completed, batch)
    return Counted(len(completed), len(given), len(revoked))


def _waiting(gifts: Sequence[Gift], joined: Mapping[Pair, Joined], batch: Batch) -> frozenset[str]:
    """Return the sources of what cannot be given now.

    Its customer is outside of the audience, or the challenge is offered no more.
    """
    over = frozenset(gift.source for gift in gifts if gift.pair.challenge_key in batch.former)
    challenges = [each for each in batch.published.revision.challenges if each.pauses]
    if len(over) == len(gifts) or not challenges:
        return over
    receivers = {gift.pair.customer_id for gift in gifts}
    audiences = challenge_members.audiences(receivers, challenges, at=batch.at)

    def waits(pair: Pair) -> bool:
        challenge, asked = batch.challenge_by_key[pair.challenge_key], joined[pair].is_opted_in
        return involvement(challenge, audiences, pair.customer_id, is_opted_in=asked) is Involvement.WAITS

    return over | {gift.source for gift in gifts if waits(gift.pair)}


def _tell(completed: Sequence[Change], batch: Batch) -> None:
    if not completed:
        return
    rows = [
        {
            "customer_id": change.pair.customer_id,
            "challenge": change.pair.challenge_key,
            "period": change.standing.period,
        }
        for change in completed
    ]
    payload = {"revision": batch.published.number, "completions": rows}
    outbox.publish(topic=TOPIC_COMPLETED, payload=payload, at=batch.at)
