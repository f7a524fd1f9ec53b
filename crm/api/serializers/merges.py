"""Input and output of merges and duplicate candidates."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from crm.api.serializers.references import CustomerReference
from tenants.api.serializers import PublicIdField, StrictSerializer

Output = serializers.Serializer[Any]


class MergeInput(StrictSerializer):
    absorbed = PublicIdField(of="customers")
    choices = serializers.DictField(
        child=serializers.ChoiceField(choices=["survivor", "absorbed"]), required=False
    )
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class FieldChoiceOutput(Output):
    name = serializers.CharField()
    survivor = serializers.JSONField(allow_null=True)
    absorbed = serializers.JSONField(allow_null=True)
    merged = serializers.JSONField(allow_null=True)
    is_choosable = serializers.BooleanField()


class PreviewRowOutput(Output):
    label = serializers.CharField()  # type: ignore[assignment]  # a field of ours, not the base's attribute
    survivor = serializers.CharField()
    absorbed = serializers.CharField()
    merged = serializers.CharField()


class MergePreviewOutput(Output):
    # The base class keeps its own `fields`, so the list is named for what it offers.
    choices = FieldChoiceOutput(many=True, source="fields")
    rows = PreviewRowOutput(many=True)


class MergeOutput(Output):
    id = serializers.UUIDField(source="public_id")
    survivor = CustomerReference()
    absorbed = CustomerReference()
    reason = serializers.CharField()
    moved = serializers.DictField(child=serializers.IntegerField())
    merged_at = serializers.DateTimeField()
    merged_by = serializers.CharField()
    undone_at = serializers.DateTimeField(allow_null=True)
    undone_by = serializers.CharField()


class CandidateOutput(Output):
    id = serializers.UUIDField(source="public_id")
    first = CustomerReference()
    second = CustomerReference()
    score = serializers.FloatField()
    reasons = serializers.ListField(child=serializers.CharField())
    state = serializers.CharField()
    found_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
