"""The program by API: schema, drafts, evaluation without a trace, and why."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import jsonschema
import pytest

from rewards.models import DecisionRecord, LedgerTransaction, ProgramRevision
from rewards.services import starter
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW, make_customer, make_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(tenant: Tenant, other_tenant: Tenant) -> Any:
    """A customer with an order of 10.50 that is not decided; the other tenant has one too."""
    for each in (other_tenant, tenant):
        with tenant_scope(each):
            starter.install_starter(by=SYSTEM, at=NOW, category_percent={"WINE": 300}, rewards=[])
            customer = make_customer()
            order = make_order(customer, [("WINE", 1, 1050)])
    return customer, order


def test_a_cart_and_an_order_are_evaluated_without_a_trace(api: Any, shop: Any, tenant: Tenant) -> None:
    customer, order = shop
    cart = {"customer": str(customer.public_id), "lines": [{"category": "WINE", "amount_minor": 200}]}
    answer = api.post("/programs/evaluate", cart).json()
    # Three points each for two dollars; the order placed before leaves no welcome.
    assert (answer["points"], answer["dry_run"], answer["revision"]) == (6, True, 1)
    assert answer["effects"][0]["type"] == "Earn"
    answer = api.post("/programs/evaluate", {"order": order.external_id}).json()
    assert (answer["points"], [rule["points"] for rule in answer["record"]["rules"]]) == (131, [31, 100])
    with tenant_scope(tenant):
        assert LedgerTransaction.objects.count() == DecisionRecord.objects.count() == 0


def test_a_recorded_order_is_decided_for_good_and_says_why(api: Any, shop: Any) -> None:
    customer, order = shop
    body = {"order": order.external_id, "dry_run": False}
    assert api.post("/programs/evaluate", body).json()["points"] == 131
    assert api.post("/programs/evaluate", body).json()["points"] == 131
    why = api.get(f"/orders/{order.public_id}/why").json()
    assert (why["points"], why["revision"], why["record"]["tier"]) == (131, 1, "bronze")
    listed = api.get(f"/customers/{customer.public_id}/why").json()["data"]
    assert [each["points"] for each in listed] == [131]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/order"),
        ({"event": "x", "order": "o"}, "/order"),
        ({"event": "x"}, "/customer"),
        ({"event": "x", "customer": str(uuid4()), "dry_run": False}, "/dry_run"),
        ({"order": "o", "colour": 1}, "/colour"),
    ],
)
def test_what_cannot_be_evaluated_names_the_field(api: Any, shop: Any, body: Any, pointer: str) -> None:
    answer = api.post("/programs/evaluate", body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_document_is_exported_imported_and_fits_the_schema(api: Any, shop: Any, tenant: Tenant) -> None:
    document = api.get("/programs/revisions/1").json()["document"]
    jsonschema.validate(document, api.get("/programs/schema").json(), cls=jsonschema.Draft202012Validator)
    document["rules"].append(
        {"key": "lost", "name": "Lost", "effects": [{"type": "coupon", "coupon": "gone"}]}
    )
    headers = {"Idempotency_Key": str(uuid4())}
    draft = api.post("/programs/drafts", {"document": document}, **headers).json()
    assert (draft["number"], draft["state"]) == (2, "draft")
    assert draft["findings"] == [
        {
            "severity": "error", "code": "missing_reference", "reason": "missing",
            "pointer": f"/rules/{len(document['rules']) - 1}/effects", "rule": "lost",
            "parameters": {"kind": "coupon", "key": "gone"}, "detail": "There is no coupon 'gone'.",
        }
    ]  # fmt: skip
    assert [row["number"] for row in api.get("/programs/revisions").json()["data"]] == [2, 1]
    document["rules"][0]["wallet"] = "gems"
    wrong = api.post("/programs/drafts", {"document": document}, Idempotency_Key=str(uuid4()))
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["pointer"] == "/document/rules/0/wallet"
    with tenant_scope(tenant):
        assert ProgramRevision.objects.count() == 2
