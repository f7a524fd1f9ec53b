"""A client app's way with one member, over HTTP only: order, points, reward, return, cancellation."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from rewards.services import starter
from tenants.domain.actors import SYSTEM
from tenants.scope import tenant_scope
from tenants.services import outbox

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "platform"])


@pytest.fixture
def program(tenant):
    with tenant_scope(tenant):
        starter.install_starter(
            per_minor=100,
            category_percent={},
            tier_thresholds_minor=(0, 50_000, 100_000, 200_000),
            rewards=[starter.StarterReward("mug", "Mug", 40, stock=1)],
            expiry_months=None,
            welcome_points=0,
            by=SYSTEM,
            at=timezone.now() - timedelta(days=2),
        )


def settle() -> None:
    """Let the relay do what a worker does within seconds."""
    while outbox.relay(at=timezone.now() + timedelta(minutes=1)):
        pass


def points_of(api, customer: str) -> int:
    (balance,) = api.get(f"/customers/{customer}/points").json()["balances"]
    return int(balance["available"])


def test_from_first_order_to_reward(api, other_api, program, actor):
    customer = api.post("/customers", {"external_id": "ana", "person": {"email": "ana@example.com"}}).json()[
        "id"
    ]
    order = {
        "external_id": "o-1",
        "customer": {"external_id": "ana"},
        "placed_at": (timezone.now() - timedelta(days=1)).isoformat(),
        "lines": [
            {"sku": "tea", "quantity": 2, "unit_price_minor": 1500},
            {"sku": "cup", "quantity": 1, "unit_price_minor": 3000},
        ],
    }
    assert api.post("/orders", order, Idempotency_Key="o-1").status_code == 201
    settle()
    assert points_of(api, customer) == 60

    reward = api.get("/rewards").json()["data"][0]
    redeem = {"customer": customer, "reward": reward["id"]}
    first = api.post("/redemptions", redeem, Idempotency_Key="r-1")
    again = api.post("/redemptions", redeem, Idempotency_Key="r-1")
    assert (first.status_code, again.content) == (201, first.content)
    assert points_of(api, customer) == 20

    refused = api.post("/redemptions", redeem, Idempotency_Key="r-2").json()
    assert (refused["code"], refused["missing"]) == ("insufficient_points", 20)

    goods = {
        "external_id": "back-1",
        "order_external_id": "o-1",
        "returned_at": timezone.now().isoformat(),
        "lines": [{"position": 1, "quantity": 1}],
    }
    assert api.post("/returns", goods, Idempotency_Key="b-1").status_code == 201
    settle()
    assert points_of(api, customer) == 5

    cancelled = api.post(f"/redemptions/{first.json()['id']}/cancel", {}, Idempotency_Key="c-1")
    assert cancelled.json()["state"] == "cancelled"
    assert points_of(api, customer) == 45

    kinds = [entry["kind"] for entry in api.get(f"/customers/{customer}/points/entries").json()["data"]]
    assert kinds == ["reversal", "return", "redeem", "earn"]
    profile = api.get(f"/customers/{customer}").json()
    assert profile["sections"]["tier"]["key"] == "bronze"
    assert other_api.get(f"/customers/{customer}").status_code == 404
