"""The event debugger and the schemas through their pages."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from django.test import Client

from crm.models import EventReject, EventSchema, PropertySchema, SegmentKind
from crm.services import segments
from rewards.models import ProgramRevision
from rewards.services import programs
from tenants.domain.actors import SYSTEM
from tenants.models import Job
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.loyalty_saas.backoffice.filling import Filled

pytestmark = pytest.mark.django_db


def test_the_tail_filters_and_hides(filled: Filled, staff: Client) -> None:
    text = staff.get("/t/acme/events/").content.decode()
    assert "Ownmark-m1" in text
    assert "Ownmark-bad1" in text
    assert "ownmark@shop.example" not in text
    only = staff.get("/t/acme/events/tail/", {"status": "invalid", "within": "15"}).content.decode()
    assert "Ownmark-bad1" in only
    assert "Ownmark-m1" not in only
    wrong = staff.get("/t/acme/events/", {"within": "x", "status": "y"})
    assert wrong.status_code == 200


def test_a_corrected_reject_is_accepted(filled: Filled, staff: Client) -> None:
    page = f"/t/acme/events/rejects/{filled.reject.public_id}/"
    refused = staff.post(page, {"payload": "{"})
    assert (refused.status_code, "Not valid JSON" in refused.content.decode()) == (422, True)
    again = staff.post(page, {"payload": json.dumps(filled.reject.payload)}, follow=True)
    assert "Rejected again" in again.content.decode()
    fixed = {**filled.reject.payload, "email": "ann@shop.example"}
    done = staff.post(page, {"payload": json.dumps(fixed)}, follow=True)
    assert "The event was accepted." in done.content.decode()
    with tenant_scope(filled.tenant):
        assert EventReject.objects.get().replayed_at is not None
    assert "Sent again and accepted" in staff.get(page).content.decode()


def test_all_matching_rejects_go_to_a_job(filled: Filled, staff: Client) -> None:
    answer = staff.post("/t/acme/events/rejects/replay/", {"reason": "identity_invalid"})
    assert answer.status_code == 302
    with tenant_scope(filled.tenant):
        job = Job.objects.get(kind="crm.replay_rejects")
        assert job.params == {"name": "", "reason": "identity_invalid", "customer": ""}


def test_a_schema_is_locked_and_its_property_declared(filled: Filled, staff: Client) -> None:
    page = f"/t/acme/events/schemas/{filled.schema.public_id}/"
    staff.post(page, {"action": "lock", "on_violation": "flag"})
    staff.post(page, {"action": "property", "key": "visits", "value_type": "text", "sensitivity": "health"})
    with tenant_scope(filled.tenant):
        schema = EventSchema.objects.get()
        visits = PropertySchema.objects.get(key="visits")
    assert (schema.is_locked, schema.on_violation) == (True, "flag")
    assert (visits.value_type, visits.sensitivity) == ("text", "health")
    unknown = staff.post(page, {"action": "property", "key": "nope", "sensitivity": ""}, follow=True)
    assert "No event had this property yet." in unknown.content.decode()
    staff.post(page, {"action": "unlock"})
    with tenant_scope(filled.tenant):
        assert not EventSchema.objects.get().is_locked


def test_the_pages_name_the_rules_that_lost_a_sensitive_value(filled: Filled, staff: Client) -> None:
    page = f"/t/acme/events/schemas/{filled.schema.public_id}/"
    assert "Read by:" not in staff.get(page).content.decode()
    with tenant_scope(filled.tenant):
        document = deepcopy(ProgramRevision.objects.get(state="published").document)
        document["rules"].append({
            "key": "visits", "name": "Visits", "trigger": "event", "event": filled.schema.name,
            "priority": 99,
            "when": {"property": "visits", "op": "gte", "value": 1}, "caps": [{"per": "day", "times": 1}],
            "effects": [{"type": "points", "wallet": "points", "points": 1}],
        })  # fmt: skip
        draft = programs.save_draft(document=document, by=SYSTEM, at=NOW)
        programs.publish(revision=draft, acknowledges=True, by=SYSTEM, at=NOW)
        seen = {"event": filled.schema.name, "where": [{"property": "visits", "op": "exists"}], "at_least": 1}
        segments.create(key="visitors", name="Visitors", kind=SegmentKind.RULE, rule=seen, by=SYSTEM, at=NOW)
    before = staff.get(page).content.decode()
    assert ("Read by:" in before, "rule “Visits”" in before, "segment “Visitors”" in before) == (True,) * 3
    assert "no longer read" not in staff.get("/t/acme/program/").content.decode()
    body = {"action": "property", "key": "visits", "sensitivity": "health"}
    done = staff.post(page, body, follow=True).content.decode()
    readers = "segment “Visitors”, rule “Visits”"
    assert f"“visits” is sensitive and no longer read, at once. It is missing for: {readers}." in done
    assert "Sensitive, so it is missing for:" in done
    number = draft.number
    for address in ("/t/acme/program/", f"/t/acme/program/{number}/"):
        text = staff.get(address).content.decode()
        assert ("no longer read" in text, "Rule “Visits”: visits" in text) == (True, True)
