"""Points and redemptions under attack: exact refusals, and the balance never moves by them."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from crm.models import CustomerState
from crm.services import customers
from rewards.models import Account, LedgerTransaction, Redemption, Reward, RewardKind
from rewards.services import catalogue
from tenants.domain.actors import SYSTEM
from tenants.models import IdempotencyRecord, Tenant
from tenants.scope import tenant_scope
from tests.hostile import refusal
from tests.rewards.factories import NOW, make_customer, make_wallet, post

pytestmark = pytest.mark.django_db

_keys = count(1)
INVALID, IMPOSSIBLE = "invalid_request", "invalid_input"


def key() -> dict[str, str]:
    return {"Idempotency_Key": f"k-{next(_keys)}"}


@pytest.fixture
def customer(tenant: Tenant) -> Any:
    with tenant_scope(tenant):
        customer = make_customer()
        post(customer, make_wallet(), 100)
    return customer


def reward(tenant: Tenant, **options: Any) -> Reward:
    with tenant_scope(tenant):
        return catalogue.save_reward(
            key="mug", name="Mug", kind=RewardKind.PRODUCT, wallet_key="points", cost_points=40, by=SYSTEM,
            at=NOW, **options,
        )  # fmt: skip


def state(tenant: Tenant) -> tuple[int, int, int, int]:
    with tenant_scope(tenant):
        return (
            Account.objects.get().available,
            LedgerTransaction.objects.count(),
            Redemption.objects.count(),
            IdempotencyRecord.objects.count(),
        )


@pytest.mark.parametrize(
    ("change", "status", "code", "pointers"),
    [
        ({"points": 0}, 422, IMPOSSIBLE, ["/points"]),
        ({"points": 10_000_001}, 400, INVALID, ["/points"]),
        ({"points": 2**63}, 400, INVALID, ["/points"]),
        ({"points": -(2**70)}, 400, INVALID, ["/points"]),
        ({"points": 1.5}, 400, INVALID, ["/points"]),
        ({"points": True}, 400, INVALID, ["/points"]),
        ({"points": None}, 400, INVALID, ["/points"]),
        ({"points": [1]}, 400, INVALID, ["/points"]),
        ({"points": -101}, 409, "insufficient_points", []),
        ({"reason": ""}, 400, INVALID, ["/reason"]),
        ({"reason": " "}, 400, INVALID, ["/reason"]),
        ({"reason": None}, 400, INVALID, ["/reason"]),
        ({"reason": "\0"}, 400, INVALID, ["/reason"]),
        ({"reason": "x" * 501}, 400, INVALID, ["/reason"]),
        ({"wallet": "gems"}, 422, IMPOSSIBLE, ["/wallet"]),
        ({"wallet": None}, 400, INVALID, ["/wallet"]),
        ({"wallet": "a\0"}, 400, INVALID, ["/wallet"]),
        ({"customer": 1}, 400, INVALID, ["/customer"]),
    ],
)
def test_an_adjustment_that_cannot_be(
    api: Any, customer: Any, tenant: Tenant, change: Any, status: int, code: str, pointers: list[str]
) -> None:
    before, path = state(tenant), f"/customers/{customer.public_id}/points/adjust"
    refused = api.post(path, {"points": 5, "reason": "x", **change}, **key())
    assert refusal(refused) == (status, code, pointers)
    assert state(tenant) == before


@pytest.mark.parametrize("bad", [None, "", " ", "x" * 256, "a\0", "a\tb"])
def test_an_idempotency_key_that_cannot_be(api: Any, customer: Any, tenant: Tenant, bad: str | None) -> None:
    before, headers = state(tenant), {} if bad is None else {"Idempotency_Key": bad}
    refused = api.post(
        f"/customers/{customer.public_id}/points/adjust", {"points": 5, "reason": "x"}, **headers
    )
    assert refusal(refused) == (422, IMPOSSIBLE, ["Idempotency-Key"])
    assert state(tenant) == before


def test_long_keys_that_differ_at_their_ends_are_two(api: Any, customer: Any, tenant: Tenant) -> None:
    path, body = f"/customers/{customer.public_id}/points/adjust", {"points": 5, "reason": "x"}
    for end in ("1", "2", "1"):
        assert api.post(path, body, Idempotency_Key="k" * 254 + end).status_code == 201
    assert state(tenant)[0] == 110


def test_a_twin_with_another_body_changes_nothing(api: Any, customer: Any, tenant: Tenant) -> None:
    path, headers = f"/customers/{customer.public_id}/points/adjust", key()
    assert api.post(path, {"points": 5, "reason": "x"}, **headers).status_code == 201
    for body in ({"points": 6, "reason": "x"}, {"points": 5, "reason": "y"}, {}, []):
        assert refusal(api.post(path, body, **headers)) == (422, "idempotency_key_reused", [])
    assert state(tenant)[0] == 105


def test_a_refused_request_does_not_spend_its_key(api: Any, customer: Any, tenant: Tenant) -> None:
    path, headers = f"/customers/{customer.public_id}/points/adjust", key()
    refused = api.post(path, {"points": -101, "reason": "x"}, **headers)
    assert refusal(refused) == (409, "insufficient_points", [])
    assert api.post(path, {"points": -1, "reason": "x"}, **headers).json() == {"points": -1, "available": 99}


@pytest.mark.parametrize(
    ("change", "status", "code", "pointers"),
    [
        ({"reward": None}, 400, INVALID, ["/reward"]),
        ({"reward": "x"}, 400, INVALID, ["/reward"]),
        ({"reward": -1}, 400, INVALID, ["/reward"]),
        ({"reward": 2**200}, 400, INVALID, ["/reward"]),
        ({"reward": "01900000-0000-7000-8000-000000000000"}, 422, "invalid_input", ["/reward"]),
        ({"customer": []}, 400, INVALID, ["/customer"]),
        ({"points": 1}, 400, INVALID, ["/points"]),
    ],
)
def test_a_redemption_that_cannot_be(
    api: Any, customer: Any, tenant: Tenant, change: Any, status: int, code: str, pointers: list[str]
) -> None:
    body = {"customer": str(customer.public_id), "reward": str(reward(tenant).public_id)}
    before = state(tenant)
    assert refusal(api.post("/redemptions", {**body, **change}, **key())) == (status, code, pointers)
    assert state(tenant) == before


@pytest.mark.parametrize(
    ("options", "code"), [({"is_active": False}, "reward_unavailable"), ({"stock": 0}, "out_of_stock")]
)
def test_a_reward_that_is_not_there(
    api: Any, customer: Any, tenant: Tenant, options: dict[str, Any], code: str
) -> None:
    body = {"customer": str(customer.public_id), "reward": str(reward(tenant, **options).public_id)}
    before = state(tenant)
    assert refusal(api.post("/redemptions", body, **key())) == (409, code, [])
    assert state(tenant) == before


def test_a_suspended_customer_redeems_nothing_and_can_be_corrected(
    api: Any, customer: Any, tenant: Tenant
) -> None:
    with tenant_scope(tenant):
        customers.set_suspended(customer=customer, suspended=True, by=SYSTEM, at=NOW)
    body = {"customer": str(customer.public_id), "reward": str(reward(tenant).public_id)}
    refused = api.post("/redemptions", body, **key())
    assert refusal(refused) == (409, "customer_not_active", [])
    assert refused.json()["state"] == "suspended"
    corrected = api.post(
        f"/customers/{customer.public_id}/points/adjust", {"points": -100, "reason": "fraud"}, **key()
    )
    assert corrected.json() == {"points": -100, "available": 0}


@pytest.mark.parametrize("gone", [CustomerState.MERGED, CustomerState.ANONYMISED])
def test_who_is_gone_has_no_points_to_move(api: Any, customer: Any, tenant: Tenant, gone: str) -> None:
    with tenant_scope(tenant):
        customer.state = gone
        customer.merged_into = make_customer() if gone == CustomerState.MERGED else None
        customer.save()
    body = {"customer": str(customer.public_id), "reward": str(reward(tenant).public_id)}
    before = state(tenant)
    assert refusal(api.post("/redemptions", body, **key())) == (409, "customer_not_active", [])
    refused = api.post(
        f"/customers/{customer.public_id}/points/adjust", {"points": 1, "reason": "x"}, **key()
    )
    assert refusal(refused) == (409, "customer_not_editable", [])
    assert state(tenant) == before


@pytest.mark.parametrize("reason", [None, "\0", "x" * 501, []])
def test_a_cancellation_that_cannot_be(api: Any, customer: Any, tenant: Tenant, reason: Any) -> None:
    body = {"customer": str(customer.public_id), "reward": str(reward(tenant).public_id)}
    redeemed = api.post("/redemptions", body, **key()).json()["id"]
    before = state(tenant)
    refused = api.post(f"/redemptions/{redeemed}/cancel", {"reason": reason}, **key())
    assert refusal(refused) == (400, INVALID, ["/reason"])
    assert state(tenant) == before
