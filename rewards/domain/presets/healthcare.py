"""Health: keeping appointments and goals; no names, no diagnoses, and perks without cash only."""

from __future__ import annotations

from typing import Any, Final

from rewards.domain.presets.definition import (
    Habit,
    Preset,
    PresetReward,
    PresetSegment,
    Traffic,
)
from rewards.domain.presets.definition import (
    gettext_noop as _,
)
from rewards.domain.presets.document_parts import (
    count,
    earned_points,
    ends_after,
    event_rule,
    monthly_budget,
    pays,
    streak,
    wallet,
)
from rewards.domain.presets.voices.healthcare import VOICES


def _document(unit: int) -> dict[str, Any]:
    return {
        "wallets": wallet(_("Wellness points"), thousand_points_minor=10 * unit, months=12),
        **earned_points(
            [("start", _("Beginner"), 0), ("steady", _("Steady"), 120), ("strong", _("Strong"), 300)]
        ),
        "rules": [
            event_rule("visit", _("For an appointment kept"), "appointment_kept", 20, per="month", times=4),
            event_rule("goal", _("For a goal logged"), "goal_logged", 2, times=1),
            {**event_rule("survey", _("For a survey answered"), "survey_answered", 10, per="month", times=2),
             **ends_after(2)},
        ],
        "budgets": monthly_budget(50_000),
        "challenges": [
            {"key": "adherence", "name": _("Seven days with your goal, at most two days between them"),
             "opt_in": True, "goal": streak("goal_logged", 7, gap=2), "recurrence": "on_completion",
             "limits": {"per_customer": 12}, "rewards": pays(20)},
            {"key": "refill", "name": _("Refill in time, twice a quarter"),
             "goal": count("prescription_refilled", 2), "window": {"kind": "rolling", "days": 90},
             "recurrence": "on_completion", "limits": {"per_customer": 8}, "rewards": pays(30)},
            {"key": "check-up", "name": _("Come to your check-up and tell us how it was"),
             "goal": {"kind": "sequence", "steps": [
                 {"key": "visit", "name": _("Appointment"), "match": {"event": "appointment_kept"}},
                 {"key": "survey", "name": _("Survey"), "match": {"event": "survey_answered"}}]},
             "rewards": pays(25)},
        ],
    }  # fmt: skip


PRESET: Final = Preset(
    key="healthcare",
    document=_document,
    rewards=(
        PresetReward("class", _("A cooking or movement class"), 60, "experience", stock=80),
        PresetReward("donation", _("A donation to patient care"), 50, "donation"),
    ),
    segments=(
        PresetSegment("steady-members", _("Members above the first level"),
                      {"loyalty": "tier", "op": "ne", "value": "start"}),
    ),
    traffic=Traffic(
        members=200,
        habits=(
            Habit("goal_logged", 3.5),
            Habit("appointment_kept", 0.15),
            Habit("prescription_refilled", 0.12),
            Habit("survey_answered", 0.15),
        ),
        # Sensitive by default: members are numbers here, and events carry no properties.
        has_names=False,
        goodwill=10,
        voices=VOICES,
    ),
)  # fmt: skip
