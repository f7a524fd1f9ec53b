"""What two customers' rows of one thing become when the customers are merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rewards.domain.challenges.transitions import DONE, ProgressState

_REWARDED: Final = ProgressState.REWARDED


@dataclass(frozen=True, slots=True)
class Progress:
    """One period of a challenge, as far as a merge looks at it."""

    state: ProgressState
    value: int
    target: int
    completed_at: datetime | None
    rewarded_at: datetime | None
    value_by_task: Mapping[str, int]
    milestones: Sequence[int]
    grants: Sequence[Mapping[str, Any]]
    round: int


def joined(mine: Progress, theirs: Progress) -> Progress:
    """Join two standings of one period: what was reached or given to either is reached and given.

    The value is the further one's until the contributions of both are read again.
    """
    better = max(mine, theirs, key=lambda each: (each.state in DONE, each.state is _REWARDED, each.value))
    tasks = {**theirs.value_by_task, **mine.value_by_task}
    known = {grant["source"] for grant in mine.grants}
    return Progress(
        state=better.state,
        value=max(mine.value, theirs.value),
        target=better.target,
        completed_at=better.completed_at,
        rewarded_at=better.rewarded_at,
        value_by_task={key: max(tasks[key], theirs.value_by_task.get(key, 0)) for key in sorted(tasks)},
        milestones=sorted({*mine.milestones, *theirs.milestones}),
        grants=[*mine.grants, *(grant for grant in theirs.grants if grant["source"] not in known)],
        round=max(mine.round, theirs.round),
    )


def since(
    current: Sequence[Mapping[str, Any]], *before: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the grants that neither of the joined rows had: the joined progress alone earned them."""
    known = {grant["source"] for grants in before for grant in grants}
    return [grant for grant in current if grant["source"] not in known]


def takes_theirs(mine: str, theirs: str, order: Sequence[str]) -> bool:
    """Whether the absorbed customer's tier is the better one; of equal ones the survivor's stays."""
    place = {key: number for number, key in enumerate(order)}
    return place.get(theirs, -1) > place.get(mine, -1)
