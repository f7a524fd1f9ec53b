"""The program by API: schema, drafts, evaluation without a trace, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import jsonschema
import pytest

from rewards.models import DecisionRecord, LedgerTransaction, ProgramRevision, Rehearsal
from rewards.services import rehearsals, starter
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


def test_a_guests_cart_says_what_it_would_earn(api: Any, shop: Any, tenant: Tenant) -> None:
    answer = api.post("/programs/evaluate", {"lines": [{"category": "WINE", "amount_minor": 200}]}).json()
    # Three points each for two dollars, and the welcome of the first order.
    assert (answer["points"], answer["record"]["tier"]) == (106, "bronze")
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
        ({"event": "x", "customer": str(uuid4()), "dry_run": False}, "/dry_run"),
        ({"order": "o", "colour": 1}, "/colour"),
        ({"customer": str(uuid4()), "lines": []}, "/lines"),
        ({"customer": str(uuid4()), "lines": [{"amount_minor": 1}] * 1_001}, "/lines"),
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


def test_rehearsals_are_asked_for_and_told_by_wallet(
    api: Any, other_api: Any, shop: Any, tenant: Tenant
) -> None:
    customer, _order = shop
    document = api.get("/programs/revisions/1").json()["document"]
    document["wallets"].append({"key": "status", "name": "Status", "kind": "status"})
    document["rules"].append(
        {"key": "count", "name": "Count", "priority": 9,
         "effects": [{"type": "points", "wallet": "status", "points": 7}]}
    )  # fmt: skip
    assert api.post("/programs/drafts", {"document": document}, Idempotency_Key="d").status_code == 201
    path = "/programs/revisions/2/rehearsals"
    assert api.post(path, {"days": 366}, Idempotency_Key="a").json()["errors"][0]["pointer"] == "/days"
    wrong = api.post(path, {"ends_on": "2999-01-01"}, Idempotency_Key="f").json()
    assert [error["pointer"] for error in wrong["errors"]] == ["/ends_on"]
    assert api.post("/programs/revisions/1/rehearsals", {}, Idempotency_Key="p").status_code == 409
    answers = [api.post(path, {"days": 2}, Idempotency_Key="b") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert api.get(f"/jobs/{answers[0].json()['job']}").json()["kind"] == "rewards.rehearse"
    assert api.get(path).json()["data"] == []
    rehearsals.rehearse(
        tenant=tenant, number=2, days=2, by=SYSTEM, label="me", at=NOW + timedelta(hours=1),
        progress=lambda *_: None,
    )  # fmt: skip
    (told,) = api.get(path).json()["data"]
    assert (told["is_current"], told["days"], told["points"]) == (True, 2, {"given": 138, "taken": 0})
    assert [(row["wallet"], row["given"], row["available"], row["liability_change_points"])
            for row in told["wallets"]] == [("points", 131, 131, 131), ("status", 7, 7, 7)]  # fmt: skip
    assert told["members"]["most_won"] == [{"customer": str(customer.public_id), "points": 138}]
    assert other_api.get(path).status_code == 404


def test_a_rehearsal_of_before_tells_what_it_knew(api: Any, shop: Any, tenant: Tenant) -> None:
    wallet = {"wallet": "points", "name": "P", "points": 1, "actual_points": 2, "cost_minor": 3}
    with tenant_scope(tenant):
        Rehearsal.objects.create(
            revision=ProgramRevision.objects.get(), digest="old", days=1, until=NOW, rehearsed_at=NOW,
            rehearsed_by="me",
            result={
                "events": 0, "since": NOW.isoformat(), "points": {"given": 0, "taken": 0}, "cost_minor": 0,
                "actual": {"given": 0, "taken": 0}, "liability_change_points": 0, "rules": [], "grants": {},
                "wallets": [wallet],
                "members": {"winners": 0, "losers": 0, "unchanged": 0, "most_won": [[0, 5]], "most_lost": []},
                "tiers": [{"from": "", "to": "gold", "members": 1}], "conflicts": [],
            },
        )  # fmt: skip
    (told,) = api.get("/programs/revisions/1/rehearsals").json()["data"]
    assert told["is_current"] is False
    assert told["wallets"] == [wallet]
    assert (told["tiers"], told["members"]["most_won"]) == ([{"from": "", "to": "gold", "members": 1}], [])
