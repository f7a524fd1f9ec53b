"""Input and output of imports and exports."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tenants.api.serializers import StrictSerializer


class ImportUpload(StrictSerializer):
    kind = serializers.CharField(max_length=40)
    file = serializers.FileField(max_length=255)
    encoding = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")


class PlanInput(StrictSerializer):
    """``plan`` is what an import's ``plan`` shows, changed; every fault is named."""

    plan = serializers.DictField()


class ImportOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    kind = serializers.CharField()
    file_name = serializers.CharField()
    state = serializers.CharField()
    columns = serializers.SerializerMethodField()
    plan = serializers.JSONField()
    job = serializers.UUIDField(allow_null=True)
    rows_read = serializers.IntegerField()
    rows_accepted = serializers.IntegerField()
    rows_merged = serializers.IntegerField()
    rows_quarantined = serializers.IntegerField()
    check_report = serializers.JSONField()
    report = serializers.JSONField()
    undo_report = serializers.JSONField()
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    reverted_at = serializers.DateTimeField(allow_null=True)

    def get_columns(self, run: Any) -> list[str]:
        return list(run.shape.get("header", []))


class ExportInput(StrictSerializer):
    list = serializers.CharField(max_length=40)
    format = serializers.CharField(max_length=8)
    filters = serializers.DictField(child=serializers.CharField(max_length=300), required=False)


class ExportOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    list = serializers.CharField(source="list_key")
    format = serializers.CharField()
    filters = serializers.JSONField()
    job = serializers.UUIDField(allow_null=True)
    rows = serializers.IntegerField()
    bytes = serializers.IntegerField(source="file_bytes")
    report = serializers.JSONField()
    requested_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
