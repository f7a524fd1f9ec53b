"""An approval knows whether the very document was rehearsed, says so, and keeps which rehearsal it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from rewards.models import Program, ProgramRevision, Rehearsal
from rewards.services import program_reviews, programs, rehearsal_checks
from rewards.services.rehearsal_checks import RehearsalNeeded, RehearsalNotAcknowledged
from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.errors import PermissionRefused
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tests.conftest import NOW, signed_in
from tests.loyalty_saas.backoffice.filling import Filled
from tests.loyalty_saas.backoffice.test_access import address
from tests.loyalty_saas.backoffice.test_program_pages import program_form, rehearse, state_of, step

POLICY = "/t/acme/program/rehearsal-policy/"


@pytest.fixture
def marketer(filled: Filled, other_filled: Filled, actor: Actor) -> Client:
    """Saved a draft; another tenant has chosen the other policy."""
    with tenant_scope(other_filled.tenant):
        Program.objects.update(rehearsal_policy="acknowledge")
    client = signed_in(filled.tenant, actor, Role.MARKETER)
    assert client.post(address("program_edit", filled), program_form(client, filled)).status_code == 302
    return client


def edited(client: Client, filled: Filled, days: int) -> None:
    body = program_form(client, filled) | {"policies-backdating_days": str(days)}
    assert client.post(address("program_edit", filled), body).status_code == 302


def test_without_a_rehearsal_nothing_goes_to_review(filled: Filled, marketer: Client, staff: Client) -> None:
    step(marketer, "submit")
    assert state_of(filled) == "draft"
    page = staff.get("/t/acme/program/2/")
    check = page.context["check"]
    assert (check.rehearsed, check.is_refused, check.asks) == ("never", True, False)


def test_the_rehearsal_of_the_document_is_attached(
    filled: Filled, marketer: Client, staff: Client, actor: Actor
) -> None:
    rehearse(filled, actor)
    step(marketer, "submit")
    assert "Rehearsed as it is, over 30 days" in staff.get("/t/acme/program/2/").content.decode()
    step(staff, "approve")
    with tenant_scope(filled.tenant):
        row, rehearsal = ProgramRevision.objects.get(number=2), Rehearsal.objects.get()
        assert row.reviewed_digest == rehearsal.digest != ""
        assert rehearsal_checks.of_approval(row) == rehearsal
        # One that is played after the approval is not what it rested on.
        Rehearsal.objects.create(
            revision=row, digest=rehearsal.digest, days=1, until=NOW, result=rehearsal.result,
            rehearsed_at=row.reviewed_at + timedelta(days=1), rehearsed_by="x",
        )  # fmt: skip
        assert rehearsal_checks.of_approval(row) == rehearsal
        diff = AuditEntry.objects.get(action="program.approved").diff
    assert diff["rehearsed"] == [None, "current"]
    assert diff["rehearsal"][1]["points"] == rehearsal.result["points"]["given"] == 110


def test_a_policy_lets_people_approve_what_they_say_was_not_rehearsed(
    filled: Filled, marketer: Client, staff: Client, actor: Actor
) -> None:
    assert marketer.post(POLICY, {"policy": "acknowledge"}).status_code == 403
    staff.post(POLICY, {"policy": "whatever"})
    step_page = staff.post(POLICY, {"policy": "acknowledge"})
    assert step_page["Location"] == "/t/acme/program/"
    rehearse(filled, actor)
    edited(marketer, filled, 30)
    step(marketer, "submit")
    assert state_of(filled) == "in_review"
    page = staff.get("/t/acme/program/2/")
    assert page.context["check"].rehearsed == "older"
    assert "played an older draft" in page.content.decode()
    step(staff, "approve")
    assert state_of(filled) == "in_review"
    step(staff, "approve", acknowledges="yes")
    assert state_of(filled) == "approved"
    with tenant_scope(filled.tenant):
        diffs = AuditEntry.objects.filter(action__in=["program.approved", "program.rehearsal_policy_changed"])
        policy, approved = diffs.order_by("pk").values_list("diff", flat=True)
        assert rehearsal_checks.of_approval(ProgramRevision.objects.get(number=2)) is None
    assert policy == {"rehearsal_policy": ["required", "acknowledge"]}
    assert approved["rehearsed"] == [None, "older"]
    assert "rehearsal" not in approved


def test_publishing_alone_is_an_approval_too(filled: Filled, marketer: Client, staff: Client) -> None:
    staff.post("/t/acme/program/self-approval/", {"allowed": "yes"})
    staff.post(POLICY, {"policy": "acknowledge"})
    form: Any = staff.get("/t/acme/program/2/publish/").context["form"]
    assert set(form.fields) == {"confirmation", "acknowledges"}
    assert staff.post("/t/acme/program/2/publish/", {"confirmation": "2"}).status_code == 422
    body = {"confirmation": "2", "acknowledges": "on"}
    assert staff.post("/t/acme/program/2/publish/", body).status_code == 302
    assert state_of(filled) == "published"


def test_who_asked_for_the_review_is_told_by_identity_not_by_name(
    filled: Filled, marketer: Client, actor: Actor
) -> None:
    rehearse(filled, actor)
    with tenant_scope(filled.tenant):
        row = program_reviews.submit(revision=ProgramRevision.objects.get(number=2), by=actor, at=NOW)
        with pytest.raises(programs.ReviewNeeded):
            program_reviews.approve(revision=row, by=replace(actor, label="renamed@example.com"), at=NOW)
        namesake = replace(actor, id=(actor.id or 0) + 1_000)
        assert program_reviews.approve(revision=row, by=namesake, at=NOW).state == "approved"


def test_what_is_published_is_what_was_approved(
    filled: Filled, marketer: Client, staff: Client, actor: Actor
) -> None:
    rehearse(filled, actor)
    step(marketer, "submit")
    step(staff, "approve")
    with tenant_scope(filled.tenant):
        row = ProgramRevision.objects.get(number=2)
        ProgramRevision.objects.filter(pk=row.pk).update(document={**row.document, "rules": []})
        with pytest.raises(programs.ReviewNeeded):
            programs.publish(revision=row, by=actor, at=NOW)
    assert state_of(filled) == "approved"


def test_services_refuse_by_themselves(filled: Filled, marketer: Client, actor: Actor) -> None:
    with tenant_scope(filled.tenant):
        row = ProgramRevision.objects.get(number=2)
        ProgramRevision.objects.filter(pk=row.pk).update(state="in_review", base_number=1)
        with pytest.raises(RehearsalNeeded) as needed:
            program_reviews.approve(revision=row, by=actor, at=NOW, acknowledges=True)
        assert needed.value.extra == {"rehearsed": "never"}
        Program.objects.update(rehearsal_policy="acknowledge")
        with pytest.raises(RehearsalNotAcknowledged):
            program_reviews.approve(revision=row, by=actor, at=NOW)
        powerless = Actor(actor.kind, actor.label)
        with pytest.raises(PermissionRefused):
            program_reviews.set_rehearsal_policy(policy="required", by=powerless, at=NOW)


def test_publishing_is_offered_only_where_it_can_succeed(
    filled: Filled, marketer: Client, staff: Client, actor: Actor
) -> None:
    path = "/t/acme/program/2/publish/"
    waiting = staff.get(path)
    assert waiting.context["waits_for_approval"]
    assert 'name="confirmation"' not in waiting.content.decode()
    rehearse(filled, actor)
    step(marketer, "submit")
    step(staff, "approve")
    ready = staff.get(path)
    assert not ready.context["waits_for_approval"]
    assert 'name="confirmation"' in ready.content.decode()


def test_whoever_may_approve_oneself_is_offered_to_publish(
    filled: Filled, marketer: Client, staff: Client
) -> None:
    with tenant_scope(filled.tenant):
        Program.objects.update(allows_self_approval=True)
    assert not staff.get("/t/acme/program/2/publish/").context["waits_for_approval"]


def test_who_sent_it_is_told_that_somebody_else_approves(
    filled: Filled, marketer: Client, staff: Client, actor: Actor
) -> None:
    admin = signed_in(filled.tenant, actor, Role.ADMIN)
    rehearse(filled, actor)
    step(admin, "submit")
    own, others = (client.get("/t/acme/program/2/").content.decode() for client in (admin, staff))
    approve, publish = "/t/acme/program/2/steps/approve/", "/t/acme/program/2/publish/"
    assert "Somebody else approves what you have sent." in own
    assert [approve in page for page in (own, others)] == [False, True]
    assert [publish in page for page in (own, others)] == [False, False]
    step(staff, "approve")
    assert publish in admin.get("/t/acme/program/2/").content.decode()
