"""Batches of events in the API, and what became of each event."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tenants.api.serializers import StrictSerializer

Output = serializers.Serializer[Any]


class EventOutcome(Output):
    message_id = serializers.CharField()
    status = serializers.ChoiceField(choices=["accepted", "duplicate", "invalid"])
    reason = serializers.CharField(required=False)
    detail = serializers.CharField(required=False)


class EventInput(StrictSerializer):
    """For the documentation; the batch itself is read by msgspec."""

    message_id = serializers.CharField(max_length=200)
    name = serializers.CharField(max_length=100)
    occurred_at = serializers.DateTimeField()
    external_id = serializers.CharField(max_length=200, required=False)
    email = serializers.CharField(max_length=200, required=False)
    phone = serializers.CharField(max_length=200, required=False)
    anonymous_id = serializers.CharField(max_length=200, required=False)
    device = serializers.CharField(max_length=200, required=False)
    card = serializers.CharField(max_length=200, required=False)
    properties = serializers.DictField(required=False)


class EventBatchInput(StrictSerializer):
    events = EventInput(many=True)


class EventBatchOutput(Output):
    accepted = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    invalid = serializers.IntegerField()
    results = EventOutcome(many=True)
