"""The linter on coupons, campaigns, rewards and caps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rewards.domain.documents import parse
from rewards.domain.linting import Known, lint

NOW = datetime(2026, 3, 14, tzinfo=UTC)
COUPON: dict[str, Any] = {"key": "ten", "name": "Ten", "kind": "percent", "percent_hundredths": 1000}
AMOUNT: dict[str, Any] = {"key": "five", "name": "Five", "kind": "amount", "amount_minor": 500}


def document(coupon: dict[str, Any], campaign: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    named = {"key": "spring", "name": "Spring", "coupons": [coupon["key"]]}
    return {
        "wallets": [{"key": "points", "name": "Points"}],
        "coupons": [coupon],
        "coupon_campaigns": [] if campaign is None else [{**named, **campaign}],
        **more,
    }


def found(written: dict[str, Any], **known: Any) -> list[tuple[str, str, Any]]:
    said = Known(coupons=frozenset(), at=NOW, **known)
    return [(each.pointer, each.reason.value, each.parameters) for each in lint(parse(written), said)]


@pytest.mark.parametrize(
    ("campaign", "coupon", "expected"),
    [
        ({"coupons": ["gone"]}, COUPON,
         ("/coupon_campaigns/0/coupons/0", "missing", {"kind": "coupon", "key": "gone"})),
        ({}, {**COUPON, "is_active": False},
         ("/coupon_campaigns/0/coupons/0", "coupon_is_off", {"coupon": "ten"})),
        ({"ends_at": "2026-05-01T00:00:00Z"}, {**COUPON, "valid_from": "2026-05-01T00:00:00Z"},
         ("/coupon_campaigns/0/coupons/0", "times_apart", {"coupon": "ten"})),
        ({"limit_discount_minor": 499}, AMOUNT,
         ("/coupon_campaigns/0/limit_discount_minor", "budget_below_use",
          {"coupon": "five", "budget_minor": 499, "use_minor": 500})),
        ({"limit_discount_minor": 99}, {**COUPON, "minimum_spend_minor": 1000},
         ("/coupon_campaigns/0/limit_discount_minor", "budget_below_use",
          {"coupon": "ten", "budget_minor": 99, "use_minor": 100})),
        (None, {**AMOUNT, "limit_discount_minor": 400},
         ("/coupons/0/limit_discount_minor", "budget_below_use",
          {"coupon": "five", "budget_minor": 400, "use_minor": 500})),
        (None, {**COUPON, "limit_uses": 2, "uses_per_customer": 3},
         ("/coupons/0/limit_uses", "fewer_than_a_customer", {"uses": 2, "most": 3})),
        (None, {**COUPON, "uses_per_period": 3, "uses_per_customer": 3},
         ("/coupons/0/uses_per_period", "period_never_bites", {"uses": 3, "most": 3})),
        (None, {**COUPON, "valid_until": "2026-03-14T00:00:00Z"},
         ("/coupons/0", "has_ended", {"ended_on": "2026-03-13"})),
        ({"ends_at": "2026-03-10T00:00:00Z"}, COUPON,
         ("/coupon_campaigns/0", "has_ended", {"ended_on": "2026-03-09"})),
    ],
)  # fmt: skip
def test_what_is_of_no_use_is_named(
    campaign: dict[str, Any] | None, coupon: dict[str, Any], expected: tuple[str, str, Any]
) -> None:
    assert found(document(coupon, campaign)) == [expected]


@pytest.mark.parametrize(
    ("campaign", "coupon"),
    [
        ({"limit_discount_minor": 500}, AMOUNT),
        ({"limit_discount_minor": 400}, {**AMOUNT, "max_discount_minor": 400}),
        # A cart of other things may get less, so nothing is known of a full use.
        ({"limit_discount_minor": 1}, COUPON),
        ({"limit_discount_minor": 1}, {**COUPON, "minimum_spend_minor": 1000, "categories": ["tea"]}),
        ({"ends_at": "2026-05-01T00:00:00Z"}, {**COUPON, "valid_from": "2026-04-30T00:00:00Z"}),
        ({}, {**COUPON, "valid_until": "2026-03-14T00:00:01Z"}),
        (None, {**COUPON, "limit_uses": 3, "uses_per_customer": 3, "uses_per_period": 2}),
        (None, {**COUPON, "is_active": False, "valid_until": "2026-03-01T00:00:00Z", "limit_uses": 1,
                "uses_per_customer": 2}),
    ],
)  # fmt: skip
def test_what_may_be_of_use_is_not(campaign: dict[str, Any] | None, coupon: dict[str, Any]) -> None:
    assert found(document(coupon, campaign)) == []


def test_a_coupon_outside_of_the_document_may_be_named() -> None:
    written = document(COUPON, {"coupons": ["live"]})
    assert [each.reason.value for each in lint(parse(written), Known(coupons=frozenset({"live"})))] == []
    assert lint(parse(written)) == []


def test_what_ran_its_course_is_no_news() -> None:
    written = document({**COUPON, "valid_until": "2026-03-01T00:00:00Z"}, {"ends_at": "2026-03-01T00:00:00Z"})
    assert found(written, former=parse(written)) == []
    written["coupons"][0]["name"] = "Eleven"
    assert [each[0] for each in found(written, former=parse(document(COUPON)))] == [
        "/coupon_campaigns/0", "/coupons/0",
    ]  # fmt: skip


def test_a_reward_that_has_ended_and_a_cap_that_the_day_makes_idle() -> None:
    reward = {"key": "mug", "name": "Mug", "wallet": "points", "cost_points": 5,
              "valid_until": "2026-03-01T00:00:00Z"}  # fmt: skip
    caps = [
        {"wallet": "points", "per": per, "points": points}
        for per, points in (("day", 10), ("week", 70), ("month", 309), ("program", 10**6))
    ]
    said = found(document(COUPON, rewards=[reward], policies={"member_caps": caps}))
    assert said == [
        ("/policies/member_caps/1", "cap_never_bites", {"points": 70, "daily": 10}),
        ("/rewards/0", "has_ended", {"ended_on": "2026-02-28"}),
    ]


def test_a_budget_is_drawn_on() -> None:
    budgets = [{"key": key, "name": key, "points": 100} for key in ("idle", "used")]
    points = {"type": "points", "wallet": "points", "points": 1, "per_minor": 100}
    rules = [{"key": "r", "name": "R", "effects": [points], "budget": "used"}]
    written = {"wallets": [{"key": "points", "name": "Points"}], "rules": rules, "budgets": budgets}
    assert found(written) == [("/budgets/0", "nobody_draws", {})]
