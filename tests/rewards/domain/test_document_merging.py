"""Three ways of one document into one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.domain.document_merging import Clash, Side, merge

BASE: dict[str, Any] = {
    "schema": 1,
    "rules": [{"key": "a", "name": "A", "points": 1}, {"key": "b", "name": "B", "points": 1}],
    "policies": {"late": 7, "velocity_limits": [{"kind": "refunds", "most": 3}]},
}


def with_rules(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**BASE, "rules": list(rules), **more}


def rule(key: str, points: int = 1) -> dict[str, Any]:
    return {"key": key, "name": key.upper(), "points": points}


def test_what_one_side_changed_is_as_that_side_has_it() -> None:
    draft = with_rules(rule("a", 2), rule("b"), rule("mine"))
    in_force = with_rules(rule("new"), rule("a"), rule("b", 9), rule("theirs"), coupons=[{"key": "ten"}])
    merged = merge(BASE, draft, in_force)
    assert merged.clashes == ()
    assert [(each["key"], each["points"]) for each in merged.document["rules"]] == [
        ("new", 1), ("a", 2), ("b", 9), ("theirs", 1), ("mine", 1),
    ]  # fmt: skip
    assert merged.document["coupons"] == [{"key": "ten"}]


def test_what_both_changed_alike_or_one_took_away_is_no_question() -> None:
    same = with_rules(rule("a", 5), rule("b"))
    assert merge(BASE, same, same).document == same
    assert merge(BASE, with_rules(rule("b")), BASE).document["rules"] == [rule("b")]
    assert merge(BASE, BASE, with_rules(rule("b"))).document["rules"] == [rule("b")]
    gone = {name: value for name, value in BASE.items() if name != "rules"}
    assert merge(BASE, BASE, gone).document == gone


@pytest.mark.parametrize(
    ("draft", "in_force", "clash"),
    [
        (with_rules(rule("a", 2), rule("b")), with_rules(rule("a", 3), rule("b")),
         Clash("rules/a", "A", rule("a"), rule("a", 2), rule("a", 3))),
        (with_rules(rule("b")), with_rules(rule("a", 3), rule("b")),
         Clash("rules/a", "A", rule("a"), None, rule("a", 3))),
        (with_rules(rule("a", 2), rule("b")), with_rules(rule("b")),
         Clash("rules/a", "A", rule("a"), rule("a", 2), None)),
        ({**BASE, "policies": {**BASE["policies"], "late": 1}},
         {**BASE, "policies": {**BASE["policies"], "late": 2}},
         Clash("policies/late", "late", 7, 1, 2)),
        ({**BASE, "policies": {"late": 7, "velocity_limits": [{"kind": "refunds", "most": 1}]}},
         {**BASE, "policies": {"late": 7, "velocity_limits": [{"kind": "refunds", "most": 2}]}},
         Clash("policies/velocity_limits/refunds", "refunds", {"kind": "refunds", "most": 3},
               {"kind": "refunds", "most": 1}, {"kind": "refunds", "most": 2})),
    ],
)  # fmt: skip
def test_what_both_changed_differently_is_named_and_settled_by_a_choice(
    draft: dict[str, Any], in_force: dict[str, Any], clash: Clash
) -> None:
    merged = merge(BASE, draft, in_force)
    assert (merged.clashes, merged.document) == ((clash,), draft)
    for side, wanted in ((Side.DRAFT, draft), (Side.IN_FORCE, in_force)):
        settled = merge(BASE, draft, in_force, {clash.path: side})
        assert (settled.clashes, settled.document) == ((), wanted)


def test_policies_are_merged_member_by_member() -> None:
    draft = {**BASE, "policies": {**BASE["policies"], "late": 1}}
    in_force = {**BASE, "policies": {**BASE["policies"], "velocity_limits": []}}
    merged = merge(BASE, draft, in_force)
    assert (merged.clashes, merged.document["policies"]) == ((), {"late": 1, "velocity_limits": []})


RULE = st.builds(rule, st.sampled_from("abcd"), st.integers(1, 3))
RULES = st.lists(RULE, unique_by=lambda each: each["key"])


@given(RULES, RULES, RULES)
def test_no_change_of_either_side_is_lost(
    before: list[dict[str, Any]], draft: list[dict[str, Any]], in_force: list[dict[str, Any]]
) -> None:
    was, mine, theirs = ({each["key"]: each for each in side} for side in (before, draft, in_force))
    merged = merge({"rules": before}, {"rules": draft}, {"rules": in_force})
    found = {each["key"]: each for each in merged.document.get("rules", [])}
    clashing = {clash.path.partition("/")[2] for clash in merged.clashes}
    for key in {*was, *mine, *theirs}:
        if key in clashing:
            assert mine.get(key) != was.get(key) != theirs.get(key) != mine.get(key)
        elif mine.get(key) == was.get(key):
            assert found.get(key) == theirs.get(key)
        else:
            assert found.get(key) == mine.get(key)
