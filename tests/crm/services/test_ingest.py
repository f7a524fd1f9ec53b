from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from crm.domain.events import Invalid, NewEvent
from crm.models import Customer, Event, EventReject, EventTally, Identity
from crm.queries import event_tail
from crm.services import ingest, partitions
from tenants.domain.actors import SYSTEM, Actor, ActorKind
from tenants.errors import PermissionRefused
from tenants.models import OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tenants.services import outbox
from tests.conftest import NOW

pytestmark = pytest.mark.django_db


def new(message_id: str, **options: object) -> NewEvent:
    return NewEvent(
        **({"message_id": message_id, "name": "viewed", "occurred_at": NOW, "external_id": "c1"} | options)
    )


def statuses(*batch: NewEvent | Invalid) -> list[str]:
    return [each.status for each in ingest.accept(batch=batch, by=SYSTEM, at=NOW).outcomes]


def test_each_event_has_its_status(crowd: Tenant, scope: Tenant) -> None:
    bad = Invalid("malformed", "why", "m9", {"name": "\0"})
    assert statuses(new("m1"), new("m2", email="x", external_id=None), new("m1"), bad) == [
        "accepted", "invalid", "duplicate", "invalid",
    ]  # fmt: skip
    assert statuses(new("m1"), new("m3", properties={"price": 1.5, "tags": ["a"]})) == [
        "duplicate",
        "accepted",
    ]
    stored = Event.objects.get(message_id="m3")
    assert (stored.name, stored.occurred_at, stored.received_at) == ("viewed", NOW, NOW)
    assert stored.properties == {"price": 1.5, "tags": ["a"]}
    assert stored.customer.external_id == "c1"
    assert set(EventReject.objects.values_list("message_id", "reason")) == {
        ("m2", "identity_invalid"),
        ("m9", "malformed"),
    }


def test_duplicates_are_counted_by_name_and_only_then(crowd: Tenant, scope: Tenant) -> None:
    bad = Invalid("malformed", "why", "m9", {"name": "viewed"})
    statuses(new("m1"), new("m2"), new("m2"), new("m3", name="bought"), bad)
    statuses(new("m1"), new("m2"), new("m3", name="bought"), new("m4", name="bought"))
    statuses(new("m5"))
    duplicates = EventTally.objects.filter(status="duplicate").values_list("name", "count", "received_on")
    assert sorted(duplicates) == [("bought", 1, NOW.date()), ("viewed", 3, NOW.date())]
    of_all, of_one = event_tail.today(name="", at=NOW), event_tail.today(name="bought", at=NOW)
    # What is accepted is counted when it has been read; that is not done here.
    assert (of_all.accepted, of_all.invalid, of_all.duplicate) == (0, 1, 4)
    assert (of_one.invalid, of_one.duplicate) == (0, 1)
    counted = {each.name: each.duplicate for each in event_tail.counts(since=NOW)}
    assert (counted["viewed"], counted["bought"]) == (3, 1)


def test_one_message_a_batch(scope: Tenant) -> None:
    statuses(new("m1"), new("m2", occurred_at=NOW - timedelta(days=2)))
    assert OutboxMessage.objects.get().payload == {
        "batch": {
            "message_ids": ["m1", "m2"],
            "first_at": (NOW - timedelta(days=2)).isoformat(),
            "last_at": NOW.isoformat(),
        }
    }
    statuses(new("m1"))
    assert OutboxMessage.objects.count() == 1


def test_delivery_moves_the_seen_dates(crowd: Tenant, scope: Tenant) -> None:
    statuses(new("m1", occurred_at=NOW - timedelta(days=2)), new("m2"))
    assert outbox.deliver(tenant_id=scope.pk, message_id=OutboxMessage.objects.get().pk, at=NOW)
    customer = Customer.objects.get()
    assert (customer.first_seen_at, customer.last_seen_at) == (NOW - timedelta(days=2), NOW)


def test_unknown_identities_get_customers_of_their_own(scope: Tenant) -> None:
    statuses(
        new("m1"),
        new("m2"),
        new("m3", external_id=None, email="Ann@Example.com"),
        new("m4", external_id=None, email="ann@example.com", anonymous_id="z"),
    )
    assert set(Identity.objects.values_list("kind", "value")) == {
        ("external_id", "c1"),
        ("email", "ann@example.com"),
    }
    assert Event.objects.filter(customer__external_id="c1").count() == 2


def test_queries_do_not_grow_with_the_batch(scope: Tenant) -> None:
    statuses(new("first"))  # makes the month and the staging table
    costs = []
    for number in (1, 5):
        with CaptureQueriesContext(connection) as queries:
            statuses(*[new(f"{number}-{each}", external_id=f"n{number}-{each}") for each in range(number)])
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_only_with_the_permission(scope: Tenant) -> None:
    with pytest.raises(PermissionRefused):
        ingest.accept(batch=[new("m1")], by=Actor(kind=ActorKind.API_KEY, label="reader"), at=NOW)


def test_an_event_needs_a_customer_of_its_tenant(tenant: Tenant, crowd: Tenant) -> None:
    with tenant_scope(crowd):
        foreign = Customer.objects.order_by("pk").first()
    with tenant_scope(tenant):
        statuses(new("m1"))
        for stranger in (foreign.pk, Customer.objects.get().pk + 1000):
            with pytest.raises(IntegrityError), transaction.atomic():
                Event.objects.filter(message_id="m1").update(customer_id=stranger)


def test_a_customer_with_events_stays(scope: Tenant) -> None:
    statuses(new("m1"))
    customer = Customer.objects.get()
    for statement in ("DELETE FROM crm_customer", "UPDATE crm_customer SET id = id + 1"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert Customer.objects.get() == customer


def test_a_corrected_moment_does_not_hide_a_message_sent_again(scope: Tenant) -> None:
    assert statuses(new("m1")) == ["accepted"]
    again = [new("m1", occurred_at=NOW - timedelta(milliseconds=80)), new("m2")]
    receipt = ingest.accept(batch=again, by=SYSTEM, at=NOW, is_shifted=True)
    assert [each.status for each in receipt.outcomes] == ["duplicate", "accepted"]


def test_properties_with_every_awkward_character_come_back(scope: Tenant) -> None:
    awkward = {"text": 'tab\t line\n return\r back\\slash \\N \u2028 ☃ "quoted"'}
    statuses(new("m\t1\\", name="a\\b\nc", properties=awkward), new("m2"))
    stored = Event.objects.get(message_id="m\t1\\")
    assert (stored.name, stored.properties) == ("a\\b\nc", awkward)


def partition_of(message_id: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM crm_event WHERE message_id = %s", [message_id])
        return cursor.fetchone()[0]


OLD = datetime(2011, 2, 28, 23, 59, tzinfo=UTC)


def test_no_request_makes_a_partition(scope: Tenant) -> None:
    assert statuses(*[new(f"m{year}", occurred_at=OLD.replace(year=year)) for year in range(2001, 2020)]) == (
        ["accepted"] * 19
    )
    assert partition_of("m2011") == "crm_event_default"


def test_by_night_a_month_with_enough_stray_events_gets_its_own(other_tenant: Tenant, tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        statuses(new("theirs", occurred_at=OLD))
    with tenant_scope(tenant):
        statuses(new("m1", occurred_at=OLD), new("lone", occurred_at=OLD.replace(year=2009)))
    assert partitions.move_strays(least_rows=2) == 1
    assert partitions.move_strays(least_rows=2) == 0
    with tenant_scope(tenant):
        assert (partition_of("m1"), partition_of("lone")) == ("crm_event_2011_02", "crm_event_default")
        assert set(Event.objects.values_list("message_id", flat=True)) == {"m1", "lone"}
        statuses(new("m2", occurred_at=OLD))
        assert partition_of("m2") == "crm_event_2011_02"
        assert statuses(new("m1", occurred_at=OLD)) == ["duplicate"]
    with tenant_scope(other_tenant):
        assert Event.objects.filter(message_id="theirs").count() == 1


def test_months_that_everybody_let_go_are_dropped(crowd: Tenant, tenant: Tenant) -> None:
    partitions.ensure(first=date(2011, 1, 1), last=date(2011, 2, 1))
    with tenant_scope(tenant):
        statuses(new("kept", occurred_at=OLD))
    assert partitions.drop_empty(before=date(2012, 1, 1)) == 1
    assert partitions.drop_empty(before=date(2012, 1, 1)) == 0
    with tenant_scope(tenant):
        assert partition_of("kept") == "crm_event_2011_02"
        statuses(new("stray", occurred_at=datetime(2011, 1, 5, tzinfo=UTC)))
        assert partition_of("stray") == "crm_event_default"
    with pytest.raises(DataError), transaction.atomic():
        partitions.drop_empty(before=NOW.date() + timedelta(days=4000))


def test_partitions_are_bounded_and_closed(scope: Tenant) -> None:
    partitions.ensure(first=OLD.date(), last=OLD.date())
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT relrowsecurity AND relforcerowsecurity, has_table_privilege('app_rw', oid, 'SELECT')
               FROM pg_class WHERE relname IN ('crm_event_2011_02', 'crm_event_default')"""
        )
        assert cursor.fetchall() == [(True, False), (True, False)]
    with pytest.raises(DataError), transaction.atomic():
        partitions.ensure(first=date(1999, 12, 1), last=date(1999, 12, 31))
