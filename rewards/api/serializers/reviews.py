from __future__ import annotations

from typing import Any

from rest_framework import serializers

from rewards.domain.policies import LONGEST_WINDOW_HOURS, MOST_IN_WINDOW, Pace
from rewards.models import ReviewState, VelocityKind
from tenants.api.serializers import StrictSerializer


class ReviewOutput(serializers.Serializer[Any]):
    """What waits: `subject` is the id of the redemption or referral, or names who guesses codes."""

    id = serializers.UUIDField(source="public_id")
    kind = serializers.ChoiceField(choices=VelocityKind.choices)
    customer = serializers.UUIDField(source="customer.public_id", allow_null=True, default=None)
    subject = serializers.CharField()
    details = serializers.JSONField()
    state = serializers.ChoiceField(choices=ReviewState.choices)
    opened_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    decided_by = serializers.CharField()
    reason = serializers.CharField()


class DecisionInput(StrictSerializer):
    is_approved = serializers.BooleanField(help_text="True lets it go on, false stops or undoes it.")
    reason = serializers.CharField(max_length=500)


class VelocityLimitInput(StrictSerializer):
    kind = serializers.ChoiceField(choices=[(each.value, VelocityKind(each.value).label) for each in Pace])
    most = serializers.IntegerField(min_value=1, max_value=MOST_IN_WINDOW)
    window_hours = serializers.IntegerField(min_value=1, max_value=LONGEST_WINDOW_HOURS)


class VelocityLimitOutput(serializers.Serializer[Any]):
    kind = serializers.CharField()
    most = serializers.IntegerField()
    window_hours = serializers.IntegerField()


class VelocityLimitsOutput(serializers.Serializer[Any]):
    limits = VelocityLimitOutput(many=True)
