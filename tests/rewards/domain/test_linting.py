from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from crm.domain.hidden_values import Hidden
from rewards.domain.comparison import compare
from rewards.domain.documents import parse
from rewards.domain.findings import Reason
from rewards.domain.linting import Known, lint

POINTS = {"type": "points", "wallet": "points", "points": 1}
TOTAL = {"order": "total_minor"}


def program(*rules: dict[str, Any], **sections: Any) -> Any:
    numbered = [
        {"key": f"r{number}", "name": f"R{number}", "priority": number, "effects": [POINTS], **rule}
        for number, rule in enumerate(rules)
    ]
    wallets = [{"key": "points", "name": "Points", "thousand_points_minor": 1000}]
    return parse({"wallets": wallets, "rules": numbered, **sections})


def said(revision: Any, known: Known = Known()) -> list[tuple[str, str, str]]:  # noqa: B008 - immutable
    return [(finding.severity.value, finding.code, finding.pointer) for finding in lint(revision, known)]


def test_a_plain_program_has_nothing_to_object_to() -> None:
    assert said(program({"effects": [{**POINTS, "per_minor": 100}]})) == []


def test_what_is_missing_or_can_never_match_is_an_error() -> None:
    never = {"all": [{**TOTAL, "op": "gte", "value": 50}, {**TOTAL, "op": "lt", "value": 50}]}
    either = {
        "all": [{"member": "tier", "op": "eq", "value": "a"}, {"member": "tier", "op": "in", "value": ["b"]}]
    }
    revision = program(
        {"when": never},
        {"when": either},
        {"effects": [{"type": "coupon", "coupon": "gone"}], "audience": ["nobody"]},
        {"effects": [{"type": "challenge", "challenge": "gone"}]},
        {"when": {"member": "tier", "op": "in", "value": ["a", "gone"]}},
        tiers=[{"key": key, "name": key, "threshold_minor": least} for least, key in enumerate("ab")],
    )
    known = Known(coupons=frozenset(), rewards=frozenset(), segments=frozenset())
    assert said(revision, known) == [
        ("error", "never_matches", "/rules/0/when"),
        ("error", "never_matches", "/rules/1/when"),
        ("error", "missing_reference", "/rules/2/audience"),
        ("error", "missing_reference", "/rules/2/effects"),
        ("error", "missing_reference", "/rules/3/effects"),
        ("error", "missing_reference", "/rules/4/when"),
    ]


def test_shadows_overlaps_and_endless_events_are_warnings() -> None:
    big = {"when": {**TOTAL, "op": "gte", "value": 50}}
    revision = program(
        {**big, "stops": True},
        big,
        {"group": "g"},
        {"group": "g"},
        {"trigger": "event", "event": "visit"},
        {"effects": [{**POINTS, "points": 2}]},
    )
    assert said(revision) == [
        ("warning", "unreachable", "/rules/1"),
        ("warning", "unreachable", "/rules/3"),
        ("warning", "uncapped", "/rules/4"),
        ("warning", "overlap", "/rules/5"),
        ("warning", "overlap", "/rules/5"),
    ]


def test_giving_the_money_back_and_causing_oneself_is_told() -> None:
    revision = program(
        {"effects": [{**POINTS, "points": 50, "per_minor": 100}]},
        {"effects": [{**POINTS, "points": 25, "per_minor": 100}]},
        {"trigger": "event", "event": "message_triggered", "effects": [{"type": "message", "message": "hi"}]},
        {"when": {"trait": "t", "op": "missing"}, "effects": [{"type": "trait", "trait": "t", "value": 1}]},
    )
    assert [finding for finding in said(revision) if finding[1] in {"negative_margin", "loop"}] == [
        ("error", "loop", "/rules/2/effects"),
        ("warning", "negative_margin", "/rules/0/effects"),
        ("warning", "negative_margin", "/rules/1/effects"),
        ("warning", "loop", "/rules/3/effects"),
    ]
    dear = program({"effects": [{**POINTS, "points": 100, "per_minor": 100}]})
    assert said(dear) == [("error", "negative_margin", "/rules/0/effects")]


def test_rules_that_give_all_the_money_back_together_are_told() -> None:
    half = {"effects": [{**POINTS, "points": 50, "per_minor": 100}]}
    other = {**half, "when": {**TOTAL, "op": "gte", "value": 500}}
    (finding,) = [each for each in lint(program(half, other)) if each.reason is Reason.GIVE_BACK_TOGETHER]
    assert (finding.severity.value, finding.code, finding.pointer) == (
        "warning", "negative_margin", "/rules/0/effects",
    )  # fmt: skip
    assert finding.parameters == {"rules": ["r0", "r1"], "percent": 100}
    assert finding.detail == "Where all of them pay (r0, r1), they give back 100% of the money."
    apart = program({**half, "group": "g"}, {**other, "group": "g"})
    assert not [each for each in lint(apart) if each.reason is Reason.GIVE_BACK_TOGETHER]


def test_a_gift_that_is_worth_more_than_the_smallest_order_is_told() -> None:
    gift = {"effects": [{**POINTS, "points": 500}]}
    least = {**TOTAL, "op": "gte", "value": 500}
    # A thousand points cost ten dollars: 500 points are worth 500 cents.
    revision = program(
        {**gift, "when": {"all": [least, {"member": "orders_before", "op": "eq", "value": 0}]}}
    )
    assert said(revision) == [("warning", "negative_margin", "/rules/0/effects")]
    assert lint(revision)[0].parameters == {"cost_minor": 500, "least_minor": 500}
    assert said(program({**gift, "when": {**least, "value": 501}})) == []
    assert said(program(gift)) == []


def test_rules_that_cause_each_other_are_an_error() -> None:
    def message(event: str, key: str, **more: Any) -> dict[str, Any]:
        return {
            "trigger": "event", "event": event, "effects": [{"type": "message", "message": key}], **more,
        }  # fmt: skip

    ring = program(message("a", "b"), message("b", "c"), message("c", "a"), message("x", "a"))
    found = [each for each in lint(ring) if each.code == "loop"]
    assert [(each.severity.value, each.pointer, each.detail) for each in found] == [
        ("error", "/rules/0/effects", "These cause each other: r0, r1, r2, r0.")
    ]
    capped = program(message("a", "b"), message("b", "a", caps=[{"per": "day", "times": 1}]))
    assert [each for each in lint(capped) if each.code == "loop"] == []


def test_rules_of_different_times_do_not_pay_twice() -> None:
    may, june = "2026-05-01T00:00:00+00:00", "2026-06-01T00:00:00+00:00"
    assert said(program({"ends_at": may}, {"starts_at": may, "ends_at": june})) == []
    assert said(program({"ends_at": june}, {"starts_at": may})) == [("warning", "overlap", "/rules/1")]


def test_perks_that_name_no_reward_are_told() -> None:
    perks = {"rewards": ["mug", "gone"], "prices": {"mug": 4, "lost": 5}}
    tiers = [{"key": "gold", "name": "Gold", "threshold_minor": 0, "perks": perks}]
    revision = program(tiers=tiers)
    assert said(revision, Known(rewards=frozenset({"mug"}))) == [
        ("warning", "missing_reference", "/tiers/0/perks"),
        ("warning", "missing_reference", "/tiers/0/perks"),
    ]
    assert said(revision) == []


def test_a_comparison_names_what_was_added_removed_and_changed() -> None:
    before = program({}, {"stops": True})
    after = program({}, {"stops": False}, {}, policies={"backdating_days": 3})
    assert [(change.section, change.key, change.kind.value) for change in compare(before, after)] == [
        ("rules", "r1", "changed"),
        ("rules", "r2", "added"),
        ("policies", "", "changed"),
    ]
    assert compare(before, after)[0].members == {"stops": (True, False)}
    assert [change.kind.value for change in compare(after, before)] == ["changed", "removed", "changed"]
    assert compare(after, after) == []


def test_rules_and_challenges_that_read_sensitive_values_are_errors() -> None:
    visit = {"trigger": "event", "event": "visited", "caps": [{"per": "day", "times": 1}]}
    topic = {"property": "topic", "op": "eq", "value": "knee"}
    formula = {
        "type": "formula", "wallet": "points", "terms": [{"attribute": "size", "weight": 1}]
    }  # fmt: skip
    match = {"event": "visited"}
    goals: list[dict[str, Any]] = [
        {"kind": "count", "match": {**match, "where": {"all": [topic]}}, "target": 2},
        {"kind": "distinct", "match": match, "of": "topic", "target": 2},
        {"kind": "sum", "match": {"event": "other"}, "of": "topic", "target": 2},
    ]
    reward = {"kind": "message", "message": "hello"}
    revision = program(
        {**visit, "when": topic},
        {**visit, "effects": [{**POINTS, "per_property": "topic"}]},
        {"effects": [formula]},
        {**visit, "event": "other", "when": topic, "group": "g"},
        challenges=[
            {"key": f"c{number}", "name": "C", "goal": goal, "rewards": [reward]}
            for number, goal in enumerate(goals)
        ],
    )
    hidden = Hidden(frozenset({"size"}), {"visited": frozenset({"topic"})})
    found = [each for each in lint(revision, Known(sensitive=hidden)) if each.code == "sensitive_value"]
    assert [(each.pointer, each.rule, each.is_error) for each in found] == [
        ("/challenges/0", "c0", True),
        ("/challenges/1", "c1", True),
        ("/rules/0", "r0", True),
        ("/rules/1", "r1", True),
        ("/rules/2", "r2", True),
    ]
    assert found[0].parameters == {"values": ["topic"]}
    assert found[0].detail == "It reads sensitive values: topic."
    assert not [each for each in lint(revision) if each.code == "sensitive_value"]


def test_findings_lead_to_the_place_in_the_document_whatever_the_priorities() -> None:
    revision = program({"priority": 30}, {"priority": 20, "group": "g"}, {"priority": 10, "stops": True})
    assert [each[2] for each in said(revision) if each[1] == "unreachable"] == ["/rules/0", "/rules/1"]
    tiers = [
        {"key": "gold", "name": "Gold", "threshold_minor": 9, "perks": {"rewards": ["gone"]}},
        {"key": "base", "name": "Base", "threshold_minor": 0},
    ]
    known = Known(rewards=frozenset())
    assert said(program(tiers=tiers), known) == [("warning", "missing_reference", "/tiers/0/perks")]


def test_cashback_is_money_and_weighed_as_such() -> None:
    wallets = [{"key": "points", "name": "Cash", "kind": "cashback"}]
    budgets = [{"key": "b", "name": "B", "money_minor": 5}]
    rule = {"effects": [{**POINTS, "points": 30, "per_minor": 100}], "budget": "b"}
    assert said(program(rule, wallets=wallets, budgets=budgets)) == [
        ("warning", "negative_margin", "/rules/0/effects")
    ]


def reasons(revision: Any, known: Known = Known()) -> list[tuple[str, str]]:  # noqa: B008 - immutable
    return [(finding.reason.value, finding.pointer) for finding in lint(revision, known)]


@pytest.mark.parametrize(
    "condition",
    [
        {"time": "hour", "op": "gte", "value": 24},
        {"time": "weekday", "op": "in", "value": [0, 8]},
        {"time": "month", "op": "eq", "value": 13},
        {"order": "number", "op": "lt", "value": 1},
        {"order": "number", "op": "eq", "value": 0},
        {"member": "orders_before", "op": "lte", "value": -1},
    ],
)
def test_a_value_that_a_fact_never_has_is_an_error(condition: dict[str, Any]) -> None:
    assert reasons(program({"when": {"all": [condition, {"order": "units", "op": "gte", "value": 1}]}})) == [
        ("never_such_value", "/rules/0/when")
    ]
    assert reasons(program({"when": {"any": [condition, {"order": "units", "op": "gte", "value": 1}]}})) == []


def test_values_at_the_edge_are_possible() -> None:
    edges = [
        {"time": "hour", "op": "gte", "value": 23},
        {"time": "weekday", "op": "in", "value": [0, 7]},
        {"order": "number", "op": "lte", "value": 1},
        {"member": "orders_before", "op": "lt", "value": 1},
    ]
    for edge in edges:
        assert reasons(program({"when": edge})) == []


def test_only_events_and_returns_have_properties() -> None:
    stars = {"property": "stars", "op": "gte", "value": 3}
    by_stars = {"effects": [{**POINTS, "per_property": "stars"}]}
    revision = program(
        {"when": stars}, by_stars, {"when": {**stars, "op": "missing", "value": None}},
        {"when": stars, "trigger": "event", "event": "review", "caps": [{"per": "day", "times": 1}]},
        {"when": stars, "trigger": "return", "caps": [{"per": "day", "times": 1}]},
    )  # fmt: skip
    found = [each for each in reasons(revision) if each[0] == "no_properties"]
    assert found == [("no_properties", "/rules/0/when"), ("no_properties", "/rules/1/effects")]


def test_what_must_and_must_not_hold_at_once_never_does() -> None:
    web = {"order": "channel", "op": "eq", "value": "web"}
    either = {"order": "channel", "op": "in", "value": ["web", "app"]}
    assert reasons(program({"when": {"all": [web, {"not": either}]}})) == [
        ("conditions_exclude", "/rules/0/when")
    ]
    assert reasons(program({"when": {"all": [either, {"not": web}]}})) == []


def test_rules_that_have_ended_or_may_give_nothing_are_told() -> None:
    revision = program({"ends_at": "2026-03-14T09:00:00Z"}, {"caps": [{"per": "day", "points": 0}]})
    known = Known(at=datetime(2026, 3, 14, 9, tzinfo=UTC))
    told = [each for each in lint(revision, known) if each.code == "unreachable"]
    assert [(each.pointer, each.detail) for each in told] == [
        ("/rules/0", "Its last day was 2026-03-14."), ("/rules/1/caps", "A cap of 0 lets it give nothing."),
    ]  # fmt: skip
    earlier = Known(at=datetime(2026, 3, 14, 8, 59, tzinfo=UTC))
    assert ("has_ended", "/rules/0") not in reasons(revision, earlier)


def at_least(amount: int, **more: Any) -> dict[str, Any]:
    return {"when": {**TOTAL, "op": "gte", "value": amount}, **more}


def test_conditions_that_can_hold_together_overlap_unless_rules_exclude_each_other() -> None:
    assert reasons(program(at_least(5000), at_least(1000))) == [("both_pay", "/rules/1")]
    assert reasons(program(at_least(5000, group="g"), at_least(1000, group="g"))) == []
    below = {"when": {**TOTAL, "op": "lt", "value": 5000}}
    assert reasons(program(at_least(5000), below)) == []
    part = {"when": {"all": [at_least(1000)["when"], below["when"]]}}
    assert reasons(program(at_least(3000), part)) == [("both_pay", "/rules/1")]
    other_fact = {"when": {"order": "channel", "op": "eq", "value": "web"}}
    assert reasons(program(at_least(5000), other_fact)) == []


def test_a_narrower_rule_behind_one_that_ends_the_list_never_gets_its_turn() -> None:
    assert reasons(program(at_least(1000, stops=True), at_least(1000.5))) == [("stopped_before", "/rules/1")]
    assert reasons(program(at_least(1000, stops=True), at_least(999))) == []


def test_formulas_of_money_and_several_multipliers_are_weighed() -> None:
    def formula(weight: str, **more: Any) -> dict[str, Any]:
        term = {"order": "total_minor", "weight": weight}
        return {"effects": [{"type": "formula", "wallet": "points", "terms": [term], **more}]}

    # A point costs a cent: 0.15 of a point a cent is 15 percent, and twice doubled it is 45.
    assert reasons(program(formula("0.15"))) == []
    assert lint(program(formula("0.25")))[0].parameters == {"percent": 25}
    assert reasons(program(formula("1"))) == [("gives_back", "/rules/0/effects")]
    assert reasons(program(formula("1", at_most=5))) == [("may_give_back", "/rules/0/effects")]
    twice = {"effects": [{"type": "multiplier", "wallet": "points", "percent": 200}]}
    (finding,) = lint(program(formula("0.15"), twice, twice))
    assert (finding.reason, finding.parameters) == (Reason.MAY_GIVE_BACK, {"percent": 45})
    grouped = program(formula("0.15"), {**twice, "group": "g"}, {**twice, "group": "g"})
    assert [each.parameters for each in lint(grouped) if each.code == "negative_margin"] == [{"percent": 30}]


def test_what_members_have_and_the_program_drops_is_told() -> None:
    held = {
        "wallets": frozenset({"points", "gems"}),
        "tiers": frozenset({"gold"}),
        "challenges": frozenset({"c"}),
    }
    told = [(each.code, each.pointer, each.detail) for each in lint(program(), Known(held=held))]
    assert told == [
        ("still_held", "/challenges", "Members still have the challenge 'c'."),
        ("still_held", "/tiers", "Members still have the tier 'gold'."),
        ("still_held", "/wallets", "Members still have the wallet 'gems'."),
    ]


def test_a_rule_that_overlaps_with_many_is_told_with_a_few_of_them() -> None:
    said_of_all = lint(program(*[at_least(number) for number in range(40)]))
    found = [each for each in said_of_all if each.reason is Reason.BOTH_PAY]
    told = [each.parameters["other"] for each in found if each.rule == "r39"]
    assert told == ["r0", "r1", "r2"]
    assert len(found) == 1 + 2 + 3 * 37
