"""Shops: points for what is bought, repeat orders and first purchases; returns take everything back."""

from __future__ import annotations

from typing import Any, Final

from rewards.domain.presets.definition import (
    WALLET,
    Habit,
    Preset,
    PresetCoupon,
    PresetReward,
    PresetSegment,
    ShelfItem,
    Traffic,
    event_rule,
    monthly_budget,
    pays,
    wallet,
)


def _document(unit: int) -> dict[str, Any]:
    return {
        "wallets": wallet("Points", thousand_points_minor=10 * unit),
        "tiers": [
            {"key": "member", "name": "Member", "threshold_minor": 0},
            {"key": "silver", "name": "Silver", "threshold_minor": 150 * unit,
             "perks": {"entitlements": ["early-access"]}},
            {"key": "gold", "name": "Gold", "threshold_minor": 400 * unit,
             "perks": {"free_shipping": True, "entitlements": ["early-access"],
                       "rewards": ["preview-evening"]}},
        ],
        "qualification": {
            "window": "rolling_months", "length": 12, "validity": "months", "valid_months": 12,
            "grace_days": 30, "downgrade": "single_step",
        },
        "rules": [
            {"key": "purchase", "name": "Points for purchases", "wallet": WALLET, "priority": 10, "points": 1,
             "per_minor": unit, "tier_percent": {"member": 100, "silver": 110, "gold": 125}},
            {"key": "welcome", "name": "Welcome bonus on the first order", "wallet": WALLET, "priority": 20,
             "points": 50, "conditions": [{"field": "customer.orders_before", "op": "at_most", "value": 0}]},
            event_rule("review", "Thanks for a review", "review_posted", 20, per="month", times=3),
        ],
        "budgets": monthly_budget(200_000),
        "challenges": [
            {"key": "three-orders", "name": "Three orders in 60 days",
             "goal": {"kind": "count", "match": {"where": {"property": "total_minor", "op": "gte",
                                                           "value": 20 * unit}}, "target": 3},
             "window": {"kind": "rolling", "days": 60}, "recurrence": "on_completion",
             "rewards": [*pays(150), {"kind": "coupon", "coupon": "ten-percent"}],
             "milestones": [{"at": 2, "rewards": pays(25)}], "limits": {"per_customer": 4}},
            {"key": "explorer", "name": "Shop in three categories", "opt_in": True,
             "goal": {"kind": "distinct", "match": {}, "of": "category", "target": 3}, "rewards": pays(100)},
            {"key": "first-month", "name": "Settle in: order and review in your first 30 days",
             "goal": {"kind": "set", "tasks": [
                 {"key": "order", "name": "Place an order",
                  "goal": {"kind": "count", "match": {}, "target": 1}},
                 {"key": "review", "name": "Write a review",
                  "goal": {"kind": "count", "match": {"event": "review_posted"}, "target": 1}}]},
             "window": {"kind": "since_joining", "days": 30}, "rewards": pays(80)},
        ],
    }  # fmt: skip


PRESET: Final = Preset(
    key="ecommerce",
    document=_document,
    rewards=(
        PresetReward("free-shipping", "Free shipping on the next order", 80, "coupon"),
        PresetReward("gift-card-10", "Gift card of 10", 500, "gift_card"),
        PresetReward("tote-bag", "A tote bag", 300, "product", stock=200),
        PresetReward("preview-evening", "Preview of the next collection", 400, "experience", stock=40),
    ),
    coupons=(
        PresetCoupon("ten-percent", "10 % off", percent=1000, minimum_units=30),
        PresetCoupon("five-off", "5 off from 40", amount_units=5, minimum_units=40),
    ),
    segments=(
        PresetSegment("repeat-buyers", "Repeat buyers", {"orders": "count", "op": "gte", "value": 2}),
        PresetSegment(
            "lapsing", "Bought once, silent for 30 days",
            {"all": [{"orders": "count", "op": "gte", "value": 1},
                     {"orders": "days_since_last", "op": "gte", "value": 30}]},
        ),
    ),
    traffic=Traffic(
        members=240,
        habits=(
            Habit("product_viewed", 2.0, {"category": ("shirts", "shoes", "bags", "home")}),
            Habit("product_added", 0.6, {"category": ("shirts", "shoes", "bags", "home")}),
            Habit("review_posted", 0.12, {"stars": (3, 4, 5, 5)}),
        ),
        shelf=(
            ShelfItem("tee", "Cotton tee", "shirts", 24),
            ShelfItem("oxford", "Oxford shirt", "shirts", 59),
            ShelfItem("runner", "Running shoe", "shoes", 89),
            ShelfItem("loafer", "Loafer", "shoes", 119),
            ShelfItem("tote", "Canvas tote", "bags", 35),
            ShelfItem("candle", "Candle", "home", 18),
            ShelfItem("throw", "Wool throw", "home", 74),
        ),
        orders_per_week=0.22,
        returned_share=0.06,
    ),
)  # fmt: skip
