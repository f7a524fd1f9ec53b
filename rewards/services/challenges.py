"""Challenges: what orders, returns and events count for, opting in and out, and keeping time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from itertools import islice
from typing import Final

from django.db import transaction

from crm.models import Customer, CustomerState
from rewards.domain.challenges.definition import Challenge
from rewards.domain.challenges.matching import EVENT, ORDER, Document, OrderFacts, contributions
from rewards.domain.challenges.participation import Involvement, Pair, involvement
from rewards.domain.challenges.periods import window_span
from rewards.models import ChallengeContribution, ChallengeParticipation, ChallengeProgress, ChallengeState
from rewards.queries import (
    challenge_documents,
    challenge_members,
    former_challenges,
    programs,
)
from rewards.queries.challenge_documents import RecordedOrder
from rewards.queries.programs import PublishedRevision
from rewards.services import challenge_counting
from rewards.services.challenge_counting import Touched
from rewards.services.challenge_progress import Batch, Counted
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import Conflict, NotFound
from tenants.models import Tenant
from tenants.scope import active_tenant, tenant_scope
from tenants.services import audit, outbox

_PAGE: Final = 2_000
_SWEEP: Final = 1_000
Progress = Callable[[int, int, str], None]


class ChallengeNotOffered(NotFound):
    """The program in force has no such challenge, or not for this customer."""

    code = "challenge_not_offered"
    title = "The challenge is not offered to this customer"


class ChallengeIsAutomatic(Conflict):
    """Nobody opts in or out of a challenge that everybody of its audience takes part in."""

    code = "challenge_is_automatic"
    title = "Everybody takes part in this challenge without asking"


@transaction.atomic
def record_orders(order_ids: Collection[int], *, by: Actor, at: datetime) -> Counted:
    """Count orders (net of their returns where the challenge rolls back). Safe to repeat."""
    published = programs.published()
    if published is None or not any(each.counts_orders() for each in _offered(published)):
        return Counted()
    worth = published.revision.exchange
    return _count_orders(challenge_documents.orders(order_ids, worth), Batch(published, by, at))


@transaction.atomic
def record_returns(return_ids: Sequence[int], *, by: Actor, at: datetime) -> Counted:
    """Count the orders of returns again: what came back no longer counts where the challenge says so.

    That holds also for challenges that the program has dropped since, and for who is suspended or has left.
    """
    published = programs.published()
    if published is None:
        return Counted()
    order_ids, worth = challenge_documents.orders_of_returns(return_ids), published.revision.exchange
    orders = challenge_documents.orders(order_ids, worth)
    former = former_challenges.counted([order.bought for order in orders], published.revision)
    return _count_orders(orders, Batch(published, by, at, former))


def _count_orders(orders: Sequence[RecordedOrder], batch: Batch) -> Counted:
    zone = batch.published.revision.time_zone
    touched = [
        _touched(
            challenge, order.kept if challenge.rolls_back else order.bought, zone,
            only_takes_back=not order.is_active or challenge.key in batch.former,
        )
        for order in orders
        for challenge in batch.challenge_by_key.values()
        if challenge.counts_orders()
    ]  # fmt: skip
    return challenge_counting.count(touched, batch)


@transaction.atomic
def record_events(
    *, message_ids: Sequence[str], first_at: datetime | str, last_at: datetime | str, by: Actor, at: datetime
) -> Counted:
    """Count events; each once for ever, whenever and in whichever order they arrive."""
    published = programs.published()
    challenges = [each for each in _offered(published) if each.event_names()]
    if published is None or not challenges:
        return Counted()
    zone = published.revision.time_zone
    events = challenge_documents.events(
        message_ids=message_ids,
        first_at=first_at,
        last_at=last_at,
        names={name for challenge in challenges for name in challenge.event_names()},
    )
    touched = [_touched(challenge, event, zone) for event in events for challenge in challenges]
    return challenge_counting.count(
        [each for each in touched if each.contributions], Batch(published, by, at)
    )


def _offered(published: PublishedRevision | None) -> Sequence[Challenge]:
    return published.revision.challenges if published else ()


def _touched(
    challenge: Challenge, document: Document, zone: tzinfo, *, only_takes_back: bool = False
) -> Touched:
    pair = Pair(document.customer_id, challenge.key)
    found = contributions(challenge.goal, document, zone)
    if isinstance(document, OrderFacts):
        return Touched(pair, ORDER, str(document.id), document.placed_at, found, only_takes_back)
    return Touched(pair, EVENT, document.message_id, document.occurred_at, found)


@transaction.atomic
def opt_in(*, customer: Customer, key: str, by: Actor, at: datetime) -> ChallengeParticipation:
    """Let a customer take part from now on; a second time changes nothing.

    Raises ``ChallengeNotOffered`` and ``ChallengeIsAutomatic``.
    """
    by.require(Permission.CHALLENGES_EDIT)
    published = programs.published()
    challenge = next((each for each in _offered(published) if each.key == key), None)
    if challenge is None or customer.state != CustomerState.ACTIVE:
        raise ChallengeNotOffered
    if not challenge.needs_opt_in:
        raise ChallengeIsAutomatic
    if window_span(challenge, joined_at=at, live_from=at, zone=active_tenant().zone).ends_at <= at:
        raise ChallengeNotOffered("The challenge is over.")
    if not challenge_members.audiences([customer.pk], [challenge], at=at).admits(challenge, customer.pk):
        raise ChallengeNotOffered
    row: ChallengeParticipation
    row, is_new = ChallengeParticipation.objects.get_or_create(
        customer=customer,
        challenge_key=key,
        defaults={"joined_at": at, "is_opted_in": True, "touched_at": at},
    )
    if not is_new and not row.is_opted_in:
        row.is_opted_in = is_new = True
        row.save(update_fields=["is_opted_in"])
    if is_new:
        audit.record(action="challenge.opted_in", target=row, by=by, at=at, diff={"challenge": [None, key]})
        outbox.publish(
            topic="rewards.challenge_joined", payload={"customer_id": customer.pk, "challenge": key}, at=at
        )
    return row


@transaction.atomic
def opt_out(*, customer: Customer, key: str, by: Actor, at: datetime) -> None:
    """End taking part; progress stays and goes on after opting in again. Twice changes nothing."""
    by.require(Permission.CHALLENGES_EDIT)
    rows = ChallengeParticipation.objects.filter(customer=customer, challenge_key=key, is_opted_in=True)
    row = rows.first()
    if row is not None:
        row.is_opted_in = False
        row.save(update_fields=["is_opted_in"])
        audit.record(action="challenge.opted_out", target=row, by=by, at=at, diff={"challenge": [key, None]})


@transaction.atomic
def sweep(*, by: Actor, at: datetime) -> Counted:
    """Expire periods that are over, and give what frozen accounts could not take. Safe to repeat."""
    ChallengeProgress.objects.filter(state=ChallengeState.IN_PROGRESS, ends_at__lte=at).update(
        state=ChallengeState.EXPIRED, updated_at=at
    )
    published = programs.published()
    if published is None:
        return Counted()
    keys = [challenge.key for challenge in _offered(published)]
    completed = ChallengeProgress.objects.filter(
        state=ChallengeState.COMPLETED, challenge_key__in=keys, customer__state=CustomerState.ACTIVE
    )
    rows = completed.order_by("completed_at").values_list("customer_id", "challenge_key")
    pairs = list(dict.fromkeys(Pair(customer_id, key) for customer_id, key in rows))
    due = islice(_not_waiting(pairs, published.revision.challenges, at), _SWEEP)
    return challenge_counting.recompute(due, Batch(published, by, at))


def _not_waiting(pairs: Sequence[Pair], challenges: Sequence[Challenge], at: datetime) -> Iterator[Pair]:
    """Yield the participants who do not wait outside of an audience, reading a page of them at a time."""
    by_key = {challenge.key: challenge for challenge in challenges}
    for first in range(0, len(pairs), _SWEEP):
        page = pairs[first : first + _SWEEP]
        customer_ids = {pair.customer_id for pair in page}
        audiences = challenge_members.audiences(customer_ids, challenges, at=at)
        there = challenge_members.participations(customer_ids, by_key)
        for pair in page:
            row = there.get(pair)
            is_opted_in = row.is_opted_in if row else None
            challenge = by_key[pair.challenge_key]
            if (
                involvement(challenge, audiences, pair.customer_id, is_opted_in=is_opted_in)
                is not Involvement.WAITS
            ):
                yield pair


@transaction.atomic
def recount(*, customer_ids: Collection[int], by: Actor, at: datetime) -> Counted:
    """Read the progress of customers again, in all they take part in or have contributed to.

    After a merge, whose contributions are joined, and after it was undone.
    """
    published = programs.published()
    offered = _offered(published)
    if published is None or not offered:
        return Counted()
    active = {"customer__in": list(customer_ids), "customer__state": CustomerState.ACTIVE}
    taking_part = ChallengeParticipation.objects.filter(
        challenge_key__in=[challenge.key for challenge in offered], **active
    )
    # Who contributed to a challenge for everybody since a merge takes part, though the participation left.
    contributing = ChallengeContribution.objects.filter(
        challenge_key__in=[challenge.key for challenge in offered if not challenge.needs_opt_in], **active
    )
    columns = ("customer_id", "challenge_key")
    pairs = _pairs(taking_part.values_list(*columns)) | _pairs(contributing.values_list(*columns).distinct())
    return challenge_counting.recompute(pairs, Batch(published, by, at)) if pairs else Counted()


def _pairs(rows: Iterable[tuple[int, str]]) -> set[Pair]:
    return {Pair(customer_id, key) for customer_id, key in rows}


def replay(*, tenant: Tenant, since: datetime, by: Actor, at: datetime, progress: Progress) -> Counted:
    """Count every order and event since a moment, one scope a page. Safe to repeat.

    For history that was imported past the outbox, and after a challenge got a window that began earlier.
    """
    total, done = Counted(), 0
    for count_page in (_order_pages(since, by, at), _event_pages(since, by, at)):
        while True:
            with tenant_scope(tenant):
                counted, documents = count_page()
            if not documents:
                break
            total.completed, total.given = total.completed + counted.completed, total.given + counted.given
            done += documents
            progress(done, done, "")
    return total


CountPage = Callable[[], tuple[Counted, int]]


def _order_pages(since: datetime, by: Actor, at: datetime) -> CountPage:
    after = 0

    def count_page() -> tuple[Counted, int]:
        nonlocal after
        page = challenge_documents.order_page(since=since, after=after, limit=_PAGE)
        after = page[-1] if page else after
        return record_orders(page, by=by, at=at), len(page)

    return count_page


def _event_pages(since: datetime, by: Actor, at: datetime) -> CountPage:
    after = ("", since)

    def count_page() -> tuple[Counted, int]:
        nonlocal after
        names = {name for each in _offered(programs.published()) for name in each.event_names()}
        page = challenge_documents.event_page(since=since, names=names, after=after, limit=_PAGE)
        if not page:
            return Counted(), 0
        after, moments = page[-1], [moment for _, moment in page]
        messages = [message_id for message_id, _ in page]
        counted = record_events(
            message_ids=messages, first_at=min(moments), last_at=max(moments), by=by, at=at
        )
        return counted, len(page)

    return count_page
