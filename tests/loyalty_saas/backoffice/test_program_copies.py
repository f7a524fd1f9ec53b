"""A program goes to another tenant as a draft, for who may edit programs in both."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from rewards.models import ProgramRevision
from rewards.services import program_copies
from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.errors import InvalidInput
from tenants.models import Job, Membership, Tenant, User
from tenants.scope import tenant_scope
from tenants.services import memberships
from tests.conftest import NOW
from tests.loyalty_saas.backoffice.filling import Filled


def join(tenant: Tenant, role: Role, actor: Actor) -> None:
    user = User.objects.get(email="owner@acme.example.com")
    with tenant_scope(tenant):
        memberships.add(user=user, role=role, by=actor, at=NOW)


def ask(staff: Client) -> Any:
    return staff.post("/t/acme/program/1/steps/copy/", {"tenant": "globex"})


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
