"""Learning: modules and study streaks; who is a minor is rewarded only with a guardian's consent."""

from __future__ import annotations

from typing import Any, Final

from rewards.domain.presets.definition import (
    Habit,
    Preset,
    PresetCampaign,
    PresetCoupon,
    PresetReward,
    PresetSegment,
    ShelfItem,
    Traffic,
)
from rewards.domain.presets.definition import (
    gettext_noop as _,
)
from rewards.domain.presets.document_parts import (
    earned_points,
    event_rule,
    monthly_budget,
    pays,
    streak,
    wallet,
)
from rewards.domain.presets.voices.education import VOICES

ALLOWED: Final = "may-be-rewarded"
# What was handed in counts for the term and the one after it.
TERM: Final = {"kind": "calendar", "period": "quarter"}


def _document(unit: int) -> dict[str, Any]:
    # Without the guardian's consent nothing of a minor counts, whatever was begun.
    audience = {"segment": ALLOWED, "leaving": "pause"}
    rules = [
        event_rule("lesson", _("For a lesson"), "lesson_completed", 5, times=6),
        event_rule("quiz", _("For a quiz passed"), "quiz_passed", 15, times=3),
        {
            **event_rule(
                "assignment", _("For an assignment"), "assignment_submitted", 25, per="week", times=5
            ),
            "expiry": TERM,
        },
    ]
    return {
        "wallets": wallet(_("Stars"), thousand_points_minor=5 * unit, months=None),
        **earned_points(
            [("starter", _("Starter"), 0), ("scholar", _("Scholar"), 500), ("mentor", _("Mentor"), 1200)]
        ),
        "rules": [{**rule, "audience": [ALLOWED]} for rule in rules],
        "budgets": monthly_budget(300_000),
        "challenges": [
            {"key": "study-streak", "name": _("Five study days with at most one day between them"),
             "goal": streak("lesson_completed", 5, gap=1), "recurrence": "on_completion",
             "limits": {"per_customer": 20}, "audience": audience, "rewards": pays(30)},
            {"key": "whole-module", "name": _("Finish a module: lessons, then the quiz, then the assignment"),
             "goal": {"kind": "sequence", "steps": [
                 {"key": "lesson", "name": _("Lesson"), "match": {"event": "lesson_completed"}},
                 {"key": "quiz", "name": _("Quiz"), "match": {"event": "quiz_passed",
                  "where": {"property": "score", "op": "gte", "value": 70}}},
                 {"key": "assignment", "name": _("Assignment"), "match": {"event": "assignment_submitted"}}]},
             "recurrence": "on_completion", "limits": {"per_customer": 10}, "audience": audience,
             "rewards": pays(60)},
            {"key": "all-rounder", "name": _("Lessons in four subjects within a week"),
             "goal": {"kind": "distinct", "match": {"event": "lesson_completed"}, "of": "subject",
                      "target": 4},
             "window": {"kind": "rolling", "days": 7}, "audience": audience, "rewards": pays(50)},
        ],
    }  # fmt: skip


PRESET: Final = Preset(
    key="education",
    document=_document,
    rewards=(
        PresetReward("stickers", _("A set of stickers"), 60, "custom", segments=(ALLOWED,)),
        PresetReward("certificate", _("A printed certificate"), 300, "custom", segments=(ALLOWED,)),
        PresetReward("course-discount", _("15 % off the next course"), 600, "coupon",
                     coupon="course-discount", segments=(ALLOWED,)),
        PresetReward("tutoring", _("An hour of tutoring"), 1500, "experience", stock=60, segments=(ALLOWED,)),
        PresetReward("book-donation", _("A book for a school library"), 400, "donation", segments=(ALLOWED,)),
    ),
    coupons=(PresetCoupon("course-discount", _("15 % off the next course"), percent=1500, valid_days=180),),
    campaigns=(PresetCampaign("next-course", _("Go on learning"), ("course-discount",), 500),),
    segments=(
        PresetSegment(
            ALLOWED, _("Adults, and minors with consent"),
            {"any": [{"attribute": "is_minor", "op": "eq", "value": False},
                     {"attribute": "guardian_consent", "op": "eq", "value": True}]},
        ),
        PresetSegment("minors", _("Minors"), {"attribute": "is_minor", "op": "eq", "value": True}),
    ),
    traffic=Traffic(
        members=220,
        habits=(
            Habit("lesson_completed", 3.0, {"subject": ("maths", "history", "english", "art", "physics")}),
            Habit("quiz_passed", 0.8, {"score": (55, 70, 80, 90, 100)}),
            Habit("assignment_submitted", 0.4),
        ),
        shelf=(
            ShelfItem("algebra", _("Course: algebra"), "courses", 49),
            ShelfItem("essays", _("Course: writing essays"), "courses", 39),
            ShelfItem("painting", _("Course: painting"), "courses", 59),
            ShelfItem("workbook", _("Workbook"), "books", 18),
        ),
        orders_per_week=0.06,
        returned_share=0.05,
        voices=VOICES,
        attributes={"is_minor": (False, False, True), "guardian_consent": (True, False)},
    ),
)  # fmt: skip
