from __future__ import annotations

from typing import Any

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
    )
    known = Known(coupons=frozenset(), rewards=frozenset(), segments=frozenset())
    assert said(revision, known) == [
        ("error", "never_matches", "/rules/0/when"),
        ("error", "never_matches", "/rules/1/when"),
        ("error", "missing_reference", "/rules/2/audience"),
        ("error", "missing_reference", "/rules/2/effects"),
        ("error", "missing_reference", "/rules/3/effects"),
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
