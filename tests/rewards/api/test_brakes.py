"""The emergency brake over HTTP."""

from __future__ import annotations

import pytest

from rewards.domain.brakes import BrakeKind
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient, key_for
from tests.rewards.factories import make_customer
from tests.rewards.services.test_brakes import publish
from tests.rewards.services.test_brakes_on_gifts import WITHHELD, buy, issue, pull
from tests.rewards.services.test_brakes_on_gifts import publish as publish_gifts

pytestmark = pytest.mark.django_db
PATH = "/programs/brakes"
REFUNDS = {"kind": "limit", "key": "refunds", "most": 1, "window_hours": 24, "reason": "attack"}


def test_brakes_are_pulled_listed_and_released(api: ApiClient, other_api: ApiClient, tenant: Tenant) -> None:
    none = api.post(PATH, REFUNDS)
    assert (none.status_code, none.json()["code"]) == (409, "nothing_in_force")
    with tenant_scope(tenant):
        publish()
    pulled = api.post(PATH, REFUNDS)
    assert pulled.status_code == 201, pulled.content
    [brake] = pulled.json()["brakes"]
    assert {name: brake[name] for name in REFUNDS} == REFUNDS
    assert (brake["until"], other_api.get(PATH).json()) == (None, {"brakes": []})
    limits = {each["kind"]: each["most"] for each in api.get("/velocity-limits").json()["limits"]}
    assert limits["refunds"] == 1
    api.post(PATH, {"kind": "rule", "key": "base", "reason": "attack"})
    assert [each["key"] for each in api.get(PATH).json()["brakes"]] == ["refunds", "base"]
    loosened = api.post(PATH, REFUNDS | {"most": 2})
    assert (loosened.status_code, loosened.json()["errors"][0]["code"]) == (422, "not_tighter")
    released = api.post(f"{PATH}/release", {"kind": "limit", "key": "refunds"})
    assert [each["key"] for each in released.json()["brakes"]] == ["base"]
    assert api.post(f"{PATH}/release", {"kind": "limit", "key": "refunds"}).status_code == 404


def test_who_only_reads_the_program_pulls_nothing(api: ApiClient, tenant: Tenant, actor: Actor) -> None:
    with tenant_scope(tenant):
        publish()
    reader = ApiClient(key_for(tenant, actor, scopes=[Permission.PROGRAM_VIEW]))
    assert reader.get(PATH).json() == {"brakes": []}
    assert reader.post(PATH, REFUNDS).status_code == 403
    assert reader.post(f"{PATH}/release", {"kind": "limit", "key": "refunds"}).status_code == 403
    wrong = api.post(PATH, {"kind": "wallet", "key": "x", "reason": "y"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/kind")


def test_a_simulated_order_says_what_is_paused(api: ApiClient, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        publish()
        customer = str(make_customer().public_id)
    api.post(PATH, {"kind": "rule", "key": "base", "reason": "attack"})
    asked = api.post("/programs/evaluate", {"customer": customer, "lines": [{"amount_minor": 500}]})
    assert asked.status_code == 200, asked.content
    rules = asked.json()["record"]["rules"]
    assert [rule.get("paused") for rule in rules if rule["rule"] == "base"] == [True]


def test_everything_that_is_wrong_is_named_at_once(api: ApiClient, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        publish()
    wrong = api.post(PATH, {"kind": "reward", "key": "gone", "reason": " "})
    assert wrong.status_code == 422
    assert [(each["pointer"], each["code"]) for each in wrong.json()["errors"]] == [
        ("/key", "unknown"),
        ("/reason", "required"),
    ]


def test_what_is_paused_is_listed_as_such(api: ApiClient, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        publish_gifts()
        customer = make_customer()
        code = issue(customer).code
        pull(BrakeKind.COUPON, "ten")
        pull(BrakeKind.REWARD, "mug")
        buy(customer)
    rewards = {each["key"]: each["is_paused"] for each in api.get("/rewards").json()["data"]}
    assert rewards == {"mug": True, "voucher": True}
    assert [each["is_paused"] for each in api.get("/coupon-definitions").json()["data"]] == [True]
    path = f"/customers/{customer.public_id}"
    seen = {each["reward"]["key"]: each["reasons"] for each in api.get(f"{path}/rewards").json()["rewards"]}
    assert (seen["mug"][0], seen["voucher"][0]) == ("paused", "coupon_paused")
    assert [(each["code"], each["is_paused"]) for each in api.get(f"{path}/coupons").json()["data"]] == [
        (code, True)
    ]
    owed = api.get(f"{path}/owed-gifts").json()["data"]
    assert [(each["kind"], each["key"], each["reason"], each["outcome"]) for each in owed] == [
        ("reward", "mug", "reward_paused", None),
        ("coupon", "ten", "coupon_paused", None),
    ]
    (why,) = api.get(f"{path}/why").json()["data"]
    assert why["record"]["rules"][0]["withheld"] == WITHHELD
    reward = next(each for each in api.get("/rewards").json()["data"] if each["key"] == "mug")
    body = {"customer": str(customer.public_id), "reward": reward["id"]}
    refused = api.post("/redemptions", body, Idempotency_Key="k")
    assert (refused.status_code, refused.json()["code"], refused.json()["key"]) == (
        409,
        "reward_paused",
        "mug",
    )
    body = {"customer": str(customer.public_id), "definition": "ten"}
    refused = api.post("/coupons/issue", body, Idempotency_Key="i")
    assert (refused.status_code, refused.json()["code"]) == (409, "coupon_paused")
