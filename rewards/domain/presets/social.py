"""Communities: streaks and invitations, with caps a day that make farming pointless."""

from __future__ import annotations

from typing import Any, Final

from rewards.domain.presets.definition import (
    Habit,
    Preset,
    PresetReward,
    PresetSegment,
    Traffic,
    count,
    earned_points,
    event_rule,
    monthly_budget,
    pays,
    streak,
    wallet,
)


def _document(unit: int) -> dict[str, Any]:
    return {
        "wallets": wallet("Karma", thousand_points_minor=unit, months=12),
        **earned_points(
            [("newcomer", "Newcomer", 0), ("regular", "Regular", 200), ("leader", "Leader", 800)]
        ),
        "rules": [
            event_rule("post", "For a post", "post_created", 5, times=3),
            event_rule("comment", "For a comment", "comment_created", 2, times=5),
            event_rule("invite", "For a friend who joined", "invite_accepted", 50, per="month", times=10),
        ],
        "budgets": monthly_budget(300_000),
        "challenges": [
            {"key": "week-streak", "name": "Seven days in a row", "goal": streak("session_started", 7),
             "recurrence": "on_completion", "limits": {"per_customer": 12}, "rewards": pays(40),
             "milestones": [{"at": 3, "rewards": pays(5)}]},
            {"key": "invite-friend", "name": "Invite a friend", "goal": count("invite_accepted", 1),
             "recurrence": "monthly", "rewards": pays(60)},
            {"key": "conversations", "name": "Ten comments this week", "opt_in": True,
             "goal": count("comment_created", 10), "recurrence": "weekly", "rewards": pays(20)},
        ],
    }  # fmt: skip


PRESET: Final = Preset(
    key="social",
    document=_document,
    rewards=(
        PresetReward("profile-frame", "A profile frame", 100, "custom"),
        PresetReward("ask-me-anything", "An hour with the team", 600, "experience", stock=20),
    ),
    segments=(
        PresetSegment("regulars", "Members above the first level", {"loyalty": "tier", "op": "ne",
                                                                     "value": "newcomer"}),
    ),
    traffic=Traffic(
        members=260,
        habits=(
            Habit("session_started", 4.0, {"device": ("ios", "android", "web")}),
            Habit("post_created", 0.7, {"topic": ("travel", "food", "music")}),
            Habit("comment_created", 1.8),
            Habit("follow", 0.8),
            Habit("invite_accepted", 0.06),
        ),
    ),
)  # fmt: skip
