from __future__ import annotations

from typing import Any

from rest_framework import serializers

from recommendations.models import ModelKind, ModelVersion
from tenants.api.serializers import StrictSerializer


class ModelVersionOutput(serializers.ModelSerializer[ModelVersion]):
    id = serializers.UUIDField(source="public_id")
    version = serializers.CharField(source="label")

    class Meta:
        model = ModelVersion
        fields = [
            "id",
            "version",
            "kind",
            "number",
            "state",
            "method",
            "cut_off_on",
            "rows",
            "customers",
            "items",
            "metrics",
            "baselines",
            "gate_reason",
            "gate_report",
            "duration_seconds",
            "trained_at",
            "activated_at",
        ]
        read_only_fields = fields


class TrainInput(StrictSerializer):
    model = serializers.ChoiceField(choices=[*ModelKind.values, "all"], default="all")


class TrainingJobOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    kind = serializers.CharField()
    state = serializers.CharField()
    params = serializers.JSONField()
    created_at = serializers.DateTimeField()
