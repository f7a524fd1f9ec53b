"""A program goes to another tenant as a draft, for who may edit programs in both."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from crm.domain.event_catalogue import IDENTIFIED
from crm.models import EventSchema, PropertySchema, Segment
from crm.services import segments
from rewards.models import ProgramRevision
from rewards.services import program_copies
from tenants.domain.actors import SYSTEM, Actor
from tenants.domain.permissions import Role
from tenants.errors import InvalidInput
from tenants.models import Job, Membership, Tenant, User
from tenants.scope import tenant_scope
from tenants.services import memberships
from tests.conftest import NOW, signed_in
from tests.loyalty_saas.backoffice.filling import Filled


def join(tenant: Tenant, role: Role, actor: Actor) -> None:
    user = User.objects.get(email="owner@acme.example.com")
    with tenant_scope(tenant):
        memberships.add(user=user, role=role, by=actor, at=NOW)


def look(staff: Client) -> Any:
    return staff.post("/t/acme/program/1/copy/", {"tenant": "globex"})


def seen(filled: Filled) -> dict[str, Any]:
    """Run the job that looks, as the worker does."""
    with tenant_scope(filled.tenant):
        job = Job.objects.filter(kind=program_copies.LOOK).latest("pk")
    found = program_copies.preview(tenant=filled.tenant, params=job.params, at=NOW)
    with tenant_scope(filled.tenant):
        Job.objects.filter(pk=job.pk).update(state="succeeded", result=found)
    return found


def ask(staff: Client, **chosen: str) -> Any:
    answer = look(staff)
    return staff.post(answer["Location"], chosen) if "/copy/" in answer["Location"] else answer


def run(filled: Filled) -> dict[str, Any]:
    with tenant_scope(filled.tenant):
        params = Job.objects.get(kind=program_copies.KIND).params
    return program_copies.copy(tenant=filled.tenant, params=params, at=NOW)


def test_the_copy_is_a_draft_there_and_nothing_here(
    filled: Filled, staff: Client, other_tenant: Tenant, actor: Actor
) -> None:
    assert "globex" not in staff.get("/t/acme/program/1/").content.decode()
    join(other_tenant, Role.ADMIN, actor)
    assert '<option value="globex">' in staff.get("/t/acme/program/1/").content.decode()
    answer = ask(staff)
    assert (answer.status_code, "/jobs/" in answer.url) == (302, True)
    with tenant_scope(other_tenant):
        before = list(ProgramRevision.objects.values_list("number", "state").order_by("number"))
    told = run(filled)
    with tenant_scope(other_tenant):
        copied = ProgramRevision.objects.get(number=told["revision"])
        # Another currency: what was a dollar is no yuan.
        assert (copied.state, copied.note) == ("draft", "Acme #1：金额按 USD 填写，请核对")
        assert ProgramRevision.objects.count() == len(before) + 1
    with tenant_scope(filled.tenant):
        assert ProgramRevision.objects.get().document == copied.document


def test_a_copy_says_what_is_missing_there_and_nothing_of_the_same_currency(
    filled: Filled, staff: Client, other_tenant: Tenant, actor: Actor
) -> None:
    join(other_tenant, Role.ADMIN, actor)
    other_tenant.currency = filled.tenant.currency
    other_tenant.save()
    with tenant_scope(filled.tenant):
        row = ProgramRevision.objects.get()
        lesson = {"kind": "count", "match": {"event": "lesson"}, "target": 2}
        gift = [{"kind": "points", "wallet": row.document["wallets"][0]["key"], "points": 5}]
        challenge = {
            "key": "c",
            "name": "C",
            "goal": lesson,
            "rewards": gift,
            "audience": {"segment": "gone"},
        }
        row.document = {**row.document, "challenges": [challenge]}
        row.save()
    ask(staff)
    told = run(filled)
    with tenant_scope(other_tenant):
        assert ProgramRevision.objects.get(number=told["revision"]).note == "Acme #1"
    assert told["errors"] == 1


@pytest.mark.parametrize("role", [None, Role.ANALYST, Role.SUPPORT])
def test_who_may_not_edit_there_is_refused(
    filled: Filled, staff: Client, other_tenant: Tenant, actor: Actor, role: Role | None
) -> None:
    if role is not None:
        join(other_tenant, role, actor)
    ask(staff)
    with tenant_scope(filled.tenant):
        assert not Job.objects.filter(kind=program_copies.KIND).exists()


def test_who_left_meanwhile_copies_nothing(
    filled: Filled, staff: Client, other_tenant: Tenant, actor: Actor
) -> None:
    join(other_tenant, Role.ADMIN, actor)
    ask(staff)
    with tenant_scope(other_tenant):
        before = ProgramRevision.objects.count()
        Membership.objects.filter(user__email="owner@acme.example.com").delete()
    with pytest.raises(InvalidInput):
        run(filled)
    with tenant_scope(other_tenant):
        assert ProgramRevision.objects.count() == before


def test_segments_come_along_with_those_they_refer_to(
    filled: Filled, staff: Client, other_tenant: Tenant, actor: Actor
) -> None:
    join(other_tenant, Role.MARKETER, actor)
    spends = {"attribute": "spends", "op": "gte", "value": 5}
    secret = {"attribute": "diagnosis", "op": "eq", "value": "x"}
    made: list[tuple[str, Any]] = [
        ("buyers", spends), ("loyal", {"all": [{"in_segment": "buyers"}, spends]}), ("ill", secret),
        ("illoyal", {"in_segment": "ill"}), ("friends", None), ("vip", spends),
    ]  # fmt: skip
    with tenant_scope(filled.tenant):
        for key, rule in made:
            segments.create(
                key=key, name=key.title(), kind="rule" if rule else "static", rule=rule, by=SYSTEM, at=NOW
            )
        row = ProgramRevision.objects.get()
        named = ["loyal", "ill", "illoyal", "friends", "vip", "nobody"]
        when = {
            "all": [{"trait": "clv", "op": "gt", "value": 1}, {"attribute": "size", "op": "eq", "value": 1}]
        }
        gift = {"type": "points", "wallet": "points", "points": 1}
        plain = {"name": "R", "effects": [gift]}
        rules = [
            {**plain, "key": "r", "audience": named, "when": when},
            {**plain, "key": "e", "trigger": "event", "event": "danced"},
        ]
        row.document = {**row.document, "rules": rules}
        row.save()
    with tenant_scope(other_tenant):
        segments.create(key="vip", name="Theirs", kind="static", by=SYSTEM, at=NOW)
        schema = EventSchema.objects.create(name=IDENTIFIED, first_seen_at=NOW, last_seen_at=NOW)
        PropertySchema.objects.create(
            schema=schema, key="diagnosis", sensitivity="health", first_seen_at=NOW, last_seen_at=NOW
        )
    path = look(staff)["Location"]
    assert "Looking at what" in staff.get(path).content.decode()
    found = seen(filled)
    assert {each["key"]: each["coming"] for each in found["segments"]} == {
        "buyers": "brought", "loyal": "brought", "ill": "sensitive", "illoyal": "needs_other",
        "friends": "empty", "vip": "there", "nobody": "unknown",
    }  # fmt: skip
    assert found["unknown"] == {"events": ["danced"], "attributes": ["size"], "traits": ["clv"]}
    page = staff.get(path).content.decode()
    assert "Bring 3 segments along" in page
    assert "danced" in page
    assert "Bring 3 segments" not in staff.get(path, headers={"accept-language": "zh-hans"}).content.decode()
    assert staff.post(path, {"segments": "yes"}).status_code == 302
    told = run(filled)
    assert told["segments"] == 3
    with tenant_scope(other_tenant):
        there = dict(Segment.objects.values_list("key", "name"))
        assert {key: there.get(key) for key, _rule in made} == {
            "buyers": "Buyers", "loyal": "Loyal", "friends": "Friends", "vip": "Theirs", "ill": None,
            "illoyal": None,
        }  # fmt: skip
    # A second run, after its worker died, makes nothing twice.
    assert run(filled)["segments"] == 0


def test_nobody_else_reads_what_the_other_tenant_has(
    filled: Filled, staff: Client, other_tenant: Tenant, actor: Actor
) -> None:
    join(other_tenant, Role.ADMIN, actor)
    path = look(staff)["Location"]
    marketer = signed_in(filled.tenant, actor, Role.MARKETER)
    assert (staff.get(path).status_code, marketer.get(path).status_code) == (200, 404)
