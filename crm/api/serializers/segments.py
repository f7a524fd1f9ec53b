"""Segments and their members in the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from crm.api.serializers.references import CustomerReference
from crm.models import SegmentKind
from tenants.api.serializers import PublicIdField, StrictSerializer

Output = serializers.Serializer[Any]
MOST_MEMBERS = 1000


class SegmentInput(StrictSerializer):
    key = serializers.SlugField(max_length=80)
    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=[SegmentKind.STATIC, SegmentKind.RULE])
    rule = serializers.JSONField(required=False, allow_null=True)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class SegmentOutput(Output):
    id = serializers.UUIDField(source="public_id")
    key = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=SegmentKind.choices)
    rule = serializers.JSONField(allow_null=True)
    description = serializers.CharField()
    member_count = serializers.IntegerField()
    refreshed_at = serializers.DateTimeField(allow_null=True)
    refresh_ms = serializers.IntegerField(allow_null=True)
    last_error = serializers.CharField()


class MemberOutput(Output):
    customer = CustomerReference()
    joined_at = serializers.DateTimeField()
    reason = serializers.CharField()


class MembersInput(StrictSerializer):
    customers = serializers.ListField(
        child=PublicIdField(of="customers"), min_length=1, max_length=MOST_MEMBERS
    )


class MembersChanged(Output):
    changed = serializers.IntegerField()
    member_count = serializers.IntegerField()
