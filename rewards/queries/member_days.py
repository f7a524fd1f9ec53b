"""Members whose day it is: birthdays, anniversaries of joining, and those who just joined."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from django.db.models import Q, QuerySet

from crm.models import Customer, CustomerState
from rewards.domain.expiry import start_of_day
from rewards.domain.facts import is_day_of_year

_YEARS: Final = 10_000


def number_of(customer_id: int, year: int) -> int:
    """Return the number that a customer's day of a year is decided under, once for ever."""
    return customer_id * _YEARS + year


def birthdays(day: date) -> list[int]:
    """Return the active customers who have their birthday on a local day; 29 February also on the 28th."""
    born = _active().filter(_on(day, "persons__birth_on")).values_list("pk", "persons__birth_on")
    return sorted(customer_id for customer_id, birth_on in born if is_day_of_year(day, birth_on))


def anniversaries(day: date, zone: tzinfo) -> list[int]:
    """Return the active members who joined on this day of an earlier year."""
    joined = _active().filter(member_since__lt=start_of_day(day, zone)).filter(_near(day))
    return sorted(
        customer_id
        for customer_id, since in joined.values_list("pk", "member_since")
        if since and is_day_of_year(day, since.astimezone(zone).date())
    )


def enrolments(since: datetime, until: datetime) -> Iterator[tuple[int, datetime]]:
    """Yield the active members who joined since a moment, with the moment they did."""
    found = _active().filter(member_since__gt=since, member_since__lte=until)
    for customer_id, moment in found.order_by("pk").values_list("pk", "member_since"):
        if moment:
            yield customer_id, moment


def _active() -> QuerySet[Customer]:
    found: QuerySet[Customer] = Customer.objects.filter(state=CustomerState.ACTIVE)
    return found


def _on(day: date, field: str) -> Q:
    wanted = Q(**{f"{field}__month": day.month, f"{field}__day": day.day})
    if (day + timedelta(days=1)).month != day.month:
        wanted |= Q(**{f"{field}__month": day.month, f"{field}__day__gt": day.day})
    return wanted


def _near(day: date) -> Q:
    """Narrow to the months a local day can fall into in UTC."""
    months = {(day + timedelta(days=shift)).month for shift in (-1, 0, 1)}
    return Q(member_since__month__in=months)
