"""Short ways to write the document of a preset."""

from __future__ import annotations

from typing import Any

from rewards.domain.presets.definition import BUDGET, WALLET, gettext_noop


def event_rule(
    key: str, name: str, event: str, points: int, *, per: str = "day", times: int, priority: int = 50
) -> dict[str, Any]:
    """Write a rule that pays for an event, at most so many times a period, out of the monthly budget."""
    return {
        "key": key,
        "name": name,
        "trigger": "event",
        "event": event,
        "priority": priority,
        "effects": [{"type": "points", "wallet": WALLET, "points": points}],
        "caps": [{"per": per, "times": times}],
        "budget": BUDGET,
    }


def ends_after(months: int) -> dict[str, Any]:
    """Write that a rule's points end earlier than the wallet's."""
    return {"expiry": {"kind": "rolling", "months": months}}


def pays(points: int) -> list[dict[str, Any]]:
    """Write the reward of a challenge."""
    return [{"kind": "points", "wallet": WALLET, "points": points}]


def streak(event: str, target: int, *, unit: str = "day", gap: int = 0) -> dict[str, Any]:
    return {"kind": "streak", "match": {"event": event}, "target": target, "unit": unit, "gap": gap}


def count(event: str, target: int) -> dict[str, Any]:
    return {"kind": "count", "match": {"event": event}, "target": target}


def wallet(
    name: str, *, thousand_points_minor: int | None, months: int | None = 24, pending_days: int = 0
) -> list[dict[str, Any]]:
    return [
        {
            "key": WALLET,
            "name": name,
            "expiry_months": months,
            "thousand_points_minor": thousand_points_minor,
            "pending": {"days": pending_days},
        }
    ]


def monthly_budget(points: int) -> list[dict[str, Any]]:
    name = gettext_noop("All rules and challenges, a month")
    return [{"key": BUDGET, "name": name, "period": "month", "points": points}]


def earned_points(tiers: list[tuple[str, str, int]]) -> dict[str, Any]:
    """Write a ladder by points earned in twelve months, held for a year and lost a step at a time."""
    return {
        "tiers": [
            {"key": key, "name": name, "threshold_minor": 0, "thresholds": {"earned": need} if need else {}}
            for key, name, need in tiers
        ],
        "qualification": {
            "criteria": [{"key": "earned", "metric": "points", "wallet": WALLET}],
            "window": "rolling_months",
            "length": 12,
            "validity": "months",
            "valid_months": 12,
            "grace_days": 30,
            "downgrade": "single_step",
        },
    }
