"""Shops: points for what is bought, repeat orders and first purchases; returns take everything back."""

from __future__ import annotations

from typing import Any, Final

from rewards.domain.presets.definition import (
    BUDGET,
    WALLET,
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
    ends_after,
    event_rule,
    monthly_budget,
    pays,
    wallet,
)
from rewards.domain.presets.voices.ecommerce import VOICES


def _document(unit: int) -> dict[str, Any]:
    return {
        # What can still be sent back is not spent yet.
        "wallets": wallet(_("Points"), thousand_points_minor=10 * unit, pending_days=14),
        "tiers": [
            {"key": "member", "name": _("Member"), "threshold_minor": 0},
            {"key": "silver", "name": _("Silver"), "threshold_minor": 400 * unit,
             "perks": {"entitlements": ["early-access"]}},
            {"key": "gold", "name": _("Gold"), "threshold_minor": 800 * unit,
             "perks": {"free_shipping": True, "entitlements": ["early-access"],
                       "rewards": ["preview-evening"]}},
        ],
        "qualification": {
            "window": "rolling_months", "length": 12, "validity": "months", "valid_months": 12,
            "grace_days": 30, "downgrade": "single_step",
        },
        "rules": [
            {"key": "purchase", "name": _("Points for purchases"), "trigger": "order", "priority": 10,
             "budget": BUDGET, "effects": [
                 {"type": "points", "wallet": WALLET, "points": 1, "per_minor": unit,
                  "tier_percent": {"member": 100, "silver": 110, "gold": 125}}]},
            {"key": "welcome", "name": _("Welcome bonus on the first order"), "trigger": "order",
             "priority": 20, "budget": BUDGET,
             "when": {"member": "orders_before", "op": "lte", "value": 0},
             "effects": [{"type": "points", "wallet": WALLET, "points": 50}], **ends_after(2)},
            event_rule("review", _("Thanks for a review"), "review_posted", 20, per="month", times=3),
        ],
        "budgets": monthly_budget(500_000),
        "challenges": [
            {"key": "three-orders", "name": _("Three orders in 60 days"),
             "goal": {"kind": "count", "match": {"where": {"property": "total_minor", "op": "gte",
                                                           "value": 20 * unit}}, "target": 3},
             "window": {"kind": "rolling", "days": 60}, "recurrence": "on_completion",
             "rewards": [*pays(150), {"kind": "coupon", "coupon": "ten-percent"}],
             "milestones": [{"at": 2, "rewards": pays(25)}], "limits": {"per_customer": 4}},
            {"key": "explorer", "name": _("Shop in three categories"), "opt_in": True,
             "goal": {"kind": "distinct", "match": {}, "of": "category", "target": 3}, "rewards": pays(100)},
            {"key": "first-month", "name": _("Settle in: order and review in your first 30 days"),
             "goal": {"kind": "set", "tasks": [
                 {"key": "order", "name": _("Place an order"),
                  "goal": {"kind": "count", "match": {}, "target": 1}},
                 {"key": "review", "name": _("Write a review"),
                  "goal": {"kind": "count", "match": {"event": "review_posted"}, "target": 1}}]},
             "window": {"kind": "since_joining", "days": 30}, "rewards": pays(80)},
        ],
    }  # fmt: skip


PRESET: Final = Preset(
    key="ecommerce",
    document=_document,
    rewards=(
        PresetReward("free-shipping", _("Free shipping on the next order"), 80, "coupon",
                     coupon="free-shipping"),
        PresetReward("money-off", _("Money off a larger basket"), 200, "coupon", coupon="money-off"),
        PresetReward("gift-card", _("Gift card"), 500, "gift_card", coupon="gift-card"),
        PresetReward("tote-bag", _("A tote bag"), 300, "product", stock=200, needs_shipping=True),
        PresetReward("preview-evening", _("Preview of the next collection"), 400, "experience", stock=40),
    ),
    coupons=(
        PresetCoupon("ten-percent", _("10 % off"), percent=1000, minimum_units=30),
        PresetCoupon("money-off", _("Money off a larger basket"), kind="amount", amount_units=5,
                     minimum_units=40),
        PresetCoupon("free-shipping", _("Free shipping"), kind="shipping"),
        PresetCoupon("gift-card", _("Gift card"), kind="stored_value", amount_units=5, valid_days=None,
                     uses_per_code=None),
    ),
    campaigns=(
        PresetCampaign("come-back", _("Come back soon"), ("ten-percent", "money-off"), 2_000),
    ),
    segments=(
        PresetSegment("repeat-buyers", _("Repeat buyers"), {"orders": "count", "op": "gte", "value": 2}),
        PresetSegment(
            "lapsing", _("Bought once, silent for 30 days"),
            {"all": [{"orders": "count", "op": "gte", "value": 1},
                     {"orders": "days_since_last", "op": "gte", "value": 30}]},
        ),
    ),
    referral=PresetReferral(referrer_points=100, referee_points=50, minimum_units=20),
    traffic=Traffic(
        members=160,
        habits=(
            Habit("product_viewed", 2.0, {"category": ("shirts", "shoes", "bags", "home")}),
            Habit("product_added", 0.6, {"category": ("shirts", "shoes", "bags", "home")}),
            Habit("review_posted", 0.12, {"stars": (1, 2, 3, 4, 4, 5, 5, 5, 5)}),
        ),
        shelf=(
            ShelfItem("tee", _("Cotton tee"), "shirts", 24),
            ShelfItem("oxford", _("Oxford shirt"), "shirts", 59),
            ShelfItem("runner", _("Running shoe"), "shoes", 89),
            ShelfItem("loafer", _("Loafer"), "shoes", 119),
            ShelfItem("tote", _("Canvas tote"), "bags", 35),
            ShelfItem("candle", _("Candle"), "home", 18),
            ShelfItem("throw", _("Wool throw"), "home", 74),
        ),
        orders_per_week=0.22,
        returned_share=0.06,
        brought_share=0.15,
        voices=VOICES,
    ),
)  # fmt: skip
