from __future__ import annotations

from rest_framework import serializers

from tenants.api.serializers import PublicIdField, StrictSerializer


class ReferralInput(StrictSerializer):
    code = serializers.CharField(max_length=40)
    customer = PublicIdField(of="customers")


class RejectInput(StrictSerializer):
    reason = serializers.CharField(max_length=300)


class ReferralCodeOutput(serializers.Serializer[object]):
    code = serializers.CharField()
    created_at = serializers.DateTimeField()


class ReferralOutput(serializers.Serializer[object]):
    id = serializers.UUIDField(source="public_id")
    referrer = serializers.UUIDField(source="referrer.public_id")
    customer = serializers.UUIDField(source="referee.public_id")
    state = serializers.CharField()
    findings = serializers.ListField(child=serializers.CharField())
    qualifying_order = serializers.CharField(
        source="qualifying_order.external_id", allow_null=True, default=None
    )
    created_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    qualified_at = serializers.DateTimeField(allow_null=True)
    rewarded_at = serializers.DateTimeField(allow_null=True)
    rejected_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()
