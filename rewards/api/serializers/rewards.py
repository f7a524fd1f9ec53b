from __future__ import annotations

from rest_framework import serializers

from tenants.api.serializers import StrictSerializer


class RewardOutput(serializers.Serializer[object]):
    id = serializers.UUIDField(source="public_id")
    key = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    kind = serializers.CharField()
    wallet = serializers.CharField(source="wallet.key")
    cost_points = serializers.IntegerField()
    stock = serializers.IntegerField(allow_null=True)


class RedemptionInput(StrictSerializer):
    customer = serializers.UUIDField()
    reward = serializers.UUIDField()


class CancelInput(StrictSerializer):
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


class RedemptionOutput(serializers.Serializer[object]):
    id = serializers.UUIDField(source="public_id")
    customer = serializers.UUIDField(source="customer.public_id")
    reward = serializers.UUIDField(source="reward.public_id")
    reward_name = serializers.CharField(source="reward.name")
    points = serializers.IntegerField()
    state = serializers.CharField()
    reserved_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)
    fulfilled_at = serializers.DateTimeField(allow_null=True)
    cancelled_at = serializers.DateTimeField(allow_null=True)
    cancel_reason = serializers.CharField()


class ProgramOutput(serializers.Serializer[object]):
    name = serializers.CharField(source="program.name")
    revision = serializers.IntegerField(source="number")
    published_at = serializers.DateTimeField()
    document = serializers.JSONField()
