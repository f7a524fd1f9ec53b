"""Earning from live orders, and giving back on live returns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from crm.models import Order
from crm.services import customer_touches
from rewards.domain.challenges.matching import EventFacts
from rewards.domain.facts import Due, Happening
from rewards.domain.rules import Trigger
from rewards.domain.sources import event_number
from rewards.domain.wallets import awaited
from rewards.models import DecisionEvent
from rewards.queries import challenge_documents, documents, programs
from rewards.queries.programs import Timeline
from rewards.services import decisions, evaluations, lots, tiers
from tenants.domain.actors import Actor


@transaction.atomic
def award_orders(order_ids: Sequence[int], *, by: Actor, at: datetime) -> int:
    """Decide orders that were not decided yet and carry out what they earn; returns how many.

    Safe to repeat: the decision of an order and the source of its posting are unique for ever. Each order is
    judged by the revision in force when it was placed. Without a published program nothing is decided, and
    ``rewards.post_history`` finds the orders later.
    """
    timeline = programs.timeline()
    orders = documents.undecided_orders(order_ids)
    if timeline is None or not orders:
        return 0
    lines = documents.lines_by_order([order.id for order in orders], with_items=_reads_items(timeline))
    due = [
        documents.due_order(order, lines.get(order.id, ()), timeline.at(order.happened_at).revision.exchange)
        for order in orders
    ]
    count = 0
    for published, decided in evaluations.decide_live(due, timeline=timeline, at=at):
        count += decisions.carry_out(decided, published=published, by=by, at=at)
    buyers = {order.customer_id for order in orders}
    tiers.refresh(customer_ids=buyers, at=at)
    customer_touches.add(buyers, is_history=False)
    return count


def _reads_items(timeline: Timeline) -> bool:
    return any(revision.engine.needs.items for revision in timeline.revisions)


@transaction.atomic
def award_events(
    *, message_ids: Sequence[str], first_at: datetime | str, last_at: datetime | str, by: Actor, at: datetime
) -> int:
    """Decide events that rules answer to by their name; returns how many were decided.

    Safe to repeat, as orders are. Without such rules no event is read.
    """
    timeline = programs.timeline()
    if timeline is None:
        return 0
    names = frozenset().union(*(revision.engine.event_names for revision in timeline.revisions))
    if not names:
        return 0
    found = challenge_documents.events(
        message_ids=message_ids, first_at=first_at, last_at=last_at, names=names
    )
    return award([_due_event(event) for event in found], timeline=timeline, by=by, at=at)


@transaction.atomic
def release_order(*, order: Order, event: str, by: Actor, at: datetime) -> int:
    """Make the points of an order that wait for ``event`` spendable, those it has yet to earn among them.

    Returns the points released.
    """
    award_orders([order.pk], by=by, at=at)
    return lots.release_awaiting(keys=[awaited(event, DecisionEvent.ORDER.value, order.pk)], at=at)


def award(due: Sequence[Due], *, timeline: Timeline, by: Actor, at: datetime) -> int:
    """Decide events that are no orders and carry out what they earn, points, tiers and all."""
    known = documents.decided_ids(due) if due else set()
    fresh = [item for item in due if (item.event_type, item.event_id) not in known]
    count = 0
    for published, decided in evaluations.decide_live(fresh, timeline=timeline, at=at):
        answered = [item for item in decided if item.evaluation.decision.outcomes or item.is_refused]
        count += decisions.carry_out(answered, published=published, by=by, at=at)
        earners = {item.due.customer_id for item in answered if item.evaluation.points}
        tiers.refresh_after_points(customer_ids=earners, revision=published.revision, at=at)
        customer_touches.add(earners, is_history=False)
    return count


def _due_event(event: EventFacts) -> Due:
    happening = Happening(Trigger.EVENT, event.occurred_at, event.name, properties=event.properties)
    number = event_number(event.message_id)
    return Due(DecisionEvent.EVENT.value, number, event.customer_id, happening, source=event.message_id)


@transaction.atomic
def take_back_returns(return_ids: Sequence[int], *, by: Actor, at: datetime) -> int:
    """Reverse what returned lines earned; orders not decided yet are decided first. Returns how many.

    Rules that answer to returns are asked afterwards, once a return.
    """
    published = programs.published()
    if published is None:
        return 0
    count, returns = 0, documents.undecided_returns(return_ids)
    if returns:
        award_orders([document.order_id for document in returns], by=by, at=at)
        count = decisions.carry_out_returns(returns, published=published, by=by, at=at)
        buyers = {document.customer_id for document in returns}
        tiers.refresh(customer_ids=buyers, at=at)
        customer_touches.add(buyers, is_history=False)
    _ask_rules_of_returns(return_ids, by=by, at=at)
    return count


def _ask_rules_of_returns(return_ids: Sequence[int], *, by: Actor, at: datetime) -> None:
    timeline = programs.timeline()
    if timeline is None or not any(each.engine.answers(Trigger.RETURN) for each in timeline.revisions):
        return
    award(documents.due_returns(return_ids), timeline=timeline, by=by, at=at)
