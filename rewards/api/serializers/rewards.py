from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from rewards.domain.offers import RewardKind as OfferedKind
from rewards.models import RewardKind
from rewards.queries import catalogue
from rewards.services.catalogue import MOST_PIECES, MOST_POINTS
from tenants.api.serializers import MomentField, PublicIdField, StrictSerializer


class RewardOutput(serializers.Serializer[object]):
    id = serializers.UUIDField(source="public_id")
    key = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    kind = serializers.CharField()
    wallet = serializers.CharField(source="wallet.key")
    cost_points = serializers.IntegerField()
    stock = serializers.IntegerField(allow_null=True)


class OtherPriceOutput(serializers.Serializer[object]):
    wallet = serializers.CharField(source="wallet.key")
    cost_points = serializers.IntegerField()


class OtherPriceInput(StrictSerializer):
    wallet = serializers.CharField(max_length=60)
    cost_points = serializers.IntegerField(min_value=1, max_value=MOST_POINTS)


class RewardPatch(StrictSerializer):
    """What is not named stays; `prices` are those in other wallets, `coupon` is the key of a coupon."""

    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(max_length=5_000, required=False, allow_blank=True)
    kind = serializers.ChoiceField(choices=RewardKind.choices, required=False)
    wallet = serializers.CharField(max_length=60, required=False)
    cost_points = serializers.IntegerField(min_value=1, max_value=MOST_POINTS, required=False)
    prices = OtherPriceInput(many=True, required=False)
    stock = serializers.IntegerField(
        min_value=0, max_value=MOST_PIECES, required=False, allow_null=True, help_text="Null is unlimited."
    )
    is_active = serializers.BooleanField(required=False)
    coupon = serializers.CharField(max_length=60, required=False, allow_blank=True)
    segments = serializers.ListField(child=serializers.CharField(max_length=80), required=False)
    tiers = serializers.ListField(child=serializers.CharField(max_length=60), required=False)
    limit_per_customer = serializers.IntegerField(
        min_value=1, max_value=MOST_PIECES, required=False, allow_null=True
    )
    valid_from = MomentField(required=False, allow_null=True)
    valid_until = MomentField(required=False, allow_null=True)
    needs_shipping = serializers.BooleanField(required=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if "prices" in data:
            data["prices"] = {price["wallet"]: price["cost_points"] for price in data["prices"]}
        if "kind" in data:
            data["kind"] = OfferedKind(data["kind"])
        return data | {name: tuple(data[name]) for name in ("segments", "tiers") if name in data}


class RewardInput(RewardPatch):
    """A new reward."""

    key = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=200)
    kind = serializers.ChoiceField(choices=RewardKind.choices)
    wallet = serializers.CharField(max_length=60)
    cost_points = serializers.IntegerField(min_value=1, max_value=MOST_POINTS)


class CatalogueRewardOutput(RewardOutput):
    """A reward as staff set it: `prices` are those in other wallets; empty `segments` and `tiers` are all."""

    is_active = serializers.BooleanField()
    coupon = serializers.CharField(source="coupon_definition.key", allow_null=True, default=None)
    prices = OtherPriceOutput(many=True)
    segments = serializers.ListField(child=serializers.CharField())
    tiers = serializers.ListField(child=serializers.CharField())
    limit_per_customer = serializers.IntegerField(allow_null=True)
    needs_shipping = serializers.BooleanField()
    valid_from = serializers.DateTimeField(allow_null=True)
    valid_until = serializers.DateTimeField(allow_null=True)
    is_paused = serializers.SerializerMethodField(
        help_text="By an emergency brake, on the reward or on the coupon that it hands out."
    )

    def get_is_paused(self, reward: Any) -> bool:
        return bool(catalogue.brake_on(reward, timezone.now()))


class PriceOutput(serializers.Serializer[object]):
    wallet = serializers.CharField()
    cost_points = serializers.IntegerField()
    missing = serializers.IntegerField()


class VisibleRewardOutput(serializers.Serializer[object]):
    reward = RewardOutput()
    prices = PriceOutput(many=True)
    reasons = serializers.ListField(child=serializers.CharField())


class VisibleRewardsOutput(serializers.Serializer[object]):
    rewards = VisibleRewardOutput(many=True)


class RedemptionInput(StrictSerializer):
    customer = PublicIdField(of="customers")
    reward = PublicIdField(of="rewards")
    wallet = serializers.CharField(max_length=60, default="", allow_blank=True)


class ReservationInput(RedemptionInput):
    ttl_seconds = serializers.IntegerField(min_value=1, max_value=86_400, default=1_800)


class ShipInput(StrictSerializer):
    tracking = serializers.CharField(max_length=200, default="", allow_blank=True)


class CancelInput(StrictSerializer):
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


class RedemptionOutput(serializers.Serializer[object]):
    id = serializers.UUIDField(source="public_id")
    customer = serializers.UUIDField(source="customer.public_id")
    reward = serializers.UUIDField(source="reward.public_id")
    reward_name = serializers.CharField(source="reward.name")
    points = serializers.IntegerField(help_text="0 for a gift.")
    wallet = serializers.CharField(source="wallet.key")
    granted_by = serializers.CharField(help_text="The rule that gave it; empty where points were paid.")
    state = serializers.CharField()
    is_under_review = serializers.BooleanField()
    coupon_code = serializers.CharField(source="coupon_code.code", allow_null=True, default=None)
    tracking = serializers.CharField()
    reserved_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(source="hold.expires_at", allow_null=True, default=None)
    confirmed_at = serializers.DateTimeField(allow_null=True)
    packed_at = serializers.DateTimeField(allow_null=True)
    shipped_at = serializers.DateTimeField(allow_null=True)
    refunded_at = serializers.DateTimeField(allow_null=True)
    fulfilled_at = serializers.DateTimeField(allow_null=True)
    cancelled_at = serializers.DateTimeField(allow_null=True)
    cancel_reason = serializers.CharField()


class ProgramOutput(serializers.Serializer[object]):
    name = serializers.CharField(source="program.name")
    revision = serializers.IntegerField(source="number")
    published_at = serializers.DateTimeField()
    document = serializers.JSONField()
