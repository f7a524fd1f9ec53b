from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tenants.api.serializers import MomentField, StrictSerializer


class RevisionOutput(serializers.Serializer[object]):
    number = serializers.IntegerField()
    state = serializers.CharField()
    note = serializers.CharField()
    base_number = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    published_at = serializers.DateTimeField(allow_null=True)
    retired_at = serializers.DateTimeField(allow_null=True)


class RevisionDocumentOutput(RevisionOutput):
    document = serializers.JSONField()


class DraftInput(StrictSerializer):
    document = serializers.JSONField()
    note = serializers.CharField(max_length=500, required=False, default="")


class FindingOutput(serializers.Serializer[object]):
    """``detail`` is what ``reason`` and its ``parameters`` say, in English."""

    severity = serializers.CharField()
    code = serializers.CharField()
    reason = serializers.CharField()
    pointer = serializers.CharField()
    rule = serializers.CharField()
    parameters = serializers.DictField()
    detail = serializers.CharField()


class DraftOutput(serializers.Serializer[object]):
    number = serializers.IntegerField()
    state = serializers.CharField()
    findings = FindingOutput(many=True)


class ImaginedLineInput(StrictSerializer):
    item = serializers.CharField(max_length=200, required=False, default="")
    category = serializers.CharField(max_length=120, required=False, default="")
    quantity = serializers.IntegerField(min_value=1, max_value=1_000_000, default=1)
    amount_minor = serializers.IntegerField(min_value=0, max_value=10**12)


class EvaluateInput(StrictSerializer):
    """One of ``order`` (the external id of a recorded order), ``lines`` (an imagined cart) or ``event``."""

    customer = serializers.UUIDField(required=False)
    order = serializers.CharField(max_length=200, required=False)
    lines = ImaginedLineInput(many=True, required=False)
    channel = serializers.CharField(max_length=60, required=False, default="")
    event = serializers.CharField(max_length=100, required=False)
    properties = serializers.DictField(required=False, default=dict)
    at = MomentField(required=False)
    revision = serializers.IntegerField(min_value=1, required=False)
    dry_run = serializers.BooleanField(default=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = [name for name in ("order", "lines", "event") if name in attrs]
        if len(named) != 1:
            raise serializers.ValidationError({"order": "One of order, lines, event."}, code="ambiguous")
        if "order" not in attrs and "customer" not in attrs:
            raise serializers.ValidationError({"customer": "Whose cart or event is it?"}, code="required")
        if not attrs["dry_run"] and ("order" not in attrs or "revision" in attrs):
            raise serializers.ValidationError(
                {"dry_run": "Only a recorded order is decided for good, by the revision of its day."},
                code="dry_run_only",
            )
        return attrs


class EffectOutput(serializers.Serializer[object]):
    type = serializers.CharField()
    values = serializers.DictField()


class EvaluationOutput(serializers.Serializer[object]):
    revision = serializers.IntegerField()
    dry_run = serializers.BooleanField()
    points = serializers.IntegerField()
    effects = EffectOutput(many=True)
    record = serializers.JSONField()


class WhyOutput(serializers.Serializer[object]):
    event_type = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField()
    revision = serializers.IntegerField(source="revision.number")
    points = serializers.IntegerField()
    record = serializers.JSONField()
