"""Earning from live orders, and giving back on live returns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from rewards.queries import documents, programs
from rewards.queries.programs import Timeline
from rewards.services import decisions, evaluations, tiers
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
    due = [documents.due_order(order, lines.get(order.id, ())) for order in orders]
    count = 0
    for published, decided in evaluations.decide_live(due, timeline=timeline, at=at):
        count += decisions.carry_out(decided, published=published, by=by, at=at)
    tiers.refresh(customer_ids={order.customer_id for order in orders}, at=at)
    return count


def _reads_items(timeline: Timeline) -> bool:
    return any(revision.engine.needs.items for revision in timeline.revisions)


@transaction.atomic
def take_back_returns(return_ids: Sequence[int], *, by: Actor, at: datetime) -> int:
    """Reverse what returned lines earned; orders not decided yet are decided first. Returns how many."""
    published = programs.published()
    returns = documents.undecided_returns(return_ids)
    if published is None or not returns:
        return 0
    award_orders([document.order_id for document in returns], by=by, at=at)
    count = decisions.carry_out_returns(returns, published=published, by=by, at=at)
    tiers.refresh(customer_ids={document.customer_id for document in returns}, at=at)
    return count
