from __future__ import annotations

import pytest

from rewards.domain.offers import ReferralTerms
from rewards.models import CouponKind, RewardKind
from rewards.services import catalogue, referral_programs
from rewards.services.catalogue import RewardOffer
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient
from tests.rewards.coupons import make_definition
from tests.rewards.factories import NOW, make_customer, make_wallet, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def wallet(tenant: Tenant, other_tenant: Tenant) -> object:
    for each in (other_tenant, tenant):
        with tenant_scope(each):
            wallet = make_wallet()
            terms = ReferralTerms(referrer_points=10, referee_points=5)
            referral_programs.save_program(terms=terms, by=SYSTEM, at=NOW)
    return wallet


def test_a_friend_comes_with_a_members_code(api: ApiClient, tenant: Tenant, wallet: object) -> None:
    with tenant_scope(tenant):
        member, friend = make_customer(), make_customer()
    path = f"/customers/{member.public_id}/referral-code"
    code = api.post(path).json()["code"]
    assert api.post(path).json()["code"] == code
    body = {"code": code, "customer": str(friend.public_id)}
    made = api.post("/referrals", body, Idempotency_Key="r")
    assert (made.status_code, made.json()["state"], made.json()["findings"]) == (201, "pending", [])
    listed = api.get(f"/referrals?state=pending&customer={friend.public_id}").json()["data"]
    assert [each["referrer"] for each in listed] == [str(member.public_id)]
    assert api.post(f"/referrals/{listed[0]['id']}/reject", {}, Idempotency_Key="x").status_code == 400
    ended = api.post(f"/referrals/{listed[0]['id']}/reject", {"reason": "no friend"}, Idempotency_Key="y")
    assert (ended.json()["state"], ended.json()["reason"]) == ("rejected", "no friend")
    oneself = api.post("/referrals", {**body, "customer": str(member.public_id)}, Idempotency_Key="s")
    assert oneself.json()["errors"][0]["code"] == "self_referral"


def test_the_catalogue_as_a_customer_sees_it_and_the_steps_of_a_parcel(
    api: ApiClient, tenant: Tenant, wallet: object
) -> None:
    with tenant_scope(tenant):
        customer = make_customer()
        post(customer, wallet, 120)
        make_definition("card", kind=CouponKind.STORED_VALUE, amount_minor=500, uses_per_code=None)
        for key, kind, cost, offer in (
            ("mug", RewardKind.PRODUCT, 50, RewardOffer(needs_shipping=True)),
            ("card", RewardKind.GIFT_CARD, 70, RewardOffer(coupon_definition="card")),
        ):
            catalogue.save_reward(
                key=key, name=key, kind=kind, wallet_key="points", cost_points=cost, offer=offer, by=SYSTEM,
                at=NOW,
            )  # fmt: skip
    seen = api.get(f"/customers/{customer.public_id}/rewards").json()["rewards"]
    assert [(each["reward"]["key"], each["prices"], each["reasons"]) for each in seen] == [
        ("mug", [{"wallet": "points", "cost_points": 50, "missing": 0}], []),
        ("card", [{"wallet": "points", "cost_points": 70, "missing": 0}], []),
    ]
    mug, card = (
        api.post(
            "/redemptions",
            {"customer": str(customer.public_id), "reward": each["reward"]["id"]},
            Idempotency_Key=each["reward"]["key"],
        ).json()
        for each in seen
    )
    assert (mug["state"], card["state"], len(card["coupon_code"])) == ("confirmed", "fulfilled", 9)
    path = f"/redemptions/{mug['id']}"
    states = [
        api.post(f"{path}/{step}", body, Idempotency_Key=step).json()["state"]
        for step, body in (("pack", None), ("ship", {"tracking": "1Z"}), ("deliver", None), ("refund", None))
    ]
    assert states == ["packed", "shipped", "delivered", "refunded"]
    again = api.post(f"{path}/refund", Idempotency_Key="again")
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (
        409,
        "redemption_state",
        "refunded",
    )
