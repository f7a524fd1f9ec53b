"""Rehearsals of days that end in the past, chosen or where the last event is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from crm.models import Event
from crm.services import partitions
from rewards import tasks
from rewards.models import Rehearsal
from rewards.queries import programs as program_queries
from rewards.queries import rehearsal_activity
from rewards.services import programs, rehearsals, tiers
from tenants.domain.actors import SYSTEM
from tenants.errors import InvalidInput
from tenants.models import Job, Tenant
from tenants.queue import JobContext
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, make_customer, make_order
from tests.rewards.test_rules import DAY, POINTS, play_history, publish, rules

pytestmark = pytest.mark.django_db
LATER = NOW + 200 * DAY
# In New York 13 March is over an hour earlier than in winter.
LAST_DAY, ITS_END = date(2026, 3, 13), datetime(2026, 3, 14, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def scope(tenant: Tenant, other_tenant: Tenant) -> Any:
    """Another tenant has an order that is younger than all of this one's."""
    with tenant_scope(other_tenant):
        make_order(make_customer(member_since=NOW), [("A", 1, 1000)], LATER - DAY)
    with tenant_scope(tenant):
        yield


def requested(document: Any, *, days: int, at: datetime = LATER, **options: Any) -> Job:
    draft = programs.save_draft(document=document, by=SYSTEM, at=at)
    return rehearsals.request(revision=draft, days=days, by=SYSTEM, at=at, **options)


def run(tenant: Tenant, job: Job) -> tuple[Any, list[int]]:
    """Return the result that the job leaves, and how many days it had played when."""
    told: list[int] = []

    def progress(done: int, total: int, _message: str) -> None:
        assert total == job.params["days"]
        told.append(done)

    context = JobContext(tenant=tenant, params=job.params, actor=SYSTEM, at=LATER, progress=progress)
    tasks.rehearse(job=context)
    row = Rehearsal.objects.latest("id")
    assert (row.until, row.days) == (datetime.fromisoformat(job.params["until"]), job.params["days"])
    return row.result, told


def test_where_nothing_happened_the_days_end_with_the_last_event(tenant: Tenant) -> None:
    published = publish(*rules()[:2])
    play_history()
    job = requested(published.document, days=30)
    assert (job.params["until"], job.params["is_moved"]) == (ITS_END.isoformat(), True)
    result, told = run(tenant, job)
    # The clock was set forward on 8 March: 30 local days less an hour, read in 30 pieces.
    assert told == list(range(1, 31))
    assert (result["is_moved"], result["events"]) == (True, 14)
    assert result["since"] == datetime(2026, 2, 12, 5, tzinfo=UTC).isoformat()
    assert result["points"] == result["actual"]
    assert result["members"]["winners"] == result["members"]["losers"] == 0
    assert (result["tiers"], result["liability_change_points"]) == ([], 0)


def test_days_end_now_where_something_happened_in_them_or_nothing_ever_did() -> None:
    published = publish(*rules()[:2])
    job = requested(published.document, days=30)
    assert (job.params["until"], job.params["is_moved"]) == (LATER.isoformat(), False)
    play_history()
    at = NOW + 29 * DAY
    job = requested(published.document, days=30, at=at)
    assert (job.params["until"], job.params["is_moved"]) == (at.isoformat(), False)
    job = requested(published.document, days=28, at=at)
    assert (job.params["until"], job.params["is_moved"]) == (ITS_END.isoformat(), True)


def test_a_day_is_chosen_from_the_past(tenant: Tenant) -> None:
    published = publish(*rules()[:2])
    play_history()
    job = requested(published.document, days=4, ends_on=LAST_DAY - 2 * DAY)
    assert job.params["is_moved"] is False
    assert job.params["until"] == datetime(2026, 3, 12, 4, tzinfo=UTC).isoformat()
    result, _told = run(tenant, job)
    # Orders of the 10th; what came back later is theirs still.
    assert (result["events"], result["actual"]["taken"]) == (2, 0)
    assert result["points"] == result["actual"]
    assert result["liability_change_points"] == 0


@pytest.mark.parametrize(
    ("days", "ends_on", "pointers"),
    [
        (0, None, ["/days"]), (-1, None, ["/days"]), (366, None, ["/days"]), (10**30, None, ["/days"]),
        (1, LATER.date() + DAY, ["/ends_on"]), (365, date(1969, 12, 31), ["/ends_on"]),
        (0, date.min, ["/days", "/ends_on"]), (1, date.max, ["/ends_on"]),
    ],
)  # fmt: skip
def test_days_that_cannot_be_are_refused(days: int, ends_on: date | None, pointers: list[str]) -> None:
    published = publish(*rules()[:2])
    with pytest.raises(InvalidInput) as refused:
        requested(published.document, days=days, ends_on=ends_on)
    assert [error.pointer for error in refused.value.errors] == pointers
    assert not Job.objects.filter(kind=rehearsals.KIND).exists()


def test_the_first_day_of_all_can_be_rehearsed(tenant: Tenant) -> None:
    published = publish(*rules()[:2])
    job = requested(published.document, days=365, ends_on=date(1970, 1, 1))
    result, told = run(tenant, job)
    assert (result["events"], told[-1]) == (0, 365)


def test_only_events_that_the_draft_asks_for_are_the_last() -> None:
    reviews = {"trigger": "event", "event": "review", "effects": [{**POINTS, "points": 5}]}
    orders, both = publish(rules()[0]), publish(rules()[0], reviews)
    customer = make_customer()
    make_order(customer, [("A", 1, 100)], NOW - 9 * DAY)
    partitions.ensure(first=NOW.date(), last=NOW.date())
    for number, name in enumerate(("page_viewed", "review")):
        Event.objects.create(
            message_id=name, occurred_at=NOW - number * DAY / 24, received_at=NOW, name=name,
            customer=customer, properties={},
        )  # fmt: skip
    found = [
        rehearsal_activity.newest(program_queries.bind(each).engine, NOW + DAY) for each in (orders, both)
    ]
    assert found == [NOW - 9 * DAY, NOW - DAY / 24]
    assert rehearsal_activity.newest(program_queries.bind(both).engine, NOW - 9 * DAY) is None


def test_tiers_are_compared_with_those_of_the_time(tenant: Tenant) -> None:
    published = publish(*rules()[:2])
    customer = make_customer()
    make_order(customer, [("A", 1, 100)], NOW - DAY)
    tiers.recompute(at=NOW)
    tiers.lock(customer=customer, tier_key="gold", until=LATER, reason="r", by=SYSTEM, at=NOW + DAY)
    # Locked after the days: today's membership is not that of the time.
    job = requested(published.document, days=10, at=NOW + 2 * DAY, ends_on=NOW.date())
    assert run(tenant, job)[0]["tiers"] == []
