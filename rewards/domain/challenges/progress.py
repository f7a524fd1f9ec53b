"""How far a member is: from all contributions to the standing of every period.

A pure function of the set of contributions, so the order in which they arrived cannot matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from rewards.domain.challenges.definition import Challenge
from rewards.domain.challenges.matching import Contribution
from rewards.domain.challenges.periods import Period, Span, period_of, window_span
from rewards.domain.challenges.walks import Course, Known, Member, Standing, Walk


def standings(challenge: Challenge, contributions: Iterable[Contribution], member: Member) -> list[Standing]:
    """Return the standing of every period that has contributions or is known, in order of time."""
    course = Course(challenge, member)
    for one in sorted(filter(course.counts, contributions), key=by_time):
        course.add(one)
    found = [walk.standing(member.at) for walk in course.walks.values()]
    found += without_contributions(challenge, course, member)
    return within_limit(challenge, sorted(found, key=_by_start), member.known)


def without_contributions(challenge: Challenge, course: Course, member: Member) -> list[Standing]:
    """Return the standing of periods that are known and that nothing counts for."""
    return [
        Walk(challenge, _known_period(challenge, label, known, course.span, member), known, member.zone)
        .standing(member.at)
        for label, known in member.known.items()
        if label not in course.walks
    ]  # fmt: skip


def _known_period(challenge: Challenge, label: str, known: Known, span: Span, member: Member) -> Period:
    """Return a stored period as the challenge has it now; completed ones stay what they were.

    A new revision may have moved the window, so that nothing counts any more and the period ends earlier, or
    later. A label of another recurrence than today's keeps its span, too.
    """
    if known.target is None:
        if not challenge.recurrence.is_by_calendar:
            return Period(label, span) if label.isdecimal() else Period(label, known.span)
        period = period_of(challenge.recurrence, known.span.starts_at, member.zone, span)
        if period.label == label:
            return period
    return Period(label, known.span)


def by_time(one: Contribution) -> tuple[datetime, str, str, str, str]:
    """Return the order in which contributions are read."""
    return one.occurred_at, one.source_type, one.source_id, one.part, one.value


def _by_start(standing: Standing) -> tuple[datetime, int, str]:
    return standing.span.starts_at, len(standing.period), standing.period


def within_limit(challenge: Challenge, found: list[Standing], known: Mapping[str, Known]) -> list[Standing]:
    """Leave the completions that a customer may have: stored ones first, then the earliest."""
    most = challenge.limits.per_customer
    if most is None or not challenge.recurrence.is_by_calendar:
        return found
    settled = {label for label, each in known.items() if each.target is not None}
    done = [standing for standing in found if standing.completed_at is not None]
    done.sort(key=lambda each: (each.period not in settled, each.completed_at, each.period))
    over = {standing.period for standing in done[most:]}
    return [
        Standing(each.period, each.span, each.value, each.target, value_by_task=each.value_by_task)
        if each.period in over
        else each
        for each in found
    ]


def current_period(challenge: Challenge, member: Member) -> Period:
    """Return the period that ``member.at`` is in, which may have no progress yet."""
    span = window_span(challenge, joined_at=member.joined_at, live_from=member.live_from, zone=member.zone)
    return period_of(challenge.recurrence, member.at, member.zone, span)
