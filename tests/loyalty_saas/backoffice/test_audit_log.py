"""The audit log reads as sentences, not as codes, and can be narrowed to one kind of action."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import translation

from tenants.domain.actors import Actor
from tenants.models import AuditEntry, Job, Tenant
from tenants.scope import tenant_scope
from tenants.services import audit
from tests.conftest import NOW
from tests.loyalty_saas.backoffice import filling

PATH = "/t/acme/audit/"


@pytest.fixture
def job(tenant: Tenant, actor: Actor) -> Job:
    """A job, as it is written down when somebody starts it."""
    with tenant_scope(tenant):
        row = Job.objects.create(kind="crm.refresh_segments", params={}, created_at=NOW, requested_by="x")
        audit.record(
            action="job.started", target=row, by=actor, at=NOW, diff={"kind": [None, "crm.refresh_segments"]}
        )
        return row


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("Started a job", "Refresh all segments")), ("zh-hans", ("启动了作业", "刷新所有分群"))],
)
def test_entries_are_sentences(language: str, words: tuple[str, ...], job: Job, staff: Client) -> None:
    with translation.override(language):
        page = staff.get(PATH, headers={"accept-language": language}).content.decode()
    for text in words:
        assert text in page
    # Not the code that was written down as the object's name, in the language of whoever started the job.
    assert "crm.refresh_segments (" not in page


def test_values_of_choices_and_names_of_fields_are_words(tenant: Tenant, actor: Actor, staff: Client) -> None:
    with tenant_scope(tenant):
        row = Job.objects.create(kind="crm.refresh_segments", params={}, created_at=NOW, requested_by="x")
        diff = {"state": ["queued", "cancelled"], "not_a_field": [None, 3]}
        audit.record(action="job.cancelled", target=row, by=actor, at=NOW, diff=diff)
    (line,) = (line for line in staff.get(PATH).context["entries"] if line.entry.action == "job.cancelled")
    assert [(change.field, change.before, change.after) for change in line.changes] == [
        ("state", "Queued", "Cancelled"),
        ("not a field", None, 3),
    ]


def test_one_kind_of_action_can_be_chosen(job: Job, tenant: Tenant, actor: Actor, staff: Client) -> None:
    with tenant_scope(tenant):
        filling.add_audit(actor, "Mark", job)
    page = staff.get(PATH, {"action": "job.started"})
    assert {line.entry.action for line in page.context["entries"]} == {"job.started"}
    assert [(chip.label, chip.value) for chip in page.context["chips"]] == [("Action", "Started a job")]
    everything = staff.get(PATH, {"action": "no.such"})
    assert {"job.started", "points.adjusted"} <= {line.entry.action for line in everything.context["entries"]}


def test_what_is_no_longer_known_is_shown_as_it_was_written(
    tenant: Tenant, actor: Actor, staff: Client
) -> None:
    with tenant_scope(tenant):
        AuditEntry.objects.create(
            at=NOW, actor_kind=actor.kind, actor_label="someone", action="points.adjusted",
            target_type="old.thing", target_id="1", target_label="Old thing 1", diff=["a", "b"],
        )  # fmt: skip
    (line,) = staff.get(PATH, {"action": "points.adjusted"}).context["entries"]
    assert (line.kind, line.object) == ("old.thing", "Old thing 1")
    assert [change.after for change in line.changes] == [["a", "b"]]


@pytest.mark.parametrize(
    ("language", "names"), [("en", ("Earning rules", "Coupons")), ("zh-hans", ("赚取规则", "优惠券"))]
)
def test_sections_of_the_document_are_named_with_their_entries(
    language: str, names: tuple[str, str], tenant: Tenant, actor: Actor, staff: Client
) -> None:
    def entry(key: str, **more: object) -> dict[str, object]:
        return {"key": key, "name": key.title(), **more}

    diff = {
        "rules": [[entry("one")], [entry("two")]],
        "coupons": [[entry("tea", priority=1)], [entry("tea", priority=2)]],
        "budgets": [None, []],
    }
    with tenant_scope(tenant):
        row = Job.objects.create(kind="crm.refresh_segments", params={}, created_at=NOW, requested_by="x")
        audit.record(action="program.draft_saved", target=row, by=actor, at=NOW, diff=diff)
    page = staff.get(PATH, {"action": "program.draft_saved"}, headers={"accept-language": language})
    (line,) = page.context["entries"]
    assert [(change.before, change.after) for change in line.changes] == [("One", "Two"), (None, "Tea")]
    for name in names:
        assert f"<dt>{name}</dt>" in page.content.decode()
