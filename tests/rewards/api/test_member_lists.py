"""What a member's app lists with a publishable key and a token: one's own, and no word of staff."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from crm.models import Customer
from rewards.models import Reward, RewardKind, Wallet
from rewards.services import catalogue, points, redemptions, reward_gifts, tiers
from rewards.services.ledger import Source
from tenants.domain.actors import SYSTEM
from tenants.models import ApiKey, Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient, key_for
from tests.rewards.challenge_worlds import publish
from tests.rewards.factories import make_customer, make_order, post

DAY = timedelta(days=1)
LADDER = [
    {"key": "base", "name": "Base", "threshold_minor": 0},
    {"key": "gold", "name": "Gold", "threshold_minor": 5000},
]
PATHS = ("entries", "lots", "redemptions", "tiers")


@pytest.fixture
def ann(tenant: Tenant, other_tenant: Tenant) -> Customer:
    """A member with a movement by staff, a pending lot and a redemption; another one has them too."""
    now = timezone.now()
    with tenant_scope(tenant):
        publish(at=now - DAY * 10, tiers=LADDER)
        wallet = Wallet.objects.get()
        reward = catalogue.save_reward(
            key="mug", name="Mug", kind=RewardKind.PRODUCT, wallet_key="points", cost_points=30, stock=9,
            by=SYSTEM, at=now,
        )  # fmt: skip
        bob, ann = make_customer(), make_customer()
        for customer in (bob, ann):
            points.adjust(customer=customer, points=100, reason="Called twice", by=SYSTEM, at=now)
            post(customer, wallet, 7, activates_at=now + DAY)
            redemptions.redeem(customer=customer, reward=reward, idempotency_key="a", by=SYSTEM, at=now)
        make_order(ann, [("A", 1, 6000)], now - DAY)
        tiers.recompute(at=now)
    return ann


@pytest.fixture
def app(tenant: Tenant, actor: Any) -> ApiClient:
    return ApiClient(key_for(tenant, actor, ApiKey.Kind.PUBLISHABLE))


@pytest.fixture
def token(api: ApiClient, ann: Customer) -> str:
    return str(api.post(f"/customers/{ann.public_id}/member-tokens", {}).json()["token"])


def test_a_gift_has_no_price_and_tells_the_rule(
    api: ApiClient, app: ApiClient, token: str, ann: Customer, tenant: Tenant
) -> None:
    with tenant_scope(tenant):
        reward = Reward.objects.get(key="mug")
        source = Source("rule", "order:1:thanks:mug")
        given = reward_gifts.give(
            customer=ann, reward=reward, rule="thanks", source=source, by=SYSTEM, at=timezone.now()
        )
        again = reward_gifts.give(
            customer=ann, reward=reward, rule="thanks", source=source, by=SYSTEM, at=timezone.now()
        )
    assert given == again
    row = api.get(f"/redemptions/{given.public_id}").json()
    told = {name: row[name] for name in ("points", "wallet", "granted_by", "expires_at", "state")}
    assert told == {
        "points": 0, "wallet": "points", "granted_by": "thanks", "expires_at": None, "state": "confirmed",
    }  # fmt: skip
    mine = app.get("/member/redemptions", X_Member_Token=token).json()["data"]
    assert [(each["points"], each["wallet"], each["granted_by"]) for each in mine] == [
        (0, "points", "thanks"),
        (30, "points", ""),
    ]
    cancelled = api.post(f"/redemptions/{given.public_id}/cancel", {}, Idempotency_Key="g")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")


def test_movements_lots_and_redemptions_are_ones_own(app: ApiClient, token: str) -> None:
    entries, lots, redeemed = (
        app.get(f"/member/{path}", X_Member_Token=token).json()["data"] for path in PATHS[:3]
    )
    assert [(each["kind"], each["points"], each["balance_after"]) for each in entries] == [
        ("redeem", -30, 77), ("adjust", 7, 107), ("adjust", 100, 100),
    ]  # fmt: skip
    assert "reason" not in entries[0]
    assert [(each["state"], each["remaining"]) for each in lots] == [("active", 70), ("pending", 7)]
    (pending,) = app.get("/member/lots?state=pending", X_Member_Token=token).json()["data"]
    assert pending["remaining"] == 7
    assert [(each["reward"], each["points"], each["state"]) for each in redeemed] == [
        ("mug", 30, "confirmed")
    ]


def test_tiers_tell_what_each_needs_and_where_one_stands(app: ApiClient, token: str) -> None:
    body = app.get("/member/tiers", X_Member_Token=token).json()
    assert [(each["key"], each["needs"]) for each in body["tiers"]] == [
        ("base", {}), ("gold", {"spend": 5000}),
    ]  # fmt: skip
    assert (body["standing"]["tier"]["key"], body["history"][0]["to_key"]) == ("gold", "gold")


@pytest.mark.parametrize("path", PATHS)
def test_without_a_token_nothing_is_listed(app: ApiClient, ann: Customer, path: str) -> None:
    assert app.get(f"/member/{path}").status_code == 401
    assert app.get(f"/member/{path}", X_Member_Token="x").status_code == 401
