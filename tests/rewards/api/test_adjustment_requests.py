"""Adjustments above a limit over HTTP: one asks, another decides, once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from crm.models import Customer
from rewards.models import Account, AdjustmentRequest, LedgerTransaction, ProgramRevision
from rewards.services import starter
from tenants.domain.actors import SYSTEM, Actor
from tenants.models import ApiKey, Tenant
from tenants.scope import tenant_scope
from tenants.services import api_keys
from tests.conftest import ApiClient
from tests.rewards.factories import NOW, make_customer

pytestmark = pytest.mark.django_db
PATH = "/adjustment-requests"


@pytest.fixture
def customer(tenant: Tenant) -> Customer:
    """A member of a program in which a key may move 100 points by itself."""
    with tenant_scope(tenant):
        starter.install_starter(by=SYSTEM, at=NOW, category_percent={}, rewards=[])
        revision = ProgramRevision.objects.get()
        wallet = {**revision.document["wallets"][0], "adjustment_limits": {"api_key": 100}}
        ProgramRevision.objects.update(document={**revision.document, "wallets": [wallet]})
        return make_customer()


@pytest.fixture
def second(tenant: Tenant, actor: Actor) -> ApiClient:
    """Another key: requests and decisions are known by the key's name."""
    with tenant_scope(tenant):
        _key, text = api_keys.create(name="second", kind=ApiKey.Kind.SECRET, by=actor, at=NOW)
    return ApiClient(text)


def send(api: ApiClient, path: str, body: Any, key: str = "") -> Any:
    return api.post(path, body, Idempotency_Key=key or str(uuid4()))


def ask(api: ApiClient, customer: Customer, points: int = 500, key: str = "") -> Any:
    body = {"customer": str(customer.public_id), "points": points, "reason": "A lost parcel"}
    return send(api, PATH, body, key)


def balance(tenant: Tenant, customer: Customer) -> int:
    with tenant_scope(tenant):
        return sum(Account.objects.filter(customer=customer).values_list("available", flat=True))


def test_above_the_limit_one_asks_and_another_approves_once(
    api: ApiClient, second: ApiClient, other_api: ApiClient, tenant: Tenant, customer: Customer
) -> None:
    path = f"/customers/{customer.public_id}/points/adjust"
    refused = send(api, path, {"points": 500, "reason": "A lost parcel"})
    assert (refused.status_code, refused.json()["code"], refused.json()["limit"]) == (
        403, "approval_required", 100,
    )  # fmt: skip
    asked, again = ask(api, customer, key="k"), ask(api, customer, key="k")
    assert (asked.status_code, again.content) == (201, asked.content)
    found = asked.json()
    assert {name: found[name] for name in ("customer", "wallet", "points", "state", "decided_at")} == {
        "customer": str(customer.public_id), "wallet": "points", "points": 500, "state": "requested",
        "decided_at": None,
    }  # fmt: skip
    assert balance(tenant, customer) == 0
    path = f"{PATH}/{found['id']}"
    own = send(api, f"{path}/approve", {})
    assert (own.status_code, own.json()["code"]) == (403, "own_request")
    assert send(other_api, f"{path}/approve", {}).status_code == 404
    done = send(second, f"{path}/approve", {"note": "seen the parcel"})
    assert (done.status_code, done.json()["state"], done.json()["decision_note"]) == (
        200, "approved", "seen the parcel",
    )  # fmt: skip
    late = send(second, f"{path}/reject", {"note": "no"})
    assert (late.status_code, late.json()["code"], late.json()["state"]) == (
        409, "adjustment_decided", "approved",
    )  # fmt: skip
    assert balance(tenant, customer) == 500
    assert api.get(path).json() == done.json()
    assert [row["id"] for row in api.get(f"{PATH}?state=approved").json()["data"]] == [found["id"]]
    assert api.get(f"{PATH}?state=requested").json()["data"] == []
    assert api.get(f"{PATH}?state=lost").status_code == 400
    assert other_api.get(PATH).json()["data"] == []


def test_a_refusal_needs_a_reason_and_moves_nothing(
    api: ApiClient, second: ApiClient, tenant: Tenant, customer: Customer
) -> None:
    path = f"{PATH}/{ask(api, customer, -50).json()['id']}/reject"
    for note in ({}, {"note": ""}, {"note": "n", "colour": "red"}):
        assert send(second, path, note).status_code == 400
    assert send(second, path, {"note": "not ours"}).json()["state"] == "rejected"
    with tenant_scope(tenant):
        assert not LedgerTransaction.objects.exists()


def test_a_debit_that_is_not_there_stays_open(
    api: ApiClient, second: ApiClient, tenant: Tenant, customer: Customer
) -> None:
    found = ask(api, customer, -500).json()
    refused = send(second, f"{PATH}/{found['id']}/approve", {})
    assert (refused.status_code, refused.json()["code"], refused.json()["missing"]) == (
        409, "insufficient_points", 500,
    )  # fmt: skip
    assert api.get(f"{PATH}/{found['id']}").json()["state"] == "requested"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"points": 0}, 422), ({"points": 10**9}, 400), ({"reason": " "}, 400), ({"wallet": "none"}, 422),
        ({"customer": str(uuid4())}, 422), ({"colour": "red"}, 400),
    ],
)  # fmt: skip
def test_impossible_requests(
    api: ApiClient, tenant: Tenant, customer: Customer, change: dict[str, Any], status: int
) -> None:
    body = {"customer": str(customer.public_id), "points": 5, "reason": "x", **change}
    assert send(api, PATH, body).status_code == status
    with tenant_scope(tenant):
        assert not AdjustmentRequest.objects.exists()
