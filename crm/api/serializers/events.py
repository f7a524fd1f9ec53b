"""Event schemas and rejects in the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.domain.event_schemas import masked
from crm.models import PropertyType, Sensitivity, ViolationPolicy
from tenants.api.serializers import StrictSerializer

Output = serializers.Serializer[Any]


class PropertySchemaOutput(Output):
    key = serializers.CharField()
    value_type = serializers.CharField(help_text="Declared type; empty when it has only been seen.")
    types = serializers.DictField(child=serializers.IntegerField(), help_text="Times seen, by type.")
    missing_share = serializers.FloatField(help_text="Share of the events without it, 0 to 1.")
    examples = serializers.SerializerMethodField(help_text="Empty for sensitive properties.")
    sensitivity = serializers.CharField()
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()

    @extend_schema_field({"type": "array", "items": {}})
    def get_examples(self, each: Any) -> list[Any]:
        return [] if each.sensitivity else each.examples


class EventSchemaOutput(Output):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    count = serializers.IntegerField()
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    is_locked = serializers.BooleanField()
    on_violation = serializers.ChoiceField(choices=ViolationPolicy.choices)
    flagged_count = serializers.IntegerField()


class EventSchemaDetail(EventSchemaOutput):
    properties = PropertySchemaOutput(many=True)


class EventSchemaLock(StrictSerializer):
    on_violation = serializers.ChoiceField(choices=ViolationPolicy.choices, default=ViolationPolicy.REJECT)


class PropertySchemaInput(StrictSerializer):
    key = serializers.CharField(max_length=120)
    value_type = serializers.ChoiceField(choices=PropertyType.choices, required=False)
    sensitivity = serializers.ChoiceField(choices=Sensitivity.choices, required=False)


class EventRejectOutput(Output):
    """``payload`` is what came, without the values of sensitive properties."""

    id = serializers.UUIDField(source="public_id")
    received_at = serializers.DateTimeField()
    message_id = serializers.CharField()
    name = serializers.CharField()
    identity = serializers.CharField()
    origin = serializers.CharField(source="source", help_text="Which reader understands the payload.")
    reason = serializers.CharField()
    detail = serializers.CharField()
    replayed_at = serializers.DateTimeField(allow_null=True)
    payload = serializers.SerializerMethodField()

    @extend_schema_field({})
    def get_payload(self, reject: Any) -> Any:
        return masked(reject.payload, self.context["sensitive"])


class ReplayInput(StrictSerializer):
    payload = serializers.DictField(required=False, help_text="The corrected event; as it came without it.")


class ReplayAllInput(StrictSerializer):
    name = serializers.CharField(max_length=100, required=False, default="")
    reason = serializers.CharField(max_length=60, required=False, default="")
    customer = serializers.CharField(max_length=254, required=False, default="")
