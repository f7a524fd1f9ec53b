from __future__ import annotations

from rest_framework import serializers

from rewards.api.serializers.points import AdjustInput
from tenants.api.serializers import PublicIdField, StrictSerializer


class AdjustmentRequestInput(AdjustInput):
    customer = PublicIdField(of="customers")


class ApprovalInput(StrictSerializer):
    note = serializers.CharField(max_length=500, default="", allow_blank=True)


class RefusalInput(StrictSerializer):
    note = serializers.CharField(max_length=500)


class AdjustmentRequestOutput(serializers.Serializer[object]):
    id = serializers.UUIDField(source="public_id")
    customer = serializers.UUIDField(source="customer.public_id")
    wallet = serializers.CharField(source="wallet.key")
    points = serializers.IntegerField()
    reason = serializers.CharField()
    state = serializers.CharField()
    requested_by = serializers.CharField()
    requested_at = serializers.DateTimeField()
    decided_by = serializers.CharField()
    decided_at = serializers.DateTimeField(allow_null=True)
    decision_note = serializers.CharField()
