"""Challenge progress: a contribution like that of an order or event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rewards.domain.challenges.matching import Contribution
from rewards.domain.challenges.participation import Pair
from rewards.domain.effects import AdvanceChallenge
from rewards.domain.sources import RULE
from rewards.queries.programs import PublishedRevision
from rewards.services.challenge_counting import Touched, count
from rewards.services.challenge_progress import Batch
from rewards.services.effects.given import Given
from rewards.services.effects.refusals import NOTHING_REFUSED, Refused
from tenants.domain.actors import Actor


def carry_out(
    given: Sequence[Given[AdvanceChallenge]],
    *,
    published: PublishedRevision,
    by: Actor,
    at: datetime,
) -> Refused:
    """Count the progress of challenges the program still has, once for each event and rule."""
    known = {challenge.key for challenge in published.revision.challenges}
    touched = [_touched(item) for item in given if item.effect.challenge in known]
    count(touched, Batch(published, by, at))
    return NOTHING_REFUSED


def _touched(item: Given[AdvanceChallenge]) -> Touched:
    effect = item.effect
    source = item.source_of(effect.challenge).id
    one = Contribution("", RULE, source, "", effect.progress, item.occurred_at)
    pair = Pair(item.customer_id, effect.challenge)
    return Touched(pair, RULE, source, item.occurred_at, [one])
