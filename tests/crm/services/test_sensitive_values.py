"""A property called sensitive is no condition of a segment, in no funnel and in no profile."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from crm.domain.events import NewEvent
from crm.domain.rules import EventPattern, parse
from crm.models import AttributeDefinition, Customer, CustomerProfile, EventSchema, Segment, SegmentMember
from crm.queries import funnels
from crm.services import event_schemas, ingest, profiles, segment_refresh, segments
from tenants.domain.actors import SYSTEM
from tenants.errors import InvalidInput
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.crm import factories

pytestmark = pytest.mark.django_db
VISIT = {"event": "visited", "where": [{"property": "topic", "op": "eq", "value": "knee"}], "at_least": 1}
SIZE = {"attribute": "size", "op": "eq", "value": "L"}


def deliver() -> None:
    """A visit with properties and an identify call with a trait, both learnt."""
    for number, (name, properties) in enumerate(
        [("visited", {"topic": "knee", "channel": "web"}), ("identified", {"size": "L"})]
    ):
        ingest.accept(
            batch=[NewEvent(f"m{number}", name, NOW, external_id="c1", properties=properties)],
            by=SYSTEM,
            at=NOW,
        )
    moment = NOW.isoformat()
    event_schemas.learn(message_ids=["m0", "m1"], first_at=moment, last_at=moment, at=NOW)


def classify(name: str, key: str, kind: str = "health") -> None:
    event_schemas.set_property(
        schema=EventSchema.objects.get(name=name), key=key, sensitivity=kind, by=SYSTEM, at=NOW
    )


@pytest.fixture
def clinic(tenant: Tenant, other_tenant: Tenant) -> Tenant:
    """A clinic, beside another tenant for whom the same names are sensitive from the start."""
    for each in (other_tenant, tenant):
        with tenant_scope(each):
            factories.customer("c1", attributes={"size": "L"})
            deliver()
    with tenant_scope(other_tenant):
        for name, key in (("visited", "topic"), ("visited", "channel"), ("identified", "size")):
            classify(name, key)
    return tenant


@pytest.mark.parametrize(("rule", "name", "key"), [(VISIT, "visited", "topic"), (SIZE, "identified", "size")])
def test_no_segment_is_made_of_it(clinic: Tenant, rule: Any, name: str, key: str) -> None:
    with tenant_scope(clinic):
        kept = segments.create(key="kept", name="Kept", kind="rule", rule=rule, by=SYSTEM, at=NOW)
        assert kept.members.count() == 1
        classify(name, key)
        with pytest.raises(InvalidInput) as caught:
            segments.create(key="new", name="New", kind="rule", rule={"all": [rule]}, by=SYSTEM, at=NOW)
        assert [(each.pointer, each.code) for each in caught.value.errors] == [("/rule", "sensitive_value")]
        assert key in str(caught.value.errors[0].detail)
        with pytest.raises(InvalidInput):
            segments.change_rule(segment=kept, rule={"not": rule}, by=SYSTEM, at=NOW)
        # What was made before reads it no more, in full and for one customer.
        segment_refresh.refresh(segment=kept, at=NOW, customer_ids=[kept.members.get().customer_id])
        assert SegmentMember.objects.count() == 0
        assert segment_refresh.refresh(segment=kept, at=NOW).last_error == ""
        assert SegmentMember.objects.count() == 0
        classify(name, key, "")
        segment_refresh.refresh(segment=Segment.objects.get(key="kept"), at=NOW)
        assert SegmentMember.objects.count() == 1


def test_it_is_not_offered_and_a_segment_says_what_it_does_not_read(clinic: Tenant, staff: Client) -> None:
    base = f"/t/{clinic.slug}/segments"
    with tenant_scope(clinic):
        AttributeDefinition.objects.update_or_create(
            subject="customer", key="size", defaults={"label": "Size of shirt"}
        )
        kept = segments.create(key="kept", name="Kept", kind="rule", rule=SIZE, by=SYSTEM, at=NOW)
    assert "Size of shirt" in staff.get(f"{base}/new/").content.decode()
    assert "are not read: size" not in staff.get(f"{base}/{kept.public_id}/").content.decode()
    with tenant_scope(clinic):
        classify("identified", "size")
    assert "Size of shirt" not in staff.get(f"{base}/new/").content.decode()
    assert "Size of shirt" not in staff.get(f"/t/{clinic.slug}/funnels/").content.decode()
    assert "are not read: size" in staff.get(f"{base}/{kept.public_id}/").content.decode()
    why = staff.get(f"{base}/{kept.public_id}/?customer=c1").content.decode()
    assert "$sensitive" not in why


def test_no_funnel_shows_it(clinic: Tenant) -> None:
    def groups(attribute: str = "") -> list[tuple[Any, int]]:
        pattern = parse(VISIT).pattern
        found = funnels.funnel(
            [pattern, EventPattern("visited")],
            within_days=1,
            first_on=date(2026, 3, 1),
            last_on=date(2026, 3, 31),
            at=NOW + timedelta(seconds=1),
            zone=ZoneInfo("UTC"),
            attribute=attribute,
        )
        return [(group.value, group.steps[0].customers) for group in found]

    with tenant_scope(clinic):
        assert groups("size") == [("L", 1)]
        classify("identified", "size")
        assert groups("size") == [(None, 1)]
        classify("visited", "topic")
        assert groups() == []


def test_no_profile_is_computed_from_it(clinic: Tenant) -> None:
    with tenant_scope(clinic):
        ids = [Customer.objects.get().pk]
        profiles.refresh(customer_ids=ids, at=NOW)
        assert CustomerProfile.objects.get().first_touch == "web"
        classify("visited", "channel")
        profiles.refresh(customer_ids=ids, at=NOW)
        assert not CustomerProfile.objects.get().first_touch
