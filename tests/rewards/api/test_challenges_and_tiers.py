from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.models import Customer, Segment
from rewards.models import ReferralCode, ReferralProgram, Reward, TierMembership, Wallet
from rewards.services import programs, redemptions, tiers
from rewards.services.redemption_states import RewardUnavailable
from tenants.domain.actors import SYSTEM
from tenants.models import ApiKey, Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient, key_for
from tests.rewards.challenge_worlds import ORDERS, challenge, count_orders, publish
from tests.rewards.factories import make_customer, make_order

DAY = timedelta(days=1)
LADDER = [
    {"key": "base", "name": "Base", "threshold_minor": 0},
    {
        "key": "gold",
        "name": "Gold",
        "threshold_minor": 5000,
        "perks": {"rewards": ["lounge"], "prices": {"mug": 3}},
    },
]


@pytest.fixture
def ann(tenant: Tenant) -> Customer:
    now = timezone.now()
    with tenant_scope(tenant):
        customer = make_customer(created_at=now - DAY * 20)
        publish(
            challenge(ORDERS), challenge(ORDERS, key="join", opt_in=True), at=now - DAY * 10, tiers=LADDER
        )
        order = make_order(customer, [("A", 1, 2000)], now - DAY)
        count_orders(order.pk)
        tiers.recompute(at=now)
    return customer


@pytest.fixture
def page(tenant: Tenant, actor: Any) -> ApiClient:
    """A member's app: a publishable key."""
    return ApiClient(key_for(tenant, actor, ApiKey.Kind.PUBLISHABLE, origins=["https://shop.example"]))


def signed(api: ApiClient, customer: Customer, *scopes: str) -> str:
    body = {"scopes": list(scopes)} if scopes else {}
    response = api.post(f"/customers/{customer.public_id}/member-tokens", body)
    assert response.status_code == 201
    return str(response.json()["token"])


def test_progress_and_opting_in(api: ApiClient, ann: Customer) -> None:
    assert [each["key"] for each in api.get("/challenges").json()["challenges"]] == ["c", "join"]
    path = f"/customers/{ann.public_id}/challenges"
    plain, join = api.get(path).json()["challenges"]
    assert (plain["state"], plain["value"], plain["target"], plain["percent"]) == ("in_progress", 1, 2, 50)
    assert (plain["is_joined"], plain["may_join"]) == (True, False)
    assert (join["state"], join["is_joined"], join["may_join"]) == ("not_started", False, True)
    joined = api.post(f"{path}/opt-in", {"challenge": "join"}).json()["challenges"][1]
    assert (joined["is_joined"], joined["may_join"]) == (True, False)
    assert api.post(f"{path}/opt-out", {"challenge": "join"}).json()["challenges"][1]["may_join"]
    refused = api.post(f"{path}/opt-in", {"challenge": "c"})
    assert (refused.status_code, refused.json()["code"]) == (409, "challenge_is_automatic")
    assert api.post(f"{path}/opt-in", {"challenge": "none"}).json()["code"] == "challenge_not_offered"


TASKS: dict[str, Any] = {
    "kind": "set",
    "tasks": [
        {"key": "buy", "name": "Buy", "goal": {"kind": "count", "match": {}, "target": 3}},
        {"key": "rate", "name": "Rate", "goal": {"kind": "count", "match": {"event": "rated"}, "target": 1}},
    ],
}
STEPS: dict[str, Any] = {
    "kind": "sequence",
    "steps": [
        {"key": "order", "name": "Order", "match": {}},
        {"key": "rate", "name": "Rate", "match": {"event": "rated"}},
    ],
}


def test_tasks_and_steps_are_named_with_how_far_each_is(
    tenant: Tenant, api: ApiClient, ann: Customer
) -> None:
    now = timezone.now()
    with tenant_scope(tenant):
        publish(challenge(TASKS, "tasks"), challenge(STEPS, "steps"), at=now - DAY * 5, tiers=LADDER)
        count_orders(make_order(ann, [("A", 1, 2000)], now).pk)
    found = api.get(f"/customers/{ann.public_id}/challenges").json()["challenges"]
    assert [each["challenge"]["parts"] for each in found] == [
        [{"key": "buy", "name": "Buy", "target": 3}, {"key": "rate", "name": "Rate", "target": 1}],
        [{"key": "order", "name": "Order", "target": 1}, {"key": "rate", "name": "Rate", "target": 1}],
    ]
    assert [each["value_by_task"] for each in found] == [{"buy": 1, "rate": 0}, {"order": 1, "rate": 0}]
    assert found[0]["challenge"]["window"] == {
        "kind": "always", "starts_on": None, "ends_on": None, "days": 0,
    }  # fmt: skip


def test_what_is_over_is_expired_and_entered_no_more(tenant: Tenant, api: ApiClient, ann: Customer) -> None:
    now = timezone.now()
    over = {"kind": "dates", "ends_on": (now - DAY * 2).date().isoformat()}
    with tenant_scope(tenant):
        publish(
            challenge(ORDERS, window=over), challenge(ORDERS, key="join", opt_in=True, window=over),
            at=now - DAY * 9, tiers=LADDER,
        )  # fmt: skip
    path = f"/customers/{ann.public_id}/challenges"
    found = api.get(path).json()["challenges"]
    assert [(each["state"], each["may_join"]) for each in found] == [("expired", False)] * 2
    refused = api.post(f"{path}/opt-in", {"challenge": "join"})
    assert (refused.status_code, refused.json()["code"], refused.json()["detail"]) == (
        404, "challenge_not_offered", "The challenge is over.",
    )  # fmt: skip


def test_the_ladder_tells_what_tiers_earn(tenant: Tenant, api: ApiClient, ann: Customer) -> None:
    rules = [
        {"key": "buy", "name": "Buy", "wallet": "points", "points": 1, "per_minor": 100,
         "tier_percent": {"gold": 150}},
        {"key": "flat", "name": "Flat", "wallet": "points", "points": 1, "per_minor": 100},
    ]  # fmt: skip
    document = {"wallets": [{"key": "points", "name": "Points"}], "tiers": LADDER, "rules": rules}
    with tenant_scope(tenant):
        draft = programs.save_draft(document=document, by=SYSTEM, at=timezone.now())
        programs.publish(revision=draft, by=SYSTEM, at=timezone.now())
    assert api.get("/tiers").json()["multipliers"] == [
        {"rule": "buy", "name": "Buy", "wallet": "points", "percent_by_tier": {"gold": 150}}
    ]


def test_tier_projection_and_what_is_missing(api: ApiClient, ann: Customer) -> None:
    ladder = api.get("/tiers").json()["tiers"]
    assert [each["needs"] for each in ladder] == [{}, {"spend": 5000}]
    assert [each["perks"]["prices"] for each in ladder] == [{}, {"mug": 3}]
    body = api.get(f"/customers/{ann.public_id}/tier").json()
    standing = body["standing"]
    assert (standing["tier"]["key"], standing["projected"]["key"], standing["next"]["key"]) == (
        "base", "base", "gold",
    )  # fmt: skip
    assert (standing["values"], standing["missing"]) == ({"spend": 2000}, {"spend": 3000})
    assert [each["move"] for each in body["history"]] == ["entered"]


def test_locking_and_unlocking_a_tier(api: ApiClient, ann: Customer) -> None:
    path = f"/customers/{ann.public_id}/tier"
    until = (timezone.now() + DAY).isoformat()
    lock = {"tier": "gold", "until": until, "reason": "Complaint"}
    locked = api.post(f"{path}/lock", lock, Idempotency_Key="k").json()["standing"]
    assert locked["tier"]["key"] == "gold"
    assert locked["locked_until"] is not None
    assert locked["projected"]["key"] == "base"
    opened = api.post(f"{path}/unlock", {}, Idempotency_Key="l")
    assert opened.json()["standing"]["tier"]["key"] == "base"
    again = api.post(f"{path}/unlock", {}, Idempotency_Key="m")
    assert again.status_code == 404


def test_a_member_reads_what_is_theirs(api: ApiClient, page: ApiClient, ann: Customer) -> None:
    body = page.get("/member", X_Member_Token=signed(api, ann)).json()
    assert body["id"] == str(ann.public_id)
    assert body["tier"]["next"]["key"] == "gold"
    assert [each["challenge"]["key"] for each in body["challenges"]] == ["c", "join"]
    assert (body["balances"], body["coupons"], body["referral_code"]) == ([], [], None)


def test_a_member_reads_their_code_while_friends_are_wanted(
    tenant: Tenant, api: ApiClient, page: ApiClient, ann: Customer
) -> None:
    with tenant_scope(tenant):
        ReferralProgram.objects.create(is_active=True, referrer_points=10, referee_points=10)
    codes = {page.get("/member", X_Member_Token=signed(api, ann)).json()["referral_code"] for _ in range(2)}
    with tenant_scope(tenant):
        assert codes == {ReferralCode.objects.get(customer=ann).code}


def test_a_member_takes_part_only_with_a_token_for_it(api: ApiClient, page: ApiClient, ann: Customer) -> None:
    body = {"challenge": "join"}
    path = "/member/challenges/opt-in"
    assert page.post(path, body, X_Member_Token=signed(api, ann)).status_code == 403
    done = page.post(path, body, X_Member_Token=signed(api, ann, "take_part"))
    assert done.json()["challenges"][1]["is_joined"]


def test_exclusive_rewards_are_for_their_tier(
    tenant: Tenant, api: ApiClient, page: ApiClient, ann: Customer
) -> None:
    now = timezone.now()
    with tenant_scope(tenant):
        wallet = Wallet.objects.get()
        for key in ("mug", "lounge"):
            Reward.objects.create(
                key=key, name=key, wallet=wallet, cost_points=5, created_at=now, updated_at=now
            )
    token = signed(api, ann)
    seen = page.get("/member/rewards", X_Member_Token=token).json()["rewards"]
    assert [each["key"] for each in seen] == ["mug"]
    with tenant_scope(tenant):
        # The list hides it, and so does the service: a request may name any reward.
        lounge = Reward.objects.get(key="lounge")
        with pytest.raises(RewardUnavailable):
            redemptions.reserve(customer=ann, reward=lounge, by=SYSTEM, at=now)
        TierMembership.objects.update(tier_key="gold")
    seen = page.get("/member/rewards", X_Member_Token=token).json()["rewards"]
    # By what they cost this member: the mug is three points for gold.
    assert [(each["key"], each["cost_points"], each["reasons"]) for each in seen] == [
        ("mug", 3, ["insufficient_points"]),
        ("lounge", 5, ["insufficient_points"]),
    ]


def test_a_member_is_not_shown_what_is_for_others_or_over(
    tenant: Tenant, api: ApiClient, page: ApiClient, ann: Customer
) -> None:
    now = timezone.now()
    with tenant_scope(tenant):
        wallet = Wallet.objects.get()
        Segment.objects.create(key="staff", name="Staff", kind="static", created_at=now, updated_at=now)
        for key, hidden_by in {
            "mug": {}, "for-staff": {"segments": ["staff"]}, "for-gold": {"tiers": ["gold"]},
            "over": {"valid_until": now - timedelta(days=1)},
            "to-come": {"valid_from": now + timedelta(days=1)}, "off": {"is_active": False},
        }.items():  # fmt: skip
            Reward.objects.create(
                key=key, name=key, wallet=wallet, cost_points=5, created_at=now, updated_at=now, **hidden_by
            )
    token = signed(api, ann)
    seen = page.get("/member/rewards", X_Member_Token=token).json()["rewards"]
    assert [each["key"] for each in seen] == ["mug"]
    assert seen[0]["prices"] == [{"wallet": "points", "cost_points": 5, "missing": 5}]
    listed = api.get("/rewards").json()["data"]
    assert {each["key"] for each in listed} == {"mug", "for-staff", "for-gold"}
    (gold,) = (each for each in listed if each["key"] == "for-gold")
    assert (gold["tiers"], gold["segments"], gold["prices"]) == (["gold"], [], [])


@pytest.mark.parametrize("path", ["/member", "/member/challenges", "/member/rewards"])
def test_without_a_good_token_nothing_is_read(
    path: str, page: ApiClient, api: ApiClient, other_api: ApiClient, other_tenant: Tenant, ann: Customer
) -> None:
    with tenant_scope(other_tenant):
        foreign = make_customer()
    for token in ("", "nonsense", signed(other_api, foreign), signed(api, ann)[:-1] + "x"):
        response = page.get(path, X_Member_Token=token)
        assert (response.status_code, response.json()["code"]) == (401, "invalid_member_token")


def test_a_publishable_key_signs_nobody_in(page: ApiClient, ann: Customer) -> None:
    assert page.post(f"/customers/{ann.public_id}/member-tokens", {}).status_code == 403


def test_pages_of_other_origins_are_refused(api: ApiClient, page: ApiClient, ann: Customer) -> None:
    token = signed(api, ann)
    good = page.get("/member", X_Member_Token=token, Origin="https://shop.example")
    assert (good.status_code, good["Access-Control-Allow-Origin"]) == (200, "https://shop.example")
    bad = page.get("/member", X_Member_Token=token, Origin="https://evil.example")
    assert (bad.status_code, bad.json()["code"]) == (403, "origin_not_allowed")
    assert "Access-Control-Allow-Origin" not in bad
    secret = api.get("/challenges", Origin="https://shop.example")
    assert secret.status_code == 200
    assert "Access-Control-Allow-Origin" not in secret


def test_a_browser_may_ask_first(page: ApiClient) -> None:
    asked = page.client.options(
        "/api/v1/member",
        headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"},
    )
    assert asked.status_code == 204
    assert "X-Member-Token" in asked["Access-Control-Allow-Headers"]


def test_reading_costs_the_same_for_more_challenges(api: ApiClient, tenant: Tenant, ann: Customer) -> None:
    path = f"/customers/{ann.public_id}/challenges"
    api.get(path)
    counts = []
    for extra in (0, 4):
        with tenant_scope(tenant):
            more = [challenge(ORDERS, key=f"x{number}") for number in range(extra)]
            publish(challenge(ORDERS), *more, tiers=LADDER, at=timezone.now())
        with CaptureQueriesContext(connection) as queries:
            assert len(api.get(path).json()["challenges"]) == 1 + extra
        counts.append(len(queries))
    assert counts[0] == counts[1]
