"""Drafts that fell behind, over HTTP."""

from __future__ import annotations

import pytest

from rewards.models import ProgramRevision
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient
from tests.rewards.services.test_drafts import publish, rule, save

pytestmark = pytest.mark.django_db
PATH = "/programs/revisions/2/update"


def test_a_draft_is_brought_up_to_date(api: ApiClient, other_api: ApiClient, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        publish(rule("a"), rule("b"))
        save(rule("a", 2), rule("b"))
        current = api.get(PATH).json()
        assert current == {"is_behind": False, "base": 1, "current": 1, "changes": [], "clashes": []}
        publish(rule("a", 3), rule("b", 7))
    behind = api.get(PATH).json()
    assert (behind["is_behind"], behind["base"], behind["current"]) == (True, 1, 3)
    assert [(each["key"], each["kind"]) for each in behind["changes"]] == [("a", "changed"), ("b", "changed")]
    assert [each["path"] for each in behind["clashes"]] == ["rules/a"]
    refused = api.post(PATH, {})
    assert (refused.status_code, refused.json()["code"]) == (409, "draft_clashes")
    assert [each["path"] for each in refused.json()["clashes"]] == ["rules/a"]
    wrong = api.post(PATH, {"choices": {"rules/a": "mine"}})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/choices/rules~1a")
    mug = {"key": "mug", "name": "Mug", "kind": "product", "wallet": "points", "cost_points": 5}
    drafted = api.post("/rewards", mug, Idempotency_Key="m").json()
    assert (drafted["draft"], drafted["behind"]) == (2, 3)
    done = api.post(PATH, {"choices": {"rules/a": "draft"}}).json()
    assert (done["base_number"], [each["key"] for each in done["document"]["rewards"]]) == (3, ["mug"])
    assert [each["effects"][0]["points"] for each in done["document"]["rules"]] == [2, 7]
    assert api.get(PATH).json()["is_behind"] is False
    assert other_api.post(PATH, {}).status_code == 404
    with tenant_scope(tenant):
        assert ProgramRevision.objects.get(number=2).state == "draft"


def test_a_code_that_waits_in_the_draft_is_taken(api: ApiClient, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        publish(rule("a"))
    offer = {"key": "one", "name": "One", "kind": "shipping", "generic_code": "SUMMER"}
    assert api.post("/coupon-definitions", offer, Idempotency_Key="1").status_code == 202
    twin = api.post("/coupon-definitions", {**offer, "key": "two"}, Idempotency_Key="2")
    assert (twin.status_code, twin.json()["code"]) == (409, "code_taken")
    assert [(each["pointer"], each["code"]) for each in twin.json()["errors"]] == [
        ("/generic_code", "code_taken")
    ]
