"""Earning from live orders, and giving back on live returns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from rewards.domain.engine import CustomerState, Evaluation, OrderPlaced, evaluate
from rewards.domain.expiry import month_of
from rewards.domain.programs import Revision
from rewards.queries import customer_states, documents, programs
from rewards.queries.documents import Document
from rewards.services import decisions, tiers
from tenants.domain.actors import Actor


@transaction.atomic
def award_orders(order_ids: Sequence[int], *, by: Actor, at: datetime) -> int:
    """Decide orders that were not decided yet and credit what they earn; returns how many.

    Safe to repeat: the decision of an order and the source of its posting are unique for ever. Without a
    published program nothing is decided, and ``rewards.post_history`` finds the orders later.
    """
    published = programs.published()
    orders = documents.undecided_orders(order_ids)
    if published is None or not orders:
        return 0
    decided = _evaluate(published.revision, orders)
    count = decisions.carry_out_orders(decided, published=published, by=by, at=at)
    tiers.refresh(customer_ids={order.customer_id for order in orders}, at=at)
    return count


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


def _evaluate(revision: Revision, orders: Sequence[Document]) -> list[tuple[Document, Evaluation]]:
    lines = documents.lines_by_order(order.id for order in orders)
    states = customer_states.before_orders(revision, orders)
    # Points given earlier in this batch count against monthly caps like stored ones.
    fresh: dict[tuple[int, tuple[int, int]], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    decided = []
    for order in orders:
        used = fresh[order.customer_id, month_of(order.happened_at, revision.time_zone)]
        state = _with_usage(states[order.id], used)
        event = OrderPlaced(order.happened_at, order.total_minor, order.channel, lines.get(order.id, []))
        evaluation = evaluate(revision, state, event)
        for outcome in evaluation.decision.outcomes:
            used[outcome.rule] += outcome.points
        decided.append((order, evaluation))
    return decided


def _with_usage(state: CustomerState, used: dict[str, int]) -> CustomerState:
    stored = state.month_points_by_rule
    both = {rule: stored.get(rule, 0) + used.get(rule, 0) for rule in {*stored, *used}}
    return state._replace(month_points_by_rule=both)
