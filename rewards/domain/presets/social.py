"""Communities: streaks and invitations, with caps a day that make farming pointless."""

from __future__ import annotations

from typing import Any, Final

from rewards.domain.presets.definition import (
    Habit,
    Preset,
    PresetCampaign,
    PresetCoupon,
    PresetReferral,
    PresetReward,
    PresetSegment,
    ShelfItem,
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
from rewards.domain.presets.voices.social import VOICES


def _document(unit: int) -> dict[str, Any]:
    return {
        "wallets": wallet(_("Karma"), thousand_points_minor=5 * unit, months=12),
        **earned_points(
            [("newcomer", _("Newcomer"), 0), ("regular", _("Regular"), 200), ("leader", _("Leader"), 800)]
        ),
        "rules": [
            event_rule("post", _("For a post"), "post_created", 5, times=3),
            event_rule("comment", _("For a comment"), "comment_created", 2, times=5),
            {**event_rule("invite", _("For a friend who joined"), "invite_accepted", 50, per="month",
                          times=10), **ends_after(2)},
        ],
        "budgets": monthly_budget(300_000),
        "challenges": [
            {"key": "week-streak", "name": _("Seven days in a row"), "goal": streak("session_started", 7),
             "recurrence": "on_completion", "limits": {"per_customer": 12}, "rewards": pays(40),
             "milestones": [{"at": 3, "rewards": pays(5)}]},
            {"key": "invite-friend", "name": _("Invite a friend"), "goal": count("invite_accepted", 1),
             "recurrence": "monthly", "rewards": pays(60)},
            {"key": "conversations", "name": _("Five comments this week"), "opt_in": True,
             "goal": count("comment_created", 5), "recurrence": "weekly", "rewards": pays(20)},
        ],
    }  # fmt: skip


PRESET: Final = Preset(
    key="social",
    document=_document,
    rewards=(
        PresetReward("profile-frame", _("A profile frame"), 100, "custom"),
        PresetReward("fan-shop", _("20 % off in the fan shop"), 250, "coupon", coupon="fan-shop"),
        PresetReward("ask-me-anything", _("An hour with the team"), 600, "experience", stock=20),
    ),
    coupons=(PresetCoupon("fan-shop", _("20 % off in the fan shop"), percent=2000),),
    campaigns=(PresetCampaign("fan-week", _("Fans first"), ("fan-shop",), 500),),
    referral=PresetReferral(referrer_points=40, referee_points=20, event="post_created"),
    segments=(
        PresetSegment("regulars", _("Members above the first level"), {"loyalty": "tier", "op": "ne",
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
        # The fan shop.
        shelf=(
            ShelfItem("mug", _("Mug"), "home", 15),
            ShelfItem("hoodie", _("Hoodie"), "clothes", 49),
            ShelfItem("poster", _("Poster"), "home", 12),
            ShelfItem("stickers", _("Stickers"), "home", 6),
        ),
        orders_per_week=0.05,
        returned_share=0.06,
        brought_share=0.15,
        voices=VOICES,
    ),
)  # fmt: skip
