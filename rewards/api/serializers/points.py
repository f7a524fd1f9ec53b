from __future__ import annotations

from rest_framework import serializers

from rewards.services.points import LARGEST_ADJUSTMENT
from tenants.api.serializers import StrictSerializer


class BalanceOutput(serializers.Serializer[object]):
    wallet = serializers.CharField()
    available = serializers.IntegerField()
    held = serializers.IntegerField()
    active = serializers.IntegerField()
    pending = serializers.IntegerField()
    debt = serializers.IntegerField()
    next_expiry_at = serializers.DateTimeField(allow_null=True)
    next_expiry_points = serializers.IntegerField()
    is_frozen = serializers.BooleanField()


class ExpiringOutput(serializers.Serializer[object]):
    wallet = serializers.CharField()
    expires_at = serializers.DateTimeField()
    points = serializers.IntegerField()


class PointsOutput(serializers.Serializer[object]):
    balances = BalanceOutput(many=True)
    expiring = ExpiringOutput(many=True)


class EntryOutput(serializers.Serializer[object]):
    wallet = serializers.CharField(source="account.wallet.key")
    seq = serializers.IntegerField()
    kind = serializers.CharField(source="transaction.kind")
    points = serializers.IntegerField()
    balance_after = serializers.IntegerField()
    reason = serializers.CharField(source="transaction.reason")
    occurred_at = serializers.DateTimeField(source="transaction.occurred_at")
    posted_at = serializers.DateTimeField(source="transaction.posted_at")


class AdjustInput(StrictSerializer):
    points = serializers.IntegerField(min_value=-LARGEST_ADJUSTMENT, max_value=LARGEST_ADJUSTMENT)
    reason = serializers.CharField(max_length=500)
    wallet = serializers.CharField(max_length=60, default="points")


class AdjustmentOutput(serializers.Serializer[object]):
    points = serializers.IntegerField()
    available = serializers.IntegerField()
