"""Limits of a code, a coupon and a campaign in a day, week or month of the tenant's calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rewards.domain.documents import parse, to_json
from rewards.models import CouponCounter
from rewards.queries import offers
from rewards.services import programs
from rewards.services.coupons import campaigns, definitions
from rewards.services.coupons import redemptions as coupon_redemptions
from rewards.services.coupons.campaigns import CampaignTerms
from rewards.services.coupons.errors import CouponsRejected
from tenants.domain.actors import SYSTEM
from tenants.errors import InvalidInput
from tenants.models import Tenant
from tests.rewards.coupons import make_definition, reasons, redeem
from tests.rewards.factories import NOW, make_customer

pytestmark = pytest.mark.django_db
OPEN: dict[str, Any] = {"uses_per_code": None}
# The tenant lives in New York, where this Friday ends at four in the morning of UTC's Saturday.
FRIDAY = datetime(2026, 3, 14, 3, 59, tzinfo=UTC)
SATURDAY = FRIDAY + timedelta(minutes=1)


def refused(code: str, **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(CouponsRejected) as refusal:
        redeem(code, **more)
    return reasons(refusal)


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"uses_per_code_period": 1}, "code_period_limit"),
        ({"limit_uses_period": 1}, "offer_period_limit"),
        ({"limit_discount_period_minor": 399}, "offer_period_budget"),
    ],
)
def test_a_limit_in_a_period_says_which_one_it_is_and_begins_anew(
    scope: Tenant, terms: dict[str, Any], reason: str
) -> None:
    make_definition(code="X", period="day", **OPEN, **terms)
    redeem("X", at=FRIDAY)
    assert refused("X", at=FRIDAY) == [("X", reason)]
    redeem("X", at=SATURDAY)
    assert refused("X", at=SATURDAY + timedelta(hours=23)) == [("X", reason)]
    redeem("X", at=SATURDAY + timedelta(hours=24))


def test_what_is_missing_of_the_money_is_told(scope: Tenant) -> None:
    make_definition(code="X", limit_discount_period_minor=350, **OPEN)
    redeem("X")
    with pytest.raises(CouponsRejected) as refusal:
        redeem("X")
    assert refusal.value.extra["codes"][0]["reasons"] == [{"reason": "offer_period_budget", "missing": 50}]


def test_two_codes_of_one_coupon_have_a_period_each_and_share_the_coupons(scope: Tenant) -> None:
    definition = make_definition(code="A", uses_per_code_period=1, limit_uses_period=3, **OPEN)

    definitions.add_generic_code(definition=definition, text="B")
    redeem("A")
    redeem("B")
    assert refused("A") == [("A", "code_period_limit")]


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"limit_uses_period": 2}, "campaign_period_limit"),
        ({"limit_discount_period_minor": 400}, "campaign_period_budget"),
    ],
)
def test_a_campaign_counts_its_coupons_together_in_a_period(
    scope: Tenant, terms: dict[str, Any], reason: str
) -> None:
    said = CampaignTerms(name="c", period="week", **terms)
    campaign = campaigns.save(key="c", terms=said, by=SYSTEM, at=NOW)
    make_definition(code="A", campaign=campaign, **OPEN)
    make_definition(code="B", campaign=campaign, **OPEN)
    redeem("A")
    redeem("B")
    assert refused("A") == [("A", reason)]
    redeem("A", at=NOW + timedelta(days=7))


def test_a_rollback_gives_the_period_its_use_back(scope: Tenant) -> None:
    make_definition(
        code="X", uses_per_code_period=1, limit_uses_period=1, limit_discount_period_minor=200,
        uses_per_period=1, **OPEN,
    )  # fmt: skip
    taken = redeem("X", customer=make_customer())
    assert set(CouponCounter.objects.values_list("uses", flat=True)) == {1}
    coupon_redemptions.roll_back(redemption=taken, reason="back", by=SYSTEM, at=NOW)
    assert set(CouponCounter.objects.values_list("uses", flat=True)) == {0}
    redeem("X", customer=make_customer())


def test_a_limit_of_nothing_is_none(scope: Tenant) -> None:
    for name in ("uses_per_code_period", "limit_uses_period", "limit_discount_period_minor"):
        with pytest.raises(InvalidInput) as refusal:
            make_definition(code="X", **{name: 0})
        assert [error.pointer for error in refusal.value.errors] == [f"/{name}"]
    for name in ("limit_uses_period", "limit_discount_period_minor"):
        with pytest.raises(InvalidInput):
            campaigns.save(key="c", terms=CampaignTerms("c", **{name: 0}), by=SYSTEM, at=NOW)


def test_a_program_brings_them(scope: Tenant) -> None:
    written = {
        "wallets": [{"key": "points", "name": "Points"}],
        "coupons": [
            {"key": "ten", "name": "Ten", "kind": "percent", "percent_hundredths": 1000, "period": "week",
             "uses_per_code_period": 2, "limit_uses_period": 30, "limit_discount_period_minor": 400},
        ],
        "coupon_campaigns": [
            {"key": "spring", "name": "Spring", "period": "day", "limit_uses_period": 3,
             "limit_discount_period_minor": 40, "coupons": ["ten"]},
        ],
    }  # fmt: skip
    taken = to_json(parse(written))
    assert (taken["coupons"], taken["coupon_campaigns"]) == (written["coupons"], written["coupon_campaigns"])
    draft = programs.save_draft(document=written, by=SYSTEM, at=NOW)
    programs.publish(revision=draft, by=SYSTEM, at=NOW)
    parsed = parse(written)
    assert offers.coupons(["ten"]) == list(parsed.coupons)
    assert offers.campaigns(["spring"]) == list(parsed.coupon_campaigns)
