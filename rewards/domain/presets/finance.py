"""Banking and payments: paying on time; capped perks without cash, because inducements are regulated."""

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
    wallet,
)
from rewards.domain.presets.voices.finance import VOICES


def _document(unit: int) -> dict[str, Any]:
    return {
        "wallets": wallet(_("Points"), thousand_points_minor=10 * unit, months=24),
        **earned_points(
            [("basic", _("Basic"), 0), ("plus", _("Advanced"), 120), ("premier", _("Premier"), 200)]
        ),
        "rules": [
            event_rule("bill", _("For a bill paid"), "bill_paid", 5, per="month", times=6),
            event_rule("saving", _("For putting money aside"), "deposit_made", 3, per="month", times=4),
            {**event_rule("verified", _("For completing the identity check"), "kyc_completed", 20,
                          per="program", times=1), **ends_after(2)},
        ],
        "budgets": monthly_budget(50_000),
        "challenges": [
            {"key": "on-time", "name": _("Three bills on time this month"),
             "goal": {"kind": "count", "target": 3, "match": {"event": "bill_paid",
                      "where": {"property": "on_time", "op": "eq", "value": True}}},
             "recurrence": "monthly", "rewards": pays(15)},
            {"key": "saver", "name": _("Put money aside four weeks in a row"),
             "goal": {"kind": "streak", "match": {"event": "deposit_made"}, "target": 4, "unit": "week"},
             "recurrence": "on_completion", "limits": {"per_customer": 6}, "rewards": pays(25)},
            {"key": "set-up", "name": _("Open, verify, pay in"), "rewards": pays(20),
             "goal": {"kind": "set", "tasks": [
                 {"key": "open", "name": _("Account"), "goal": count("account_opened", 1)},
                 {"key": "verify", "name": _("Identity check"), "goal": count("kyc_completed", 1)},
                 {"key": "pay-in", "name": _("First deposit"), "goal": count("deposit_made", 1)}]}},
        ],
    }  # fmt: skip


PRESET: Final = Preset(
    key="finance",
    document=_document,
    rewards=(
        PresetReward("money-course", _("A course on budgeting"), 40, "experience"),
        PresetReward("tree", _("A tree planted"), 60, "donation"),
        PresetReward("lounge-visit", _("A visit to the branch lounge"), 120, "experience", stock=50),
        PresetReward("fee-waiver", _("One fee waived"), 50, "coupon", coupon="fee-waiver"),
    ),
    # What is owed to the bank, never money in the hand.
    coupons=(
        PresetCoupon("fee-waiver", _("One fee waived"), kind="free_item", valid_days=45,
                     categories=("fees",)),
    ),
    campaigns=(PresetCampaign("fair-fees", _("Fair fees"), ("fee-waiver",), 500),),
    referral=PresetReferral(referrer_points=20, referee_points=10, event="kyc_completed"),
    segments=(
        PresetSegment("premier-members", _("Premier members"),
                      {"loyalty": "tier", "op": "eq", "value": "premier"}),
    ),
    traffic=Traffic(
        members=220,
        habits=(
            Habit("account_opened", 0.95, within_days=2),
            Habit("kyc_completed", 0.7, within_days=21),
            Habit("bill_paid", 0.9, {"on_time": (True, True, True, False), "kind": ("power", "rent")}),
            Habit("deposit_made", 0.6, {"kind": ("salary", "transfer", "saving")}),
            Habit("card_spent", 2.5, {"kind": ("groceries", "travel", "leisure")}),
        ),
        # What the bank charges for.
        shelf=(
            ShelfItem("card-fee", _("Card fee, a year"), "fees", 12),
            ShelfItem("transfer-fee", _("Transfer abroad"), "fees", 8),
            ShelfItem("statement-fee", _("Paper statements"), "fees", 5),
            ShelfItem("deposit-box", _("Safe deposit box"), "services", 40),
        ),
        orders_per_week=0.1,
        returned_share=0.03,
        brought_share=0.12,
        goodwill=10,
        voices=VOICES,
    ),
)  # fmt: skip
