from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from rewards.domain.documents import InvalidDocument, json_schema, parse, to_json
from rewards.domain.qualification import (
    DROPPED,
    Combination,
    Downgrade,
    Holding,
    Move,
    Qualification,
    QualificationWindow,
    Validity,
    decide,
    project,
    reached,
)
from rewards.domain.tiers import Tier, standing

ZONE = ZoneInfo("America/New_York")
AT = datetime(2026, 3, 14, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LADDER = (
    Tier("base", "Base"),
    Tier("silver", "Silver", thresholds={"spend": 100, "orders": 5}),
    Tier("gold", "Gold", thresholds={"spend": 500, "orders": 20}),
)
ANY, ALL = Qualification(), Qualification(combination=Combination.ALL)


@pytest.mark.parametrize(
    ("spend", "orders", "by_any", "by_all"),
    [(0, 0, 0, 0), (100, 0, 1, 0), (99, 5, 1, 0), (100, 5, 1, 1), (500, 5, 2, 1), (500, 20, 2, 2)],
)
def test_any_or_all_of_the_criteria(spend: int, orders: int, by_any: int, by_all: int) -> None:
    values = {"spend": spend, "orders": orders}
    assert (reached(LADDER, ANY, values), reached(LADDER, ALL, values)) == (by_any, by_all)


def test_without_a_tier_for_everybody_one_can_have_none() -> None:
    assert reached(LADDER[1:], ANY, {"spend": 99}) == -1


def test_what_is_missing_to_the_step_above_the_held_one() -> None:
    found = project(LADDER, ANY, {"spend": 120, "orders": 1}, "silver")
    assert (found.reached, found.next_tier) == (LADDER[1], LADDER[2])
    assert found.missing_by_criterion == {"spend": 380, "orders": 19}
    assert project(LADDER, ANY, {"spend": 0}, "gold").next_tier is None


def test_a_tier_that_spend_does_not_decide_is_not_reached_by_spend_alone() -> None:
    ladder = (Tier("base", "Base"), Tier("gold", "Gold", thresholds={"orders": 3}))
    assert standing(ladder, 10**9).tier == ladder[0]


@pytest.mark.parametrize(
    ("window", "length", "expected"),
    [
        ("rolling_days", 30, AT - 30 * DAY),
        ("rolling_months", 1, datetime(2026, 2, 14, 5, tzinfo=UTC)),
        ("calendar_year", 0, datetime(2026, 1, 1, 5, tzinfo=UTC)),
        ("half_year", 0, datetime(2026, 1, 1, 5, tzinfo=UTC)),
        ("quarter", 0, datetime(2026, 1, 1, 5, tzinfo=UTC)),
        ("lifetime", 0, datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_windows_begin_by_the_local_calendar(window: str, length: int, expected: datetime) -> None:
    asked = Qualification(window=QualificationWindow(window), length=length)
    assert asked.window_start(AT, ZONE) == expected


def test_validity_ends_with_a_local_day() -> None:
    months = Qualification(validity=Validity.MONTHS, valid_months=6)
    assert months.valid_until(AT, ZONE) == datetime(2026, 9, 15, 4, tzinfo=UTC)
    year = Qualification(window=QualificationWindow.CALENDAR_YEAR, validity=Validity.NEXT_PERIOD)
    assert year.valid_until(AT, ZONE) == datetime(2028, 1, 1, 5, tzinfo=UTC)
    assert Qualification().valid_until(AT, ZONE) is None


def moved(place: int, before: Holding, **policy: Any) -> tuple[Move, int]:
    found = decide(before, place, Qualification(**policy), AT, ZONE)
    return found.move, found.holding.place


LATER, EARLIER = AT + DAY, AT - DAY


@pytest.mark.parametrize(
    ("place", "before", "policy", "expected"),
    [
        (0, Holding(), {}, (Move.ENTERED, 0)),
        (-1, Holding(), {}, (Move.KEPT, -1)),
        (2, Holding(1), {}, (Move.UPGRADED, 2)),
        (1, Holding(1), {}, (Move.KEPT, 1)),
        (1, Holding(1, valid_until=EARLIER), {}, (Move.RENEWED, 1)),
        (1, Holding(1, valid_until=LATER), {}, (Move.KEPT, 1)),
        (2, Holding(DROPPED), {}, (Move.REMAPPED, 2)),
        (0, Holding(DROPPED, valid_until=LATER), {"downgrade": Downgrade.NONE}, (Move.REMAPPED, 0)),
        (-1, Holding(DROPPED, grace_until=LATER), {}, (Move.REMAPPED, -1)),
        (2, Holding(DROPPED, locked_until=LATER), {}, (Move.KEPT, DROPPED)),
        (0, Holding(2), {}, (Move.DOWNGRADED, 0)),
        (0, Holding(2), {"downgrade": Downgrade.SINGLE_STEP}, (Move.DOWNGRADED, 1)),
        (0, Holding(2), {"downgrade": Downgrade.NONE}, (Move.KEPT, 2)),
        (0, Holding(2, valid_until=LATER), {}, (Move.KEPT, 2)),
        (0, Holding(2), {"grace_days": 5}, (Move.GRACE, 2)),
        (0, Holding(2, grace_until=LATER), {"grace_days": 5}, (Move.KEPT, 2)),
        (0, Holding(2, grace_until=EARLIER), {"grace_days": 5}, (Move.DOWNGRADED, 0)),
        (0, Holding(2, locked_until=LATER), {}, (Move.KEPT, 2)),
        (2, Holding(0, locked_until=LATER), {}, (Move.KEPT, 0)),
        (0, Holding(2, locked_until=EARLIER), {}, (Move.DOWNGRADED, 0)),
    ],
)
def test_how_a_holding_moves(
    place: int, before: Holding, policy: dict[str, Any], expected: tuple[Move, int]
) -> None:
    assert moved(place, before, **policy) == expected


def test_a_soft_landing_holds_the_tier_fallen_to() -> None:
    policy = Qualification(downgrade=Downgrade.SINGLE_STEP, soft_landing_days=30)
    landed = decide(Holding(2), 0, policy, AT, ZONE)
    assert landed.holding == Holding(1, valid_until=datetime(2026, 4, 14, 4, tzinfo=UTC))
    assert decide(landed.holding, 0, policy, AT + 29 * DAY, ZONE).move is Move.KEPT
    assert decide(landed.holding, 0, policy, AT + 32 * DAY, ZONE).holding.place == 0


WRITTEN = {
    "wallets": [{"key": "status", "name": "Status"}],
    "tiers": [
        {"key": "base", "name": "Base", "threshold_minor": 0},
        {
            "key": "gold", "name": "Gold", "thresholds": {"status": 10, "score": 5},
            "perks": {"free_shipping": True, "entitlements": ["lounge"], "rewards": ["mug"],
                      "price_list": "vip"},
        },
    ],
    "qualification": {
        "criteria": [
            {"key": "status", "metric": "points", "wallet": "status"},
            {"key": "score", "metric": "score", "weights": {"clv": "0.5"}, "bias": -1},
        ],
        "combination": "all", "window": "half_year", "validity": "next_period", "grace_days": 14,
        "downgrade": "single_step", "soft_landing_days": 90,
    },
}  # fmt: skip


def test_tiers_and_qualification_survive_the_round_trip_and_fit_the_schema() -> None:
    revision = parse(WRITTEN)
    written = to_json(revision)
    assert parse(written) == revision
    for document in (WRITTEN, written):
        jsonschema.validate(document, json_schema(), cls=jsonschema.Draft202012Validator)
    plain = parse({"wallets": WRITTEN["wallets"]})
    assert plain.qualification.is_plain
    assert parse(to_json(plain)).qualification.is_plain


@pytest.mark.parametrize(
    ("section", "pointer", "code"),
    [
        ({"window": "lifetime", "validity": "next_period"}, "/qualification/validity", "not_combinable"),
        ({"validity": "months"}, "/qualification/valid_months", "invalid_integer"),
        ({"criteria": [{"key": "status", "metric": "points", "wallet": "gems"}]},
         "/qualification/criteria/0/wallet", "unknown_wallet"),
        ({"criteria": [{"key": "status", "metric": "score"}]},
         "/qualification/criteria/0/weights", "invalid_weights"),
        ({"criteria": [{"key": "x", "metric": "orders"}]}, "/tiers/1/thresholds/status", "unknown_criterion"),
        ({"grace_days": -1}, "/qualification/grace_days", "invalid_integer"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_place(section: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse({**WRITTEN, "qualification": section})
    assert (pointer, code) in [(error.pointer, error.code) for error in caught.value.errors]


def test_a_ladder_that_does_not_rise_is_refused() -> None:
    tiers = [
        {"key": "a", "name": "A", "thresholds": {"status": 10}},
        {"key": "b", "name": "B", "thresholds": {"status": 5}},
    ]
    with pytest.raises(InvalidDocument) as caught:
        parse({**WRITTEN, "tiers": tiers})
    assert [error.code for error in caught.value.errors] == ["not_rising"]


def test_more_tiers_than_a_ladder_has_are_refused_without_comparing_them() -> None:
    tiers = [{"key": f"t{number}", "name": "T", "threshold_minor": 5} for number in range(51)]
    with pytest.raises(InvalidDocument) as refusal:
        parse({"wallets": [{"key": "points", "name": "Points"}], "tiers": tiers})
    assert [(error.pointer, error.code) for error in refusal.value.errors] == [("/tiers", "too_many")]
