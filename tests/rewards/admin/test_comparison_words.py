"""Whatever a revision changes of challenges, tiers, budgets and policies has words, beside any other change.

A reviewer who reads that a name was changed must not miss that a target was, too.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from rewards.admin import comparison_words
from rewards.domain.documents import parse

LESSON = {"event": "lesson", "where": {"property": "score", "op": "gte", "value": 70}}
POINTS = [{"kind": "points", "wallet": "points", "points": 5}]
DOCUMENT: dict[str, Any] = {
    "wallets": [{"key": "points", "name": "Points"}, {"key": "status", "name": "Status"}],
    "tiers": [
        {"key": "base", "name": "Base", "thresholds": {"earned": 10}, "perks": {
            "free_shipping": True, "entitlements": ["lounge"], "rewards": ["mug"], "prices": {"cap": 5},
            "price_list": "vip", "costs": {"price_list": {"cost_minor": 100, "per": "month"}}}},
    ],
    "qualification": {
        "criteria": [
            {"key": "earned", "metric": "points", "wallet": "points"},
            {"key": "score", "metric": "score", "weights": {"clv": "0.5"}, "bias": "1"},
        ],
        "combination": "any", "window": "quarter", "validity": "next_period", "grace_days": 3,
        "downgrade": "single_step", "soft_landing_days": 4,
    },
    "budgets": [{"key": "b", "name": "B", "period": "month", "points": 10, "money_minor": 20}],
    "policies": {
        "backdating_days": 3, "member_caps": [{"wallet": "points", "per": "day", "points": 9}],
        "velocity_limits": [{"kind": "refunds", "most": 3, "window_hours": 24}],
    },
    "challenges": [
        {"key": "streak", "name": "S", "rewards": POINTS, "description": "D", "opt_in": True,
         "goal": {"kind": "streak", "match": LESSON, "target": 5, "unit": "day", "gap": 1, "each": 2},
         "window": {"kind": "dates", "starts_on": "2026-03-01", "ends_on": "2026-09-01"},
         "recurrence": "on_completion", "milestones": [{"at": 2, "rewards": POINTS}],
         "audience": {"segment": "vip", "tiers": ["base"], "leaving": "pause"},
         "limits": {"per_customer": 3, "total": 9}, "rolls_back": True},
        {"key": "steps", "name": "S", "rewards": POINTS, "goal": {"kind": "sequence", "steps": [
            {"key": "a", "name": "A", "match": LESSON}, {"key": "b", "name": "B", "match": {}}]}},
        {"key": "tasks", "name": "T", "rewards": POINTS, "window": {"kind": "rolling", "days": 30},
         "goal": {"kind": "set", "needed": 1, "tasks": [
            {"key": "a", "name": "A", "goal": {"kind": "count", "match": {"categories": ["X"]}, "target": 2}},
            {"key": "b", "name": "B", "goal": {
                "kind": "sum", "match": {"skus": ["x"]}, "of": "units", "target": 3}}]}},
    ],
}  # fmt: skip
CHANGES: list[tuple[str, Any]] = [
    ("tiers/0/name", "New"), ("tiers/0/thresholds/earned", 11), ("tiers/0/perks/free_shipping", False),
    ("tiers/0/perks/entitlements", []), ("tiers/0/perks/rewards", []), ("tiers/0/perks/prices/cap", 6),
    ("tiers/0/perks/price_list", "top"), ("tiers/0/perks/costs/price_list/cost_minor", 101),
    ("tiers/0/perks/costs/price_list/per", "order"), ("qualification/criteria/0/wallet", "status"),
    ("qualification/criteria/1/weights/clv", "0.6"), ("qualification/criteria/1/bias", "2"),
    ("qualification/combination", "all"), ("qualification/window", "half_year"),
    ("qualification/validity", "while_qualified"), ("qualification/grace_days", 4),
    ("qualification/downgrade", "full"), ("qualification/soft_landing_days", 5), ("budgets/0/name", "New"),
    ("budgets/0/period", "week"), ("budgets/0/points", 11), ("budgets/0/money_minor", 21),
    ("budgets/0/when_exhausted", "give_nothing"), ("policies/backdating_days", 4),
    ("policies/member_caps/0/points", 8), ("policies/member_caps/0/per", "week"),
    ("policies/velocity_limits/0/most", 4), ("policies/velocity_limits/0/window_hours", 25),
    ("policies/velocity_limits/0/kind", "transfers"), ("challenges/0/name", "New"),
    ("challenges/0/description", "New"), ("challenges/0/opt_in", False), ("challenges/0/goal/target", 6),
    ("challenges/0/goal/unit", "week"), ("challenges/0/goal/gap", 2), ("challenges/0/goal/each", 3),
    ("challenges/0/goal/match/event", "quiz"), ("challenges/0/goal/match/where/value", 80),
    ("challenges/0/window/starts_on", "2026-03-02"), ("challenges/0/window/ends_on", "2026-09-02"),
    ("challenges/0/recurrence", "none"), ("challenges/0/milestones/0/at", 3),
    ("challenges/0/milestones/0/rewards", [{"kind": "message", "message": "m"}]),
    ("challenges/0/rewards/0/points", 6), ("challenges/0/rewards/0/wallet", "status"),
    ("challenges/0/audience/segment", "new"), ("challenges/0/audience/tiers", []),
    ("challenges/0/audience/leaving", "go_on"), ("challenges/0/limits/per_customer", 4),
    ("challenges/0/limits/total", 8), ("challenges/0/rolls_back", False),
    ("challenges/0/budget", "b"), ("policies/exchange_rates", {"JPY": "0.0067"}),
    ("challenges/1/goal/steps/0/name", "New"), ("challenges/1/goal/steps/0/match/event", "quiz"),
    ("challenges/1/goal/steps/1/match", {"categories": ["X"]}), ("challenges/2/window/days", 31),
    ("challenges/2/goal/needed", 2), ("challenges/2/goal/tasks/0/goal/target", 3),
    ("challenges/2/goal/tasks/0/goal/match/categories", ["Y"]),
    ("challenges/2/goal/tasks/1/goal/of", "amount_minor"),
    ("challenges/2/goal/tasks/1/goal/match/skus", ["y"]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), CHANGES, ids=[path for path, _value in CHANGES])
def test_every_change_has_words(path: str, value: Any) -> None:
    changed = deepcopy(DOCUMENT)
    section, *rest = path.split("/")
    at: Any = changed
    for name in (section, *rest[:-1]):
        at = at[int(name) if isinstance(at, list) else name]
    at[rest[-1]] = value
    key = DOCUMENT[section][int(rest[0])]["key"] if rest[0].isdigit() else ""
    before, after = (
        comparison_words.parts_of(section, key, parse(document), "USD") for document in (DOCUMENT, changed)
    )
    told = [label for label in after if before[label] != after[label]]
    assert told, path
