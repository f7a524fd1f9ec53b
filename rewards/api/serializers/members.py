from __future__ import annotations

from typing import Any

from rest_framework import serializers

from rewards.api.serializers.challenges import ChallengeStatusOutput
from rewards.api.serializers.points import BalanceOutput, ExpiringOutput
from rewards.api.serializers.rewards import PriceOutput
from rewards.api.serializers.tiers import MultiplierOutput, TierChangeOutput, TierOutput, TierStandingOutput
from tenants.api.serializers import StrictSerializer
from tenants.services.member_tokens import LONGEST, USUAL, MemberScope

_MINUTE = 60


class MemberTokenInput(StrictSerializer):
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=[scope.value for scope in MemberScope]),
        default=lambda: [MemberScope.READ.value],
        allow_empty=False,
    )
    lifetime_seconds = serializers.IntegerField(
        min_value=_MINUTE, max_value=int(LONGEST.total_seconds()), default=int(USUAL.total_seconds())
    )


class MemberTokenOutput(serializers.Serializer[Any]):
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    scopes = serializers.ListField(child=serializers.CharField())


class MemberCouponOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    definition = serializers.CharField(source="definition.key")
    name = serializers.CharField(source="definition.name")
    state = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)
    balance_minor = serializers.IntegerField(allow_null=True)


class MemberPageOutput(serializers.Serializer[Any]):
    """Everything a member's first page shows."""

    id = serializers.UUIDField(source="customer.public_id")
    balances = BalanceOutput(many=True)
    expiring = ExpiringOutput(many=True)
    tier = TierStandingOutput(allow_null=True)
    challenges = ChallengeStatusOutput(many=True)
    coupons = MemberCouponOutput(many=True)
    referral_code = serializers.CharField(allow_null=True)


class MemberEntryOutput(serializers.Serializer[Any]):
    wallet = serializers.CharField(source="account.wallet.key")
    seq = serializers.IntegerField()
    kind = serializers.CharField(source="transaction.kind")
    points = serializers.IntegerField()
    balance_after = serializers.IntegerField()
    occurred_at = serializers.DateTimeField(source="transaction.occurred_at")


class MemberRedemptionOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    reward = serializers.CharField(source="reward.key")
    reward_name = serializers.CharField(source="reward.name")
    points = serializers.IntegerField(help_text="0 for a gift.")
    wallet = serializers.CharField(source="wallet.key")
    granted_by = serializers.CharField(help_text="The rule that gave it; empty where points were paid.")
    state = serializers.CharField()
    coupon_code = serializers.CharField(source="coupon_code.code", allow_null=True, default=None)
    tracking = serializers.CharField()
    reserved_at = serializers.DateTimeField()
    fulfilled_at = serializers.DateTimeField(allow_null=True)
    cancelled_at = serializers.DateTimeField(allow_null=True)


class MemberTiersOutput(serializers.Serializer[Any]):
    """All tiers from the lowest, and the member's own place and history."""

    tiers = TierOutput(many=True)
    multipliers = MultiplierOutput(many=True, help_text="Earning rules that give tiers more.")
    standing = TierStandingOutput(allow_null=True)
    history = TierChangeOutput(many=True)


class MemberRewardOutput(serializers.Serializer[Any]):
    """A reward as this member has it; `cost_points` is the own price in `wallet`."""

    id = serializers.UUIDField(source="reward.public_id")
    key = serializers.CharField(source="reward.key")
    name = serializers.CharField(source="reward.name")
    description = serializers.CharField(source="reward.description")
    kind = serializers.CharField(source="reward.kind")
    wallet = serializers.CharField(source="reward.wallet.key")
    cost_points = serializers.IntegerField()
    stock = serializers.IntegerField(source="reward.stock", allow_null=True)
    prices = PriceOutput(many=True)
    reasons = serializers.ListField(child=serializers.CharField())


class MemberRewardsOutput(serializers.Serializer[Any]):
    rewards = MemberRewardOutput(many=True)
