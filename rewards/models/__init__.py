"""Tables of the points ledger, the program and the catalogue."""

from rewards.models.abuse import AbuseReview, ReviewState, VelocityKind, VelocityLimit
from rewards.models.account import Account
from rewards.models.adjustment_request import AdjustmentRequest, AdjustmentState
from rewards.models.budget_usage import BudgetUsage
from rewards.models.challenge_contribution import ChallengeContribution
from rewards.models.challenge_participation import ChallengeParticipation
from rewards.models.challenge_progress import ChallengeProgress, ChallengeState
from rewards.models.coupon_campaign import CouponCampaign, CouponRecipient
from rewards.models.coupon_code import CodeState, CouponCode, CouponPool, PoolKind
from rewards.models.coupon_definition import (
    CouponBase,
    CouponConflict,
    CouponDefinition,
    CouponItem,
    CouponKind,
)
from rewards.models.coupon_period import CouponPeriod
from rewards.models.coupon_redemption import (
    CouponCounter,
    CouponRedemption,
    CouponRedemptionState,
    CouponUse,
)
from rewards.models.decision_record import DecisionEvent, DecisionRecord
from rewards.models.hold import Hold, HoldState
from rewards.models.hold_line import HoldLine
from rewards.models.ledger_entry import LedgerEntry
from rewards.models.ledger_transaction import LedgerTransaction, TransactionKind
from rewards.models.liability_snapshot import LiabilitySnapshot
from rewards.models.lot import Lot, LotState
from rewards.models.owed_gift import GiftKind, GiverKind, OwedGift
from rewards.models.posting_actor import PostingActor
from rewards.models.program import Program, RehearsalPolicy
from rewards.models.program_revision import ProgramRevision, RevisionState
from rewards.models.redemption import Redemption, RedemptionState
from rewards.models.referral import (
    Referral,
    ReferralCode,
    ReferralProgram,
    ReferralQualification,
    ReferralRewardKind,
    ReferralState,
)
from rewards.models.rehearsal import Rehearsal
from rewards.models.reward import Reward, RewardKind, RewardPrice
from rewards.models.tier_change import TierChange, TierMove
from rewards.models.tier_membership import TierMembership
from rewards.models.wallet import Wallet

__all__ = [
    "AbuseReview",
    "Account",
    "AdjustmentRequest",
    "AdjustmentState",
    "BudgetUsage",
    "ChallengeContribution",
    "ChallengeParticipation",
    "ChallengeProgress",
    "ChallengeState",
    "CodeState",
    "CouponBase",
    "CouponCampaign",
    "CouponCode",
    "CouponConflict",
    "CouponCounter",
    "CouponDefinition",
    "CouponItem",
    "CouponKind",
    "CouponPeriod",
    "CouponPool",
    "CouponRecipient",
    "CouponRedemption",
    "CouponRedemptionState",
    "CouponUse",
    "DecisionEvent",
    "DecisionRecord",
    "GiftKind",
    "GiverKind",
    "Hold",
    "HoldLine",
    "HoldState",
    "LedgerEntry",
    "LedgerTransaction",
    "LiabilitySnapshot",
    "Lot",
    "LotState",
    "OwedGift",
    "PoolKind",
    "PostingActor",
    "Program",
    "ProgramRevision",
    "Redemption",
    "RedemptionState",
    "Referral",
    "ReferralCode",
    "ReferralProgram",
    "ReferralQualification",
    "ReferralRewardKind",
    "ReferralState",
    "Rehearsal",
    "RehearsalPolicy",
    "ReviewState",
    "RevisionState",
    "Reward",
    "RewardKind",
    "RewardPrice",
    "TierChange",
    "TierMembership",
    "TierMove",
    "TransactionKind",
    "VelocityKind",
    "VelocityLimit",
    "Wallet",
]
