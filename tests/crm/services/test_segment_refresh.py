"""Segments stay fresh by what happened, and never stay stuck."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError

from crm.models import (
    CustomerTouch,
    Segment,
    SegmentDay,
    SegmentDeparture,
    SegmentMember,
    SegmentRun,
    SegmentRunState,
)
from crm.queries import segment_history
from crm.receivers import note_customers
from crm.services import (
    customer_touches,
    customers,
    segment_lists,
    segment_members,
    segment_refresh,
    segment_runs,
    segments,
)
from tenants.domain.actors import SYSTEM, Actor
from tenants.errors import InvalidInput
from tenants.models import OutboxMessage, Tenant
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db

YOUNG = {"attribute": "age", "op": "lt", "value": 30}
LATER = NOW + timedelta(minutes=5)


def members(key: str) -> set[str]:
    return set(SegmentMember.objects.filter(segment__key=key).values_list("customer__external_id", flat=True))


def run(tenant: Tenant, at: Any = LATER) -> SegmentRun:
    done = segment_refresh.refresh_touched(tenant=tenant, at=at)
    assert done is not None
    return done


def test_what_happened_to_customers_reaches_the_segments(crowd: Tenant, scope: Tenant) -> None:
    """Mautic 9634, 3058: a segment that is only ever rebuilt whole is slow and stale."""
    ann = factories.customer("c1", attributes={"age": 20})
    factories.segment("young", rule=YOUNG)
    factories.segment("buyers", rule={"orders": "count", "op": "gte", "value": 1})
    factories.segment("viewers", rule={"event": "viewed", "at_least": 1})
    factories.segment("risky", rule={"trait": "churn_risk", "op": "gte", "value": 0.5})
    run(scope)
    bob = factories.customer("c2", attributes={"age": 25})
    factories.order("o1", ann)
    factories.event(ann, "m1", occurred_at=NOW)
    batch = OutboxMessage.objects.get(topic="crm.events_recorded").payload
    note_customers(payload=batch, at=NOW)
    factories.trait(bob, "churn_risk", 0.7)
    change = customers.CustomerChange(attributes={"age": 40})
    customers.update(customer=ann, change=change, by=SYSTEM, at=LATER)
    done = run(scope, LATER + timedelta(minutes=1))
    assert (done.is_full, done.customers, done.segments, done.failed) == (False, 2, 4, 0)
    assert [members(key) for key in ("young", "buyers", "viewers", "risky")] == [
        {"c2"},
        {"c1"},
        {"c1"},
        {"c2"},
    ]
    assert CustomerTouch.objects.count() == 0
    assert [each.member_count for each in Segment.objects.order_by("key")] == [1, 1, 1, 1]


def test_only_the_touched_are_read(scope: Tenant) -> None:
    factories.customer("c1", attributes={"age": 20})
    old = factories.customer("c2", attributes={"age": 60})
    segment = factories.segment("young", rule=YOUNG)
    SegmentMember.objects.create(segment=segment, customer=old, joined_at=NOW)
    CustomerTouch.objects.all().delete()
    factories.customer("c3", attributes={"age": 21})
    run(scope)
    assert members("young") == {"c1", "c2", "c3"}
    segment_refresh.refresh_all(tenant=scope, at=LATER)
    assert members("young") == {"c1", "c3"}


def test_who_entered_and_left_is_told_and_kept(crowd: Tenant, scope: Tenant) -> None:
    ann = factories.customer("c1", attributes={"age": 20})
    segment = factories.segment("young", rule=YOUNG)
    bob = factories.customer("c2", attributes={"age": 20})
    change = customers.CustomerChange(attributes={"age": 31})
    customers.update(customer=ann, change=change, by=SYSTEM, at=LATER)
    run(scope)
    told = OutboxMessage.objects.filter(topic=segment_members.TOPIC).order_by("pk")
    wanted = {"segment_id": segment.pk, "key": "young", "at": LATER.isoformat()}
    assert [each.payload for each in told][1] == wanted | {"entered": 1, "left": 1, "members": 1}
    assert segment_history.entered_ids(segment, at=LATER) == [bob.pk]
    assert segment_history.left_ids(segment, at=LATER) == [ann.pk]
    assert segment_history.left_ids(segment, at=LATER, after_id=ann.pk) == []
    stay = SegmentDeparture.objects.get()
    assert (stay.joined_at, stay.left_at) == (NOW, LATER)
    day = SegmentDay.objects.get()
    assert (day.members, day.entered, day.left) == (1, 2, 1)
    grown = segment_history.growth(segment, last_on=day.day_on + timedelta(days=1), days=3)
    assert [each.members for each in grown] == [0, 1, 1]


def test_segments_of_segments_follow_in_one_run(scope: Tenant, actor: Actor) -> None:
    factories.segment("c-list")
    factories.segment("b-all", rule={"in_segment": "c-list"})
    factories.segment("a-none", rule={"not": {"in_segment": "b-all"}})
    ann = factories.customer("c1")
    run(scope)
    assert (members("b-all"), members("a-none")) == (set(), {"c1"})
    listed = Segment.objects.get(key="c-list")
    segment_lists.add_members(segment=listed, customer_ids=[ann.pk], by=actor, at=LATER)
    run(scope)
    assert (members("b-all"), members("a-none")) == ({"c1"}, set())


def test_segments_cannot_refer_to_each_other_in_a_circle(scope: Tenant, actor: Actor) -> None:
    first = factories.segment("first", rule=YOUNG)
    factories.segment("second", rule={"in_segment": "first"})
    for rule, code in (
        ({"not": {"in_segment": "second"}}, "segment_cycle"),
        ({"in_segment": "first"}, "segment_cycle"),
        ({"in_segment": "nobody"}, "unknown_segment"),
    ):
        with pytest.raises(InvalidInput) as caught:
            segments.change_rule(segment=first, rule=rule, by=actor, at=NOW)
        assert [error.code for error in caught.value.errors] == [code]
    with pytest.raises(segments.SegmentInUse):
        segments.delete(segment=first, by=actor, at=NOW)


def test_a_failed_segment_is_visible_and_tried_again_in_full(
    scope: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostHog PR 33279: 27,280 cohorts stuck. A failure has a next try, and what it missed is caught up."""
    segment, other = factories.segment("young", rule=YOUNG), factories.segment("any", rule={"not": YOUNG})
    factories.customer("c1", attributes={"age": 20})
    compiled = segment_refresh.segment_sql.matching

    def failing(rule: Any, **options: Any) -> Any:
        if rule.__class__.__name__ == "Condition":
            raise DatabaseError("canceling statement due to statement timeout")
        return compiled(rule, **options)

    monkeypatch.setattr(segment_refresh.segment_sql, "matching", failing)
    assert run(scope).failed == 1
    segment.refresh_from_db()
    other.refresh_from_db()
    assert segment.last_error == "DatabaseError: canceling statement due to statement timeout"
    assert (segment.failures, segment.retry_at) == (1, LATER + timedelta(minutes=1))
    assert other.refreshed_at == LATER
    monkeypatch.undo()
    run(scope, LATER + timedelta(seconds=30))
    segment.refresh_from_db()
    assert segment.failures == 1
    run(scope, LATER + timedelta(minutes=1))
    segment.refresh_from_db()
    assert (segment.failures, segment.retry_at, segment.last_error) == (0, None, "")
    assert members("young") == {"c1"}


def test_a_run_whose_worker_died_is_taken_over(scope: Tenant) -> None:
    """A lease ends by itself: nothing stays running for ever, and its notes are worked off again."""
    factories.segment("young", rule=YOUNG)
    factories.customer("c1", attributes={"age": 20})
    dead = segment_runs.begin(is_full=False, at=NOW)
    assert dead is not None
    assert segment_refresh.refresh_touched(tenant=scope, at=LATER) is None
    assert members("young") == set()
    much_later = NOW + segment_runs.LEASE + timedelta(minutes=2)
    run(scope, much_later)
    assert members("young") == {"c1"}
    dead.refresh_from_db()
    assert (dead.state, dead.error) == (
        SegmentRunState.FAILED,
        "The worker was lost; the run was taken over.",
    )
    with pytest.raises(segment_runs.RunTakenOver):
        segment_runs.extend(dead, at=much_later)


def test_a_run_that_fails_keeps_its_notes_and_waits(scope: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.segment("young", rule=YOUNG)
    factories.customer("c1", attributes={"age": 20})
    with monkeypatch.context() as broken:
        broken.setattr(segment_refresh, "in_order", lambda: 1 / 0)
        failed = run(scope, NOW)
    assert (failed.state, failed.error) == (SegmentRunState.FAILED, "ZeroDivisionError: division by zero")
    assert CustomerTouch.objects.count() == 1
    assert segment_refresh.refresh_touched(tenant=scope, at=NOW + timedelta(seconds=20)) is None
    run(scope, NOW + timedelta(minutes=2))
    assert members("young") == {"c1"}


def test_very_many_touched_customers_are_everyone(scope: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_touches, "MOST_AT_ONCE", 1)
    segment = factories.segment("young", rule=YOUNG)
    first, second = (factories.customer(f"c{number}", attributes={"age": 20}) for number in (1, 2))
    CustomerTouch.objects.all().delete()
    customer_touches.add([first.pk, second.pk])
    assert CustomerTouch.objects.get().customer_id is None
    assert run(scope).is_full
    segment.refresh_from_db()
    assert (segment.member_count, segment.fully_refreshed_at) == (2, LATER)


def test_rules_that_time_changes_are_refreshed_hourly(scope: Tenant) -> None:
    segment = factories.segment("fresh", rule={"customer": "days_since_created", "op": "lt", "value": 1})
    factories.customer("c1", at=NOW)
    run(scope)
    assert members("fresh") == {"c1"}
    run(scope, NOW + timedelta(days=1))
    assert members("fresh") == set()
    segment.refresh_from_db()
    assert segment.depends_on_time


def test_a_snapshot_stays_what_it_was(crowd: Tenant, scope: Tenant, actor: Actor) -> None:
    ann = factories.customer("c1", attributes={"age": 20})
    segment = factories.segment("young", rule=YOUNG)
    taken = segment_lists.snapshot(of=segment, key="young-in-march", name="Young", by=actor, at=NOW)
    change = customers.CustomerChange(attributes={"age": 31})
    customers.update(customer=ann, change=change, by=SYSTEM, at=LATER)
    run(scope)
    assert (members("young"), members("young-in-march")) == (set(), {"c1"})
    assert taken.member_count == 1


@pytest.mark.django_db(databases=["default", "platform"], transaction=True)
def test_only_tenants_with_something_to_do_are_sent(
    tenant: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tenants.scope import tenant_scope

    sent: list[Any] = []
    monkeypatch.setattr(segment_refresh, "send", lambda *message: sent.append(message))
    with tenant_scope(other_tenant):
        factories.customer("c1")
    assert segment_refresh.start_due(at=NOW) == 1
    [(name, _queue, ids)] = sent
    assert (name, ids) == ("crm.refresh_touched_segments", {"tenant_id": other_tenant.pk})


def test_what_a_message_does_not_name_in_full_is_everyone(scope: Tenant) -> None:
    ann = factories.customer("c1")
    CustomerTouch.objects.all().delete()
    named = "SELECT id AS customer_id FROM crm_customer WHERE tenant_id = %s AND id = %s"
    customer_touches.add_found(f"{named} UNION ALL {named}", [scope.pk, ann.pk] * 2)
    customer_touches.add_told([ann.pk], count=1)
    customer_touches.add_told([ann.pk], count=2)
    noted = CustomerTouch.objects.order_by("pk").values_list("customer_id", "is_history")
    assert list(noted) == [(ann.pk, False), (ann.pk, False), (None, False)]
