from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rewards.domain.carts import Cart, CartLine
from rewards.models import CouponKind, CouponRedemption
from rewards.services.coupons import bulk, campaigns, history
from rewards.services.coupons.definition_terms import DefinitionTerms
from rewards.services.coupons.history import HistoryReport, PastCart
from tenants.domain.actors import SYSTEM
from tenants.models import OutboxMessage, Tenant
from tests.rewards.coupons import request
from tests.rewards.factories import NOW, make_customer, make_item

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(scope: Tenant) -> dict[str, Any]:
    """A targeted campaign with two offers of 1.00: one on milk, one on bread."""
    terms = campaigns.CampaignTerms(name="Mailing", is_targeted=True)
    campaign = campaigns.save(key="mailing", terms=terms, by=SYSTEM, at=NOW)
    milk, bread, invited = make_item(), make_item(), make_customer()
    campaigns.add_recipients(campaign=campaign, customer_ids=[invited.pk], at=NOW)
    offers = [
        bulk.NewOffer(
            key=key,
            terms=DefinitionTerms(name=key, kind=CouponKind.AMOUNT, amount_minor=100, uses_per_code=None),
            code=key.upper(),
            campaign=campaign,
            skus=[item.external_id, "gone"],
        )
        for key, item in (("milk", milk), ("bread", bread))
    ]
    assert (bulk.add(offers=offers, by=SYSTEM, at=NOW), bulk.add(offers=offers, by=SYSTEM, at=NOW)) == (2, 0)
    return {"tenant": scope, "customer": invited, "milk": milk.external_id, "bread": bread.external_id}


def past(shop: dict[str, Any], *codes: str, source: str, customer: Any = None, items: Any = None) -> PastCart:
    lines = [CartLine(shop[name], 1, 250, "GROCERY") for name in items or codes]
    asked = request(*codes, cart=Cart(lines), source=source, customer=customer or shop["customer"])
    apart = [
        request(code, cart=Cart(lines), source=f"{source}:{code}", customer=asked.customer) for code in codes
    ]
    return PastCart(asked, NOW, apart)


def run(shop: dict[str, Any], *carts: PastCart) -> HistoryReport:
    return history.redeem(tenant=shop["tenant"], carts=carts, progress=lambda *_: None)


def test_past_carts_are_taken_once_and_announced_to_nobody(shop: dict[str, Any]) -> None:
    cart = past(shop, "milk", "bread", source="one")
    first, again = run(shop, cart), run(shop, cart)
    assert (first.carts, first.codes, first.discount_minor, dict(first.refused)) == (1, 2, 200, {})
    assert (again.codes, CouponRedemption.objects.count()) == (2, 1)
    assert OutboxMessage.objects.filter(topic__startswith="rewards.coupons").count() == 0


def test_what_cannot_stand_together_is_taken_apart_and_refusals_are_counted(shop: dict[str, Any]) -> None:
    stranger = make_customer()
    report = run(
        shop,
        past(shop, "milk", "bread", source="half", items=["milk"]),
        past(shop, "milk", source="no", customer=stranger),
    )
    assert (report.codes, dict(report.refused)) == (1, {"no_eligible_items": 1, "not_targeted": 1})


def test_a_cart_more_costs_few_questions_more(shop: dict[str, Any]) -> None:
    counts = []
    for number in (1, 5):
        carts = [past(shop, "milk", source=f"{number}-{each}") for each in range(number)]
        with CaptureQueriesContext(connection) as captured:
            run(shop, *carts)
        counts.append(len(captured))
    # A redemption, its use, and the savepoint around both.
    assert (counts[1] - counts[0]) / 4 == 4
