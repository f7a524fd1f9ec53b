from __future__ import annotations

from typing import Any

import pytest

from rewards.models import AbuseReview, CouponCode, CouponRedemption
from rewards.services import reviews
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.conftest import ApiClient
from tests.rewards.coupons import make_definition
from tests.rewards.factories import NOW, make_customer

pytestmark = pytest.mark.django_db
CART = {"lines": [{"sku": "tea", "quantity": 2, "unit_price_minor": 1000}], "shipping_minor": 300}


@pytest.fixture(autouse=True)
def offers(tenant: Tenant, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        make_definition(code="THEIRS")
    with tenant_scope(tenant):
        make_definition("ten", code="TEN", uses_per_code=1)
        make_definition("dear", code="DEAR", minimum_spend_minor=9000, uses_per_code=None)


def body(*codes: str, **more: Any) -> dict[str, Any]:
    return {"codes": list(codes), "cart": CART, **more}


def test_validate_tells_the_price_and_every_reason(api: ApiClient) -> None:
    answer = api.post("/coupons/validate", body("ten", "dear", "theirs"))
    assert answer.status_code == 200
    found = answer.json()
    assert (found["is_valid"], found["discount_minor"], found["total_minor"]) == (False, 200, 2100)
    assert [(code["code"], code["definition"], code["line_discounts_minor"]) for code in found["codes"]] == [
        ("TEN", "ten", [200]), ("DEAR", "dear", []), ("THEIRS", None, [])
    ]  # fmt: skip
    assert [code["reasons"] for code in found["codes"]] == [
        [],
        [{"reason": "minimum_spend", "missing": 7000, "at": None}],
        [{"reason": "unknown_code", "missing": None, "at": None}],
    ]


def test_guessing_is_throttled_and_reviewed_although_every_call_was_refused(
    api: ApiClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    for number in range(10):
        answer = api.post("/coupons/redeem", body(f"no-{number}", client="eve"), Idempotency_Key=f"g{number}")
        assert (answer.status_code, answer.json()["code"]) == (409, "coupons_rejected")
    for path in ("/coupons/redeem", "/coupons/validate", "/coupons/reserve"):
        stopped = api.post(path, body("ten", client="eve"), Idempotency_Key="late")
        assert (stopped.status_code, stopped.json()["code"]) == (429, "too_many_guesses")
        assert stopped.json()["wait_minutes"] == 10
    assert api.post("/coupons/validate", body("ten", client="adam")).json()["is_valid"]
    with tenant_scope(other_tenant):
        assert not AbuseReview.objects.exists()
    with tenant_scope(tenant):
        review = AbuseReview.objects.get()
        assert (review.kind, review.customer, review.state) == ("guesses", None, "open")
        assert review.details == {"guesser": "client", "name": stopped.json()["shopper"], "codes": ["NO-9"]}
        reviews.decide(review=review, is_approved=True, reason="a typing error", by=SYSTEM, at=NOW)
    assert api.post("/coupons/validate", body("ten", client="eve")).json()["is_valid"]


def test_a_rejected_guesser_stays_stopped(api: ApiClient, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        customer = make_customer()
    known = {"customer": str(customer.public_id)}
    for _ in range(2):
        api.post("/coupons/validate", body(*(f"x{number}" for number in range(5)), **known))
    with tenant_scope(tenant):
        review = AbuseReview.objects.get()
        assert review.customer_id == customer.pk
        reviews.decide(review=review, is_approved=False, reason="a script", by=SYSTEM, at=NOW)
    assert api.post("/coupons/validate", body("ten", **known)).status_code == 429


def test_redeeming_is_idempotent_and_a_refusal_names_the_codes(api: ApiClient, tenant: Tenant) -> None:
    first = api.post("/coupons/redeem", body("ten", order="o-1"), Idempotency_Key="a")
    again = api.post("/coupons/redeem", body("ten", order="o-1"), Idempotency_Key="a")
    assert (first.status_code, first.content, again["Idempotent-Replayed"]) == (201, again.content, "true")
    assert first.json()["codes"] == [{"code": "TEN", "definition": "ten", "discount_minor": 200}]
    refused = api.post("/coupons/redeem", body("ten", "dear"), Idempotency_Key="b")
    assert (refused.status_code, refused.json()["code"]) == (409, "coupons_rejected")
    assert refused.json()["codes"] == [
        {"code": "TEN", "reasons": [{"reason": "exhausted"}]},
        {"code": "DEAR", "reasons": [{"reason": "minimum_spend", "missing": 7000}]},
    ]
    with tenant_scope(tenant):
        assert CouponRedemption.objects.count() == 1


def test_reserve_then_confirm_or_roll_back(api: ApiClient, tenant: Tenant) -> None:
    held = api.post("/coupons/reserve", body("ten", ttl_seconds=60), Idempotency_Key="r").json()
    assert (held["state"], held["expires_at"] is not None) == ("reserved", True)
    path = f"/coupon-redemptions/{held['id']}"
    assert api.post(f"{path}/confirm", {"order": "o-2"}, Idempotency_Key="c").json()["order"] == "o-2"
    assert api.post(f"{path}/release", Idempotency_Key="d").status_code == 409
    undone = api.post(f"{path}/rollback", {"reason": "returned"}, Idempotency_Key="e").json()
    assert (undone["state"], undone["reason"]) == ("rolled_back", "returned")
    with tenant_scope(tenant):
        assert CouponCode.objects.get(code="TEN").uses == 0
    assert api.get("/coupon-redemptions?order=o-2").json()["data"][0]["id"] == held["id"]
    assert api.get("/coupon-redemptions?colour=red").status_code == 400


def test_codes_are_issued_to_customers_and_listed(api: ApiClient, tenant: Tenant) -> None:
    with tenant_scope(tenant):
        customer = make_customer()
    ask = {"customer": str(customer.public_id), "definition": "ten"}
    code = api.post("/coupons/issue", ask, Idempotency_Key="i").json()
    assert (code["state"], code["uses_limit"]) == ("assigned", 1)
    listed = api.get(f"/customers/{customer.public_id}/coupons").json()["data"]
    assert [each["code"] for each in listed] == [code["code"]]
    assert api.get("/coupon-definitions?key=ten").json()["data"][0]["percent_hundredths"] == 1000


@pytest.mark.parametrize(
    "wrong",
    [
        {"codes": []},
        {"codes": ["x"] * 11},
        {"cart": {"lines": []}},
        {"cart": {"lines": [{"sku": "a", "quantity": 0, "unit_price_minor": 1}]}},
        {"cart": {"lines": [{"sku": "a", "quantity": 1, "unit_price_minor": -1}]}},
        {"cart": {"lines": [{"sku": "a", "quantity": 10**6, "unit_price_minor": 10**12}]}},
        {"colour": "red"},
        {"customer": "nobody"},
    ],
)
def test_impossible_bodies_are_refused(api: ApiClient, wrong: dict[str, Any]) -> None:
    answer = api.post("/coupons/redeem", {**body("ten"), **wrong}, Idempotency_Key="w")
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_conflicts_of_a_definition_are_listed(api: ApiClient) -> None:
    [ten] = api.get("/coupon-definitions?key=ten").json()["data"]
    assert api.get(f"/coupon-definitions/{ten['id']}/conflicts").json() == {
        "conflicts": [{"code": "overlap", "field": "exclusive_group", "other": "dear"}]
    }


@pytest.mark.parametrize("state", ["suspended", "anonymised"])
def test_nobody_who_is_gone_is_given_a_code(api: ApiClient, tenant: Tenant, state: str) -> None:
    with tenant_scope(tenant):
        make_definition("gift")
        customer = make_customer(state=state)
    body = {"customer": str(customer.public_id), "definition": "gift"}
    refused = api.post("/coupons/issue", body, Idempotency_Key="k")
    assert (refused.status_code, refused.json()["code"], refused.json()["state"]) == (
        409, "customer_not_active", state,
    )  # fmt: skip
    with tenant_scope(tenant):
        assert not CouponCode.objects.filter(definition__key="gift").exists()
