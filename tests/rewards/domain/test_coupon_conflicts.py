from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rewards.domain.coupon_conflicts import Clash, Finding, Offer, findings
from rewards.domain.coupon_eligibility import Eligibility
from rewards.domain.coupon_terms import Base, Benefit, OnConflict, Scope, Stacking, Terms
from rewards.domain.coupon_validity import Validity

MARCH, APRIL, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 5))


def offer(benefit: Benefit = Benefit.PERCENT, percent: int = 1000, **more: Any) -> Offer:
    campaign = more.pop("campaign", Validity())
    stacking = Stacking(**{name: more.pop(name) for name in tuple(more) if name in Stacking.__slots__})
    return Offer("x", "X", Terms(benefit, percent, 500, stacking=stacking, **more), campaign)


def clashes(mine: Offer, theirs: Offer) -> list[Clash]:
    found = [each.clash for each in findings(mine, [theirs])]
    # What one does to the other, the other does to it.
    assert found == [each.clash for each in findings(theirs, [mine])]
    return found


def test_an_offer_alone() -> None:
    assert findings(offer(), []) == []
    assert findings(offer(is_exclusive=True, group="g"), []) == [Finding(Clash.GROUP_WITHOUT_USE)]
    outside = offer(validity=Validity(MARCH, APRIL), campaign=Validity(APRIL, MAY))
    assert findings(outside, []) == [Finding(Clash.NEVER_VALID)]
    assert findings(offer(validity=Validity(MARCH, MAY), campaign=Validity(APRIL)), []) == []


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ({}, {}, [Clash.OVERLAP]),
        ({}, {"benefit": Benefit.AMOUNT}, [Clash.ORDER_UNCLEAR]),
        ({}, {"benefit": Benefit.AMOUNT, "priority": 50}, []),
        ({"base": Base.ORIGINAL}, {"benefit": Benefit.AMOUNT}, []),
        ({"base": Base.ORIGINAL}, {}, [Clash.ORDER_UNCLEAR, Clash.OVERLAP]),
        ({"base": Base.ORIGINAL, "percent": 9000}, {"base": Base.ORIGINAL}, [Clash.ALL_OFF]),
        ({"percent": 9000}, {}, [Clash.OVERLAP]),
        ({"benefit": Benefit.SHIPPING}, {}, []),
        ({"benefit": Benefit.SHIPPING}, {"benefit": Benefit.SHIPPING}, [Clash.OVERLAP]),
        ({"benefit": Benefit.STORED_VALUE}, {"benefit": Benefit.STORED_VALUE}, []),
        ({"group": "g"}, {"group": "g"}, []),
        ({"group": "g"}, {"group": "h"}, [Clash.OVERLAP]),
        ({"group": "g", "on_conflict": OnConflict.REFUSE}, {"group": "g"}, [Clash.POLICIES_DIFFER]),
        ({"is_exclusive": True}, {}, []),
    ],
)
def test_two_offers_for_every_cart(
    mine: dict[str, Any], theirs: dict[str, Any], expected: list[Clash]
) -> None:
    assert clashes(offer(**mine), offer(**theirs)) == expected


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ({"validity": Validity(MARCH, APRIL)}, {"validity": Validity(APRIL)}),
        ({"validity": Validity(until=APRIL)}, {"campaign": Validity(APRIL, MAY)}),
        ({"validity": Validity(weekdays=frozenset({1}))}, {"validity": Validity(weekdays=frozenset({2}))}),
        (
            {"eligibility": Eligibility(channels=frozenset({"web"}))},
            {"eligibility": Eligibility(channels=frozenset({"shop"}))},
        ),
        (
            {"eligibility": Eligibility(tiers=frozenset({"gold"}))},
            {"eligibility": Eligibility(tiers=frozenset({"silver"}))},
        ),
        (
            {"scope": Scope(categories=frozenset({"tea"}))},
            {"scope": Scope(categories=frozenset({"milk"}))},
        ),
        (
            {"scope": Scope(categories=frozenset({"tea"}))},
            {"scope": Scope(excluded_categories=frozenset({"tea"}))},
        ),
        (
            {"scope": Scope(frozenset({"a"}), has_items=True)},
            {"scope": Scope(frozenset({"b"}), has_items=True)},
        ),
    ],
)
def test_offers_that_never_meet_do_not_clash(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert clashes(offer(**mine), offer(**theirs)) == []


@pytest.mark.parametrize(
    "scopes",
    [
        (Scope(categories=frozenset({"tea", "milk"})), Scope(categories=frozenset({"tea"}))),
        (Scope(frozenset({"a", "b"}), has_items=True), Scope(frozenset({"b"}), has_items=True)),
        # Whether a listed item is in the category is not known, so it may be.
        (Scope(frozenset({"a"}), has_items=True), Scope(categories=frozenset({"tea"}))),
        (Scope(frozenset({"a"}), has_items=True), Scope()),
    ],
)
def test_offers_about_the_same_goods_meet(scopes: tuple[Scope, Scope]) -> None:
    assert clashes(offer(scope=scopes[0]), offer(scope=scopes[1])) == [Clash.OVERLAP]
