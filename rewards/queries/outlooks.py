"""What a case would do to a member's challenges and tier, before it happens: read, never written.

Progress and tiers are worked out by the functions that count live, from what is stored plus the one case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Final

from django.utils import timezone

from crm.models import Customer
from rewards.domain.challenges.definition import Challenge, ChallengeReward, RewardKind
from rewards.domain.challenges.matching import (
    EVENT,
    Contribution,
    Document,
    EventFacts,
    OrderedLine,
    OrderFacts,
    contributions,
)
from rewards.domain.challenges.participation import COUNTS, Pair, involvement
from rewards.domain.challenges.periods import EARLIEST
from rewards.domain.challenges.progress import standings
from rewards.domain.challenges.walks import Member, Standing
from rewards.domain.decisions import Evaluation
from rewards.domain.effects import AdvanceChallenge, Earn, IssueCoupon
from rewards.domain.facts import Happening
from rewards.domain.gift_budgets import GiftBudgets
from rewards.domain.programs import Revision
from rewards.domain.qualification import (
    DROPPED,
    Criterion,
    Holding,
    Metric,
    Move,
    decide,
    project,
    reached,
)
from rewards.domain.rules import Trigger
from rewards.domain.tiers import Tier
from rewards.models import ChallengeProgress
from rewards.queries import budgets, challenge_members, paused, tiers
from rewards.queries.paused import KeptBack
from rewards.queries.programs import PublishedRevision

# The case's own name among documents; real ones are numbers and message ids.
_CASE: Final = "this case"
_CASE_ORDER: Final = 0
# The number of a customer who is nobody yet; real ones begin with 1.
NEWCOMER: Final = 0


@dataclass(frozen=True, slots=True)
class ChallengeOutlook:
    """Progress in one period of a challenge without and with the case, and the rewards it would bring.

    ``kept_back`` are those of the rewards that an emergency brake would keep back now.
    """

    challenge: Challenge
    before: int
    after: int
    target: int
    is_completed: bool
    rewards: tuple[ChallengeReward, ...]
    kept_back: tuple[KeptBack, ...] = ()


@dataclass(frozen=True, slots=True)
class TierOutlook:
    """The tier held and the one that would be held, and what is missing to the next one then."""

    before: Tier | None
    after: Tier | None
    move: Move
    next_tier: Tier | None
    missing: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Outlook:
    """Challenges that the case would move, and the tier of a program that has tiers."""

    challenges: tuple[ChallengeOutlook, ...]
    tier: TierOutlook | None


def of_case(
    *, customer: Customer, case: Happening, evaluation: Evaluation, published: PublishedRevision
) -> Outlook:
    """Return what ``case``, judged by ``evaluation``, would do to the member under the revision."""
    revision = published.revision
    moved = _paid(tuple(_challenges(customer, case, evaluation, revision)), case, evaluation, revision)
    moved = tuple(_braked(each, published) for each in moved)
    points = _points(evaluation, moved)
    return Outlook(moved, _tier(customer, case, points, revision) if revision.tiers else None)


def _braked(moved: ChallengeOutlook, published: PublishedRevision) -> ChallengeOutlook:
    key = moved.challenge.key
    gifts = [IssueCoupon(key, each.key) for each in moved.rewards if each.kind is RewardKind.COUPON]
    return replace(moved, kept_back=paused.gifts(gifts, revision=published, at=timezone.now()))


def _paid(
    moved: Sequence[ChallengeOutlook], case: Happening, evaluation: Evaluation, revision: Revision
) -> tuple[ChallengeOutlook, ...]:
    """Cut the points of challenges to what their budgets have, once the rules have taken theirs."""
    keys = {each.challenge.key for each in moved}
    book = budgets.of_challenges(revision, keys, at=case.at, lock=False)
    book.take(case.at, evaluation.decision.budgets)
    paying, found = GiftBudgets(revision, book), []
    for each in moved:
        rewards = tuple(paying.reward(each.challenge.key, reward, case.at) for reward in each.rewards)
        found.append(replace(each, rewards=rewards))
    return tuple(found)


def _points(evaluation: Evaluation, moved: Sequence[ChallengeOutlook]) -> Counter[str]:
    """Return what rules and challenges would credit, by wallet."""
    points: Counter[str] = Counter()
    for effect in evaluation.effects:
        if isinstance(effect, Earn):
            points[effect.wallet] += effect.points
    for reward in chain.from_iterable(each.rewards for each in moved):
        if reward.kind is RewardKind.POINTS:
            points[reward.key] += reward.points
    return points


def _document(customer: Customer, case: Happening) -> Document | None:
    if case.trigger is Trigger.ORDER:
        lines = [
            OrderedLine(line.item, line.category, line.quantity, line.amount_minor) for line in case.lines
        ]
        return OrderFacts(
            _CASE_ORDER, customer.pk, case.at, case.total_minor, case.channel, lines,
            case.currency, case.is_unpriced,
        )  # fmt: skip
    if case.trigger is Trigger.EVENT:
        return EventFacts(_CASE, customer.pk, case.name, case.at, case.properties)
    return None


def _challenges(
    customer: Customer, case: Happening, evaluation: Evaluation, revision: Revision
) -> Iterator[ChallengeOutlook]:
    document, zone = _document(customer, case), revision.time_zone
    added = {
        challenge.key: [
            *(contributions(challenge.goal, document, zone) if document else ()),
            *_advances(challenge, evaluation, case.at),
        ]
        for challenge in revision.challenges
    }
    touched = [challenge for challenge in revision.challenges if added[challenge.key]]
    if not touched:
        return
    joined = challenge_members.participations([customer.pk], [challenge.key for challenge in touched])
    audiences = challenge_members.audiences([customer.pk], touched, at=case.at)
    pairs = {Pair(customer.pk, challenge.key): EARLIEST for challenge in touched}
    counted, stored = challenge_members.contributions(pairs), challenge_members.progress(pairs)
    live_since, since = challenge_members.live_since(), challenge_members.joined_at([customer.pk])
    for challenge in touched:
        pair = Pair(customer.pk, challenge.key)
        row = joined.get(pair)
        part = involvement(challenge, audiences, customer.pk, is_opted_in=row.is_opted_in if row else None)
        if part not in COUNTS:
            continue
        member = Member(
            joined_at=row.joined_at if row else since.get(customer.pk, case.at),
            live_from=live_since.get(challenge.key, case.at),
            zone=zone,
            at=case.at,
            known={period: each.known for period, each in stored.get(pair, {}).items()},
        )
        without = standings(challenge, counted[pair], member)
        found = standings(challenge, [*counted[pair], *added[challenge.key]], member)
        if _is_used_up(challenge):
            found = [each._replace(completed_at=None) for each in found]
        yield from _changed(challenge, without, found)


def _is_used_up(challenge: Challenge) -> bool:
    """Whether all completions that the challenge has for everybody are taken."""
    most = challenge.limits.total
    if most is None:
        return False
    done = ChallengeProgress.objects.filter(challenge_key=challenge.key, completed_at__isnull=False)
    return done.count() >= most


def _advances(challenge: Challenge, evaluation: Evaluation, at: datetime) -> Iterator[Contribution]:
    """Yield what rules of the program would add by themselves."""
    for effect in evaluation.effects:
        if isinstance(effect, AdvanceChallenge) and effect.challenge == challenge.key:
            yield Contribution("", EVENT, f"{_CASE}:{effect.rule}", "", effect.progress, at)


def _changed(
    challenge: Challenge, without: Sequence[Standing], found: Sequence[Standing]
) -> Iterator[ChallengeOutlook]:
    before = {standing.period: standing for standing in without}
    for standing in found:
        former = before.get(standing.period)
        was = former.value if former else 0
        is_completed = standing.completed_at is not None and not (former and former.completed_at)
        had = former.reached_at_by_milestone if former else {}
        if (standing.value, is_completed) == (was, False):
            continue
        new = [
            each.rewards
            for each in challenge.milestones
            if each.at in standing.reached_at_by_milestone and each.at not in had
        ]
        rewards = tuple(chain(*new, challenge.rewards if is_completed else ()))
        yield ChallengeOutlook(challenge, was, standing.value, standing.target, is_completed, rewards)


def _tier(
    customer: Customer, case: Happening, points: Mapping[str, int], revision: Revision
) -> TierOutlook | None:
    found = tiers.of_customers([customer.pk], revision=revision, at=case.at)
    standing = tiers.NOWHERE if customer.pk == NEWCOMER else found.get(customer.pk)
    if standing is None:
        return None
    qualification, row = revision.qualification, standing.membership
    values = {
        criterion.key: standing.values.get(criterion.key, criterion.score({}))
        + _added(criterion, case, points)
        for criterion in qualification.criteria
    }
    place_by_key = {tier.key: place for place, tier in enumerate(revision.tiers)}
    holding = Holding()
    if row is not None:
        place = place_by_key.get(row.tier_key, DROPPED)
        holding = Holding(place, row.valid_until, row.grace_until, row.locked_until)
    place = reached(revision.tiers, qualification, values)
    decision = decide(holding, place, qualification, case.at, revision.time_zone)
    landing = decision.holding.place
    after = revision.tiers[landing] if landing >= 0 else None
    then = project(revision.tiers, qualification, values, after.key if after else None)
    return TierOutlook(standing.tier, after, decision.move, then.next_tier, then.missing_by_criterion)


def _added(criterion: Criterion, case: Happening, points: Mapping[str, int]) -> int:
    """Return what the case adds to a criterion; a score follows from traits, which change later."""
    is_order = case.trigger is Trigger.ORDER
    match criterion.metric:
        case Metric.SPEND:
            return case.total_minor if is_order else 0
        case Metric.ORDERS:
            return int(is_order)
        case Metric.EVENTS:
            return int(case.trigger is Trigger.EVENT and case.name == criterion.name)
        case Metric.POINTS:
            return points.get(criterion.name, 0)
        case _:
            return 0
