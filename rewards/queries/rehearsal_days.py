"""Days and nights of a rehearsal, by the tenant's clock, and the members whose day it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from rewards.domain.engine import Engine
from rewards.domain.expiry import start_of_day
from rewards.domain.facts import Due, Happening
from rewards.domain.past import MEMBER_DAY, Night, Played
from rewards.domain.rules import Trigger
from rewards.queries import member_days

# The first of the hourly starts of night jobs by which a tenant's night has begun.
_NIGHT: Final = time(2, 20)


def nights(since: datetime, until: datetime, zone: tzinfo) -> list[Night]:
    """Return the moments of the nightly runs, by the tenant's clock."""
    days = range((until - since).days + 2)
    first = since.astimezone(zone).date()
    moments = [datetime.combine(first + timedelta(days=day), _NIGHT, zone).astimezone(UTC) for day in days]
    return [Night(at) for at in moments if since <= at < until]


def days_of_members(since: datetime, until: datetime, engine: Engine) -> list[Played]:
    """Return birthdays, anniversaries and joinings that rules answer to, of the members of today.

    Birthdays and anniversaries come with the start of the tenant's local day.
    """
    zone = engine.revision.time_zone
    found: list[tuple[datetime, Due]] = []
    for start in local_days(since, until, zone):
        day = start.astimezone(zone).date()
        if engine.answers(Trigger.BIRTHDAY):
            found += _due_on(Trigger.BIRTHDAY, member_days.birthdays(day), start, day.year)
        if engine.answers(Trigger.ANNIVERSARY):
            found += _due_on(Trigger.ANNIVERSARY, member_days.anniversaries(day, zone), start, day.year)
    if engine.answers(Trigger.ENROLMENT):
        # The query's span is open where ours is closed, at the first instant and at the last.
        instant = timedelta(microseconds=1)
        for customer_id, joined in member_days.enrolments(since - instant, until - instant):
            event = Happening(Trigger.ENROLMENT, joined)
            found.append((joined, Due(Trigger.ENROLMENT.value, customer_id, customer_id, event)))
    played = [Played(at, MEMBER_DAY, due.customer_id, due) for at, due in found]
    return sorted(played, key=lambda item: item[:3])


def local_days(since: datetime, until: datetime, zone: tzinfo) -> Iterator[datetime]:
    """Yield the starts of the local days that begin in the span."""
    day = since.astimezone(zone).date()
    while (start := start_of_day(day, zone)) < until:
        if start >= since:
            yield start
        day += timedelta(days=1)


def _due_on(trigger: Trigger, customer_ids: list[int], at: datetime, year: int) -> list[tuple[datetime, Due]]:
    return [
        (
            at,
            Due(trigger.value, member_days.number_of(customer_id, year), customer_id, Happening(trigger, at)),
        )
        for customer_id in customer_ids
    ]
