"""The simulator about a cart: its lines are checked, and coupon codes are told with their reasons."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from rewards.admin import coupon_reasons
from rewards.domain.brakes import BrakeKind
from rewards.domain.coupon_reasons import Reason
from rewards.models import CouponCode, CouponRedemption, ProgramRevision
from rewards.services import brakes, programs
from tenants.domain.actors import SYSTEM
from tenants.scope import tenant_scope
from tests.conftest import NOW
from tests.loyalty_saas.backoffice.filling import Filled
from tests.rewards.coupons import make_definition

PATH = "/t/acme/program/1/simulate/"
CART: dict[str, Any] = {
    "kind": "cart",
    "customer": "Ownmark-C1",
    "cart": "Ownmark-I1; 2; 10.00\nother; 3; 5.00",
}


def test_codes_are_priced_together_or_told_why_not_and_nothing_is_taken(
    filled: Filled, staff: Client
) -> None:
    with tenant_scope(filled.tenant):
        make_definition("tenth", code="TENTH")
        make_definition("dear", code="DEAR", minimum_spend_minor=4000, is_first_purchase=True)
        make_definition("post", code="POST", kind="shipping")
        uses = list(CouponCode.objects.order_by("pk").values_list("code", "uses"))
        redeemed = CouponRedemption.objects.count()
    page = staff.post(PATH, {**CART, "codes": "tenth, dear, post, nobody", "shipping": "4.90"})
    assert [(each.code, each.is_applied, each.discount, each.why) for each in page.context["coupons"]] == [
        ("TENTH", True, "−$1.50", ""),
        (
            "DEAR", False, "",
            "the cart is worth too little: $25.00 missing; the customer has ordered before",
        ),
        ("POST", True, "−$4.90", ""),
        ("NOBODY", False, "", "there is no such code"),
    ]  # fmt: skip
    assert page.context["evaluation"].points == 25
    with tenant_scope(filled.tenant):
        assert list(CouponCode.objects.order_by("pk").values_list("code", "uses")) == uses
        assert CouponRedemption.objects.count() == redeemed
    assert staff.post(PATH, CART).context["coupons"] is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cart": ""}, "cart"),
        ({"cart": "tea; 1; 1e400"}, "cart"),
        ({"cart": "tea; 1; NaN"}, "cart"),
        ({"cart": "tea; 1; -5"}, "cart"),
        ({"cart": "tea; 0; 5"}, "cart"),
        ({"cart": "tea; 99999999999; 5"}, "cart"),
        ({"cart": "; 1; 5"}, "cart"),
        ({"cart": "tea; 5"}, "cart"),
        ({"codes": ",".join(map(str, range(11)))}, "codes"),
        ({"shipping": "-1"}, "shipping"),
    ],
)
def test_a_cart_that_cannot_be_is_told_beside_its_field(
    filled: Filled, staff: Client, change: dict[str, str], field: str
) -> None:
    refused = staff.post(PATH, {**CART, **change})
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, [field])


def test_every_reason_has_words() -> None:
    assert set(coupon_reasons.WORDS) == set(Reason)


def test_what_brakes_pause_is_said(filled: Filled, staff: Client) -> None:
    with tenant_scope(filled.tenant):
        row = ProgramRevision.objects.get()
        gift = {"type": "coupon", "coupon": "coupon-1"}
        rules = [
            {"key": "gift", "name": "Gift", "effects": [gift]},
            {"key": "calm", "name": "Calm", "wallet": "points", "points": 3},
        ]
        draft = programs.save_draft(document={**row.document, "rules": rules}, by=SYSTEM, at=NOW)
        programs.publish(revision=draft, by=SYSTEM, at=NOW)
        for kind, key in ((BrakeKind.RULE, "calm"), (BrakeKind.COUPON, "coupon-1")):
            brakes.pull(kind=kind, key=key, reason="bots", by=SYSTEM, at=NOW)
    told = {each.rule: each for each in staff.post("/t/acme/program/2/simulate/", CART).context["outcomes"]}
    assert told["Calm"].why == "paused by an emergency brake"
    assert told["Gift"].effects == []
    assert told["Gift"].why == (
        "Coupon: coupon-1 is kept back: the coupon is paused by an emergency brake. "
        "It follows once that ends."
    )
    before = {each.rule: each for each in staff.post(PATH, CART).context["outcomes"]}
    assert "Calm" not in before
