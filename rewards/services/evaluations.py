"""Deciding events one after the other, with everything earlier ones used up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from rewards import locks
from rewards.domain.decisions import Decision, Evaluation
from rewards.domain.engine import Engine
from rewards.domain.facts import CustomerState, Due
from rewards.domain.usage import BudgetBook, UsageBook
from rewards.queries import budgets, customer_states
from rewards.queries.documents import decided_ids
from rewards.queries.programs import PublishedRevision, Timeline

TOO_OLD = "too_old"


class Decided(NamedTuple):
    """An event with what was decided about it."""

    due: Due
    evaluation: Evaluation

    @property
    def is_refused(self) -> bool:
        """Whether the event was too old to be asked about."""
        return bool(self.evaluation.decision.refusal)


def decide_live(
    due: Sequence[Due], *, timeline: Timeline, at: datetime
) -> list[tuple[PublishedRevision, list[Decided]]]:
    """Decide events by the revision that was in force when they happened, under lock where order matters.

    Events older than the program accepts earn nothing. What a twin decided meanwhile is left out.
    """
    by_revision: dict[int, list[Due]] = {}
    revisions = {revision.id: revision for revision in timeline.revisions}
    for item in due:
        by_revision.setdefault(timeline.at(item.event.at).id, []).append(item)
    limit = timeline.current.revision.policies.backdating_days
    oldest = None if limit is None else at - timedelta(days=limit)
    return [
        (revisions[revision_id], _decide(items, revisions[revision_id].engine, oldest, at))
        for revision_id, items in by_revision.items()
    ]


def _decide(due: list[Due], engine: Engine, oldest: datetime | None, at: datetime) -> list[Decided]:
    if engine.needs.is_serial:
        locks.lock_members({item.customer_id for item in due})
        known = decided_ids(due)
        due = [item for item in due if (item.event_type, item.event_id) not in known]
    fresh = [item for item in due if oldest is None or item.event.at >= oldest]
    decided = decide(fresh, engine=engine, states=customer_states.before(engine, fresh), at=at)
    refused = [Decided(item, _refusal()) for item in due if oldest is not None and item.event.at < oldest]
    return decided + refused


def _refusal() -> Evaluation:
    return Evaluation((), Decision(CustomerState(), (), {}, refusal=TOO_OLD))


def decide(
    due: Sequence[Due],
    *,
    engine: Engine,
    states: Sequence[CustomerState],
    locks_budgets: bool = True,
    before_id: int | None = None,
    at: datetime | None = None,
) -> list[Decided]:
    """Decide events in the order given; caps and budgets used up by earlier ones are gone for later ones.

    With ``before_id`` caps and budgets are those the decision with this number found. ``at`` is when they
    are carried out.
    """
    if not due:
        return []
    usage = customer_states.usage_book(
        engine,
        since=min(item.event.at for item in due),
        customer_ids={item.customer_id for item in due},
        before_id=before_id,
    )
    moments = [item.event.at for item in due]
    paid = budgets.book(engine, moments, lock=locks_budgets, before_id=before_id, at=at)
    return [_one(item, engine, state, usage, paid) for item, state in zip(due, states, strict=True)]


def _one(item: Due, engine: Engine, state: CustomerState, usage: UsageBook, paid: BudgetBook) -> Decided:
    at = item.event.at
    rooms = paid.rooms(at) if engine.needs.budgets else {}
    evaluation = engine.decide(state._replace(usage=usage.of(item.customer_id, at), rooms=rooms), item.event)
    usage.book(item.customer_id, at, evaluation)
    paid.book(at, evaluation)
    return Decided(item, evaluation)
