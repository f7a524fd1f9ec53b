"""Rules that answer to the calendar: birthdays, anniversaries of joining, and joining itself."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction

from rewards.domain.facts import Due, Happening
from rewards.domain.rules import Trigger
from rewards.models import DecisionEvent
from rewards.queries import member_days, programs
from rewards.queries.programs import Timeline
from rewards.services import earning
from tenants.domain.actors import Actor

# Who joined longer ago than this and was not seen by any run joined before the program could know.
CATCH_UP: Final = timedelta(days=3)


@transaction.atomic
def award(*, by: Actor, at: datetime) -> int:
    """Decide the member days of the tenant's local day; returns how many. Safe to repeat within the day."""
    timeline = programs.timeline()
    if timeline is None:
        return 0
    engine = timeline.current.engine
    due: list[Due] = []
    if engine.answers(Trigger.BIRTHDAY) or engine.answers(Trigger.ANNIVERSARY):
        due += _of_today(timeline, at)
    if engine.answers(Trigger.ENROLMENT):
        due += [
            Due(DecisionEvent.ENROLMENT.value, customer_id, customer_id, Happening(Trigger.ENROLMENT, since))
            for customer_id, since in member_days.enrolments(at - CATCH_UP, at)
        ]
    return earning.award(due, timeline=timeline, by=by, at=at)


def _of_today(timeline: Timeline, at: datetime) -> list[Due]:
    zone, engine = timeline.current.revision.time_zone, timeline.current.engine
    day = at.astimezone(zone).date()
    due: list[Due] = []
    if engine.answers(Trigger.BIRTHDAY):
        due += _due(Trigger.BIRTHDAY, member_days.birthdays(day), day, at)
    if engine.answers(Trigger.ANNIVERSARY):
        due += _due(Trigger.ANNIVERSARY, member_days.anniversaries(day, zone), day, at)
    return due


def _due(trigger: Trigger, customer_ids: list[int], day: date, at: datetime) -> list[Due]:
    """One event a customer and year."""
    return [
        Due(trigger.value, member_days.number_of(customer_id, day.year), customer_id, Happening(trigger, at))
        for customer_id in customer_ids
    ]
