"""Input and output of consents."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from crm.models import Channel, Purpose
from tenants.api.serializers import MomentField, StrictSerializer

Output = serializers.Serializer[Any]
MOST_CONSENTS = 100


class ConsentInput(StrictSerializer):
    purpose = serializers.ChoiceField(choices=Purpose.choices)
    channel = serializers.ChoiceField(choices=Channel.choices, default=Channel.ANY)
    is_granted = serializers.BooleanField()
    occurred_at = MomentField(required=False)
    source = serializers.CharField(  # type: ignore[assignment]  # a field of ours, not the base's attribute
        max_length=60, required=False, allow_blank=True
    )
    wording = serializers.CharField(max_length=60, required=False, allow_blank=True)
    address = serializers.IPAddressField(required=False)


class ConsentsInput(StrictSerializer):
    consents = serializers.ListField(child=ConsentInput(), min_length=1, max_length=MOST_CONSENTS)


class ConsentOutput(Output):
    purpose = serializers.CharField()
    channel = serializers.CharField()
    is_granted = serializers.BooleanField()
    changed_at = serializers.DateTimeField()


class ConsentChangeOutput(Output):
    purpose = serializers.CharField()
    channel = serializers.CharField()
    is_granted = serializers.BooleanField()
    occurred_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()
    recorded_by = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of ours, not the base's attribute
    wording = serializers.CharField()
    address = serializers.CharField()


class ConsentsOutput(Output):
    may_profile = serializers.BooleanField()
    may_personalise = serializers.BooleanField()
    consents = ConsentOutput(many=True)
