"""The rule engine against a slow reference: exclusivity, stops, caps, budgets and line attribution."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards.domain.budgets import Period
from rewards.domain.decisions import Spent
from rewards.domain.documents import InvalidDocument, parse
from rewards.domain.effects import Earn, SetTrait, TriggerMessage
from rewards.domain.engine import Engine, evaluate
from rewards.domain.facts import CustomerState, Happening, Line, Room, Used, is_day_of_year, order_placed
from rewards.domain.rules import Trigger

AT = datetime(2026, 3, 14, 12, tzinfo=UTC)
CATEGORIES = ("A", "B", "C")


def program(*rules: dict[str, Any], **sections: Any) -> Engine:
    numbered = [
        {"key": f"r{number}", "name": f"R{number}", "priority": number, **rule}
        for number, rule in enumerate(rules)
    ]
    wallets = [{"key": "points", "name": "Points", "thousand_points_minor": 500}]
    return Engine(parse({"wallets": wallets, "rules": numbered, **sections}))


def give(points: int, **more: Any) -> list[dict[str, Any]]:
    return [{"type": "points", "wallet": "points", "points": points, **more}]


def order(*lines: tuple[str, int]) -> Happening:
    numbered = [Line(position, category, amount) for position, (category, amount) in enumerate(lines, 1)]
    return order_placed(AT, sum(amount for _, amount in lines), "web", numbered)


RULE = st.fixed_dictionaries(
    {
        "points": st.integers(1, 50),
        "per": st.none() | st.integers(1, 300),
        "group": st.sampled_from(["", "g", "h"]),
        "stops": st.booleans(),
        "at_least": st.integers(0, 3000),
        "category": st.sampled_from(["", "A", "B"]),
        "cap": st.none() | st.integers(0, 40),
        "used": st.integers(0, 40),
        "budget": st.booleans(),
    }
)


def reference(rules: list[dict[str, Any]], lines: list[tuple[str, int]], room: int) -> list[int]:
    """Points of each rule, worked out the long way."""
    total, given, stopped, won = sum(amount for _, amount in lines), [], False, set()
    for rule in rules:
        counted = [amount for category, amount in lines if rule["category"] in {"", category}]
        is_asked = not stopped and rule["group"] not in won
        if not is_asked or total < rule["at_least"] or (rule["category"] and not counted):
            given.append(0)
            continue
        if rule["per"] is None:
            points = rule["points"] if counted else 0
        else:
            points = int(Fraction(sum(counted) * rule["points"], rule["per"]))
        if rule["cap"] is not None:
            points = min(points, max(rule["cap"] - rule["used"], 0))
        if rule["budget"]:
            points = min(points, room)
            room -= points
        given.append(points)
        if points and rule["stops"]:
            stopped = True
        if points and rule["group"]:
            won.add(rule["group"])
    return given


@settings(max_examples=60)
@given(
    st.lists(RULE, min_size=1, max_size=6),
    st.lists(st.tuples(st.sampled_from(CATEGORIES), st.integers(0, 2000)), max_size=5),
    st.integers(0, 60),
)
def test_rules_give_what_the_reference_says_and_lines_add_up(
    rules: list[dict[str, Any]], lines: list[tuple[str, int]], room: int
) -> None:
    written = []
    for rule in rules:
        document: dict[str, Any] = {
            "effects": give(rule["points"], per_minor=rule["per"]),
            "stops": rule["stops"],
            "when": {"order": "total_minor", "op": "gte", "value": rule["at_least"]},
        }
        if rule["group"]:
            document["group"] = rule["group"]
        if rule["category"]:
            document["lines"] = {"line": "category", "op": "eq", "value": rule["category"]}
        if rule["cap"] is not None:
            document["caps"] = [{"per": "week", "points": rule["cap"]}]
        if rule["budget"]:
            document["budget"] = "b"
        written.append(document)
    engine = program(*written, budgets=[{"key": "b", "name": "B", "points": 100}])
    used = {(f"r{number}", Period.WEEK): Used(rule["used"], 1) for number, rule in enumerate(rules)}
    state = CustomerState(usage=used, rooms={"b": Room(room, None)})
    first, again = engine.decide(state, order(*lines)), engine.decide(state, order(*lines))
    assert first == again
    assert [outcome.points for outcome in first.decision.outcomes] == reference(rules, lines, room)
    by_line = first.decision.line_points_by_wallet.get("points", {})
    assert sum(by_line.values()) == first.points
    assert all(points > 0 for points in by_line.values())
    plain = engine.decide(state, order(*lines), explains=False, shares_lines=False)
    assert plain.effects == first.effects
    assert plain.decision.budgets == first.decision.budgets
    assert plain.decision.line_points_by_wallet == {}
    without = [outcome._replace(failures=()) for outcome in first.decision.outcomes]
    assert list(plain.decision.outcomes) == without


def test_multipliers_add_up_and_lift_what_was_capped() -> None:
    engine = program(
        {"effects": give(1, per_minor=100), "caps": [{"per": "event", "points": 10}]},
        {"effects": [{"type": "multiplier", "wallet": "points", "percent": 200}]},
        {"effects": [{"type": "multiplier", "wallet": "points", "percent": 150, "rules": ["r0"]}]},
    )
    evaluation = engine.decide(CustomerState(), order(("A", 1500), ("B", 500)))
    assert [outcome.points for outcome in evaluation.decision.outcomes] == [10, 10, 5]
    assert evaluation.decision.line_points_by_wallet == {"points": {1: 17, 2: 8}}


@pytest.mark.parametrize(("rounding", "points"), [("down", 12), ("nearest", 13), ("up", 13)])
def test_a_formula_is_exact_and_rounded_once(rounding: str, points: int) -> None:
    formula = {
        "type": "formula", "wallet": "points", "rounding": rounding, "constant": "0.1", "at_most": 50,
        "terms": [{"trait": "clv", "weight": "0.1"}, {"member": "orders_before", "weight": 2}],
    }  # fmt: skip
    engine = program({"trigger": "event", "event": "visit", "effects": [formula]})
    visit = Happening(Trigger.EVENT, AT, "visit")
    state = CustomerState(orders_before=3, traits={"clv": 64})
    # 6.4 + 6 + 0.1 = 12.5
    assert engine.decide(state, visit).points == points
    assert engine.decide(state._replace(traits={"clv": 1e9}), visit).points == 50
    assert engine.decide(state._replace(traits={"clv": float("nan")}), visit).points == (
        7 if rounding == "up" else 6
    )


def test_every_failed_condition_says_by_how_much() -> None:
    when = {"all": [
        {"any": [{"member": "tier", "op": "eq", "value": "gold"},
                 {"order": "number", "op": "lt", "value": 3}]},
        {"not": {"time": "weekday", "op": "in", "value": [6]}},
        {"basket": "amount_minor", "op": "gt", "value": 900,
         "where": {"line": "category", "op": "eq", "value": "A"}},
        {"trait": "clv", "op": "exists"},
    ]}  # fmt: skip
    engine = program({"when": when, "effects": give(1), "audience": ["vip"]})
    decision = engine.decide(CustomerState(orders_before=4), order(("A", 900), ("B", 50))).decision
    failed = decision.to_json()["rules"][0]["failed"]
    assert failed == [
        {"field": "audience", "op": "in", "expected": ["vip"], "actual": None, "missing": None},
        {"any": [
            [{"field": "member.tier", "op": "eq", "expected": "gold", "actual": None, "missing": None}],
            [{"field": "order.number", "op": "lt", "expected": 3, "actual": 5, "missing": 3}],
        ]},
        {"field": "time.weekday", "op": "in", "expected": [6], "actual": 6, "missing": None, "negated": True},
        {"field": "basket.amount_minor", "op": "gt", "expected": 900, "actual": 900, "missing": 1},
        {"field": "trait.clv", "op": "exists", "expected": None, "actual": None, "missing": None},
    ]  # fmt: skip
    state = CustomerState(tier="gold", traits={"clv": 0}, segments=frozenset({"vip"}))
    sunday = order(("A", 901))._replace(at=datetime(2026, 3, 15, tzinfo=UTC))
    assert engine.decide(state, sunday).points == 1


def test_events_give_points_by_property_and_other_effects_as_often_as_allowed() -> None:
    effects = [
        *give(2, per_property="usage.minutes", per_amount=10),
        {"type": "trait", "trait": "active", "value": 1},
        {"type": "message", "message": "thanks"},
    ]
    engine = program(
        {"trigger": "event", "event": "lesson", "effects": effects, "caps": [{"per": "day", "times": 2}]}
    )
    lesson = Happening(Trigger.EVENT, AT, "lesson", properties={"usage": {"minutes": 25}})
    assert engine.decide(CustomerState(), lesson).effects == (
        Earn("points", 5, None), SetTrait("r0", "active", 1), TriggerMessage("r0", "thanks"),
    )  # fmt: skip
    used = CustomerState(usage={("r0", Period.DAY): Used(10, 2)})
    refused = engine.decide(used, lesson)
    assert refused.effects == ()
    assert refused.decision.to_json()["rules"][0]["cap"] == {
        "kind": "times_per_day", "limit": 2, "asked": 5, "given": 0,
    }  # fmt: skip
    assert engine.decide(CustomerState(), lesson._replace(name="other")).decision.outcomes == ()
    assert (engine.answers(Trigger.EVENT, "lesson"), engine.answers(Trigger.ORDER)) == (True, False)


def test_a_cap_over_all_rules_and_a_budget_in_money_bite() -> None:
    engine = program(
        {"effects": give(30)},
        {"effects": give(30), "budget": "money"},
        budgets=[{"key": "money", "name": "Money", "money_minor": 10, "when_exhausted": "give_nothing"}],
        policies={"member_caps": [{"wallet": "points", "per": "month", "points": 50}]},
    )
    state = CustomerState(usage={("*points", Period.MONTH): Used(5, 1)}, rooms={"money": Room(None, 10)})
    outcomes = engine.decide(state, order(("A", 100))).decision.outcomes
    # 45 are left of the member's fifty; fifteen cost 7.5 of the ten left, rounded up.
    assert [(outcome.points, outcome.cap.kind if outcome.cap else "") for outcome in outcomes] == [
        (30, ""), (15, "member_per_month"),
    ]  # fmt: skip
    poor = engine.decide(state._replace(rooms={"money": Room(None, 5)}), order(("A", 100)))
    assert [outcome.points for outcome in poor.decision.outcomes] == [30, 0]


def test_a_rule_pays_from_its_start_until_just_before_its_end() -> None:
    engine = program(
        {"effects": give(1), "starts_at": "2026-03-14T12:00:00Z", "ends_at": "2026-03-14T13:00:00Z"}
    )
    moments = [AT.replace(hour=11, minute=59), AT, AT.replace(minute=59), AT.replace(hour=13)]
    given_points = [engine.decide(CustomerState(), order(("A", 1))._replace(at=at)).points for at in moments]
    assert given_points == [0, 1, 1, 0]


def test_a_leap_day_returns_on_the_28th_of_other_years() -> None:
    born = date(2000, 2, 29)
    days = [date(2024, 2, 28), date(2024, 2, 29), date(2025, 2, 28), date(2025, 3, 1), born]
    assert [is_day_of_year(day, born) for day in days] == [False, True, True, False, False]


def test_what_makes_no_sense_is_refused_where_it_stands() -> None:
    rules = [
        {"key": "a", "name": "A", "trigger": "event", "effects": give(1, per_minor=100)},
        {"key": "b", "name": "B", "trigger": "return", "effects": give(1, per_property="amount_minor")},
        {"key": "c", "name": "C", "effects": [*give(1), *give(2)], "caps": [{"per": "event", "times": 1}],
         "when": {"order": "channel", "op": "gte", "value": "web"}},
        {"key": "d", "name": "D", "effects": [{"type": "tier", "tier": "zinc"}], "budget": "none",
         "when": {"all": []}, "starts_at": "2026-05-01T00:00:00",
         "lines": {"member": "tier", "op": "exists"}},
    ]  # fmt: skip
    with pytest.raises(InvalidDocument) as refusal:
        parse({"wallets": [{"key": "points", "name": "Points"}], "rules": rules})
    assert {(error.pointer, error.code) for error in refusal.value.errors} == {
        ("/rules/0/event", "event_name"),
        ("/rules/0/effects", "no_order"),
        ("/rules/1/effects", "points_on_return"),
        ("/rules/2/effects/1/type", "second_points"),
        ("/rules/2/caps/0/times", "ambiguous"),
        ("/rules/2/when/op", "not_comparable"),
        ("/rules/3/effects/0", "unknown_tier"),
        ("/rules/3/budget", "unknown_budget"),
        ("/rules/3/when/all", "too_few"),
        ("/rules/3/starts_at", "invalid_moment"),
        ("/rules/3/lines/", "unknown_condition"),
    }


def test_one_evaluation_is_the_compiled_one() -> None:
    engine = program({"effects": give(7)})
    assert evaluate(engine.revision, CustomerState(), order(("A", 1))).points == 7


def test_points_with_an_end_of_their_own_are_earned_apart_within_the_same_limits() -> None:
    engine = program(
        {"effects": give(10)},
        {"effects": give(10), "expiry": {"kind": "rolling", "months": 1}},
        {"effects": give(10), "expiry": {"kind": "never"}},
        policies={"member_caps": [{"wallet": "points", "per": "event", "points": 25}]},
    )
    evaluation = engine.decide(CustomerState(), order(("A", 100)))
    assert evaluation.effects == (
        Earn("points", 10, None),
        Earn("points", 10, datetime(2026, 4, 15, tzinfo=UTC), "r1"),
        Earn("points", 5, None, "r2"),
    )
    assert evaluation.points == 25
    assert evaluation.decision.to_json()["own_lines"] == {"points:r1": {"1": 10}, "points:r2": {"1": 5}}


@pytest.mark.parametrize(
    ("rule", "pointer", "code"),
    [
        ({"effects": give(1), "expiry": {"kind": "soon"}}, "/rules/0/expiry/kind", "invalid_choice"),
        ({"effects": give(1), "expiry": {"kind": "rolling"}}, "/rules/0/expiry/months", "required"),
        (
            {"effects": give(1), "expiry": {"kind": "inactivity", "months": 1}},
            "/rules/0/expiry/kind",
            "wallet_expiry",
        ),
        (
            {"effects": [{"type": "message", "message": "m"}], "expiry": {"kind": "never"}},
            "/rules/0/expiry",
            "no_points",
        ),
    ],
)
def test_an_expiry_that_cannot_be_kept_is_refused(rule: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        program(rule)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(pointer, code)]


def test_a_wallet_that_lives_by_activity_has_no_other_ends() -> None:
    wallets = [{"key": "points", "name": "Points", "expiry": {"kind": "inactivity", "months": 6}}]
    with pytest.raises(InvalidDocument) as refused:
        program({"effects": give(1), "expiry": {"kind": "never"}}, wallets=wallets)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [
        ("/rules/0/expiry", "wallet_expiry")
    ]


def test_a_budget_in_money_limits_cashback_point_by_point() -> None:
    engine = program(
        {"effects": give(30), "budget": "money"},
        wallets=[{"key": "points", "name": "Cash", "kind": "cashback"}],
        budgets=[{"key": "money", "name": "Money", "money_minor": 50}],
    )
    state = CustomerState(rooms={"money": Room(None, 20)})
    decision = engine.decide(state, order(("A", 100))).decision
    assert [outcome.points for outcome in decision.outcomes] == [20]
    assert decision.budgets == {"money": Spent(20, 20)}


PER_AMOUNT = {"trigger": "event", "event": "paid", "effects": give(100, per_property="amount")}


def paid(amount: Any) -> Happening:
    return Happening(Trigger.EVENT, AT, "paid", properties={"amount": amount})


@pytest.mark.parametrize(
    ("amount", "points"),
    [
        (19.99, 1999), (0.29, 29), (1.1, 110), (20, 2000), (1e-7, 0), (-3, 0), (True, 0), ("19.99", 0),
        (10**10, 10**12), (float("inf"), 0), (float("nan"), 0), (1e300, 0), (10**400, 0), (-(10**400), 0),
    ],
)  # fmt: skip
def test_numbers_of_events_count_as_people_write_them(amount: Any, points: int) -> None:
    assert program(PER_AMOUNT).decide(CustomerState(), paid(amount)).points == points


def test_a_formula_reads_traits_as_people_write_them() -> None:
    formula = {"type": "formula", "wallet": "points", "terms": [{"trait": "share", "weight": 100}]}
    engine = program({"trigger": "event", "event": "paid", "effects": [formula]})
    assert engine.decide(CustomerState(traits={"share": 0.29}), paid(1)).points == 29


@pytest.mark.parametrize("limits", [{}, {"caps": [{"per": "day", "times": 3}]}])
def test_more_than_any_rule_gives_is_nothing_and_says_so(limits: dict[str, Any]) -> None:
    greedy = {
        **PER_AMOUNT,
        **limits,
        "effects": [*PER_AMOUNT["effects"], {"type": "message", "message": "m"}],
    }
    evaluation = program(greedy).decide(CustomerState(), paid(10**10 + 1))
    (outcome,) = evaluation.decision.outcomes
    assert (evaluation.effects, outcome.is_matched, outcome.has_given) == ((), True, False)
    assert outcome.cap is not None
    assert outcome.cap.to_json() == {"kind": "largest", "limit": 10**12, "asked": 10**12 + 100, "given": 0}


def test_a_cap_tames_an_absurd_gift_before_it_is_refused() -> None:
    capped = {**PER_AMOUNT, "caps": [{"per": "event", "points": 500}]}
    assert program(capped).decide(CustomerState(), paid(10**14)).points == 500


@pytest.mark.parametrize("amount", [10**400, -(10**400), 1e308])
def test_a_condition_on_an_absurd_number_says_why_it_failed(amount: Any) -> None:
    when = {"property": "amount", "op": "lt" if amount > 0 else "gt", "value": 1.5}
    (outcome,) = program({**PER_AMOUNT, "when": when}).decide(CustomerState(), paid(amount)).decision.outcomes
    (failure,) = outcome.failures
    assert (failure.field, failure.missing) == ("property.amount", None)


def test_what_is_given_once_is_given_for_lines_that_cost_nothing() -> None:
    """Shared by units, so that a return takes its part back."""
    free = [Line(1, "A", 0, 1), Line(2, "A", 0, 3)]
    order = order_placed(AT, 0, "web", free)
    evaluation = program({"effects": give(100)}).decide(CustomerState(), order)
    assert evaluation.points == 100
    assert evaluation.decision.line_points_by_wallet == {"points": {1: 25, 2: 75}}
    of_samples = {"effects": give(10), "lines": {"line": "category", "op": "eq", "value": "S"}}
    order = order_placed(AT, 900, "web", [Line(1, "A", 900), Line(2, "S", 0)])
    evaluation = program(of_samples).decide(CustomerState(), order)
    assert evaluation.decision.line_points_by_wallet == {"points": {2: 10}}
    assert (
        program({"effects": give(1, per_minor=1)})
        .decide(CustomerState(), order_placed(AT, 0, "web", free))
        .points
        == 0
    )
