from __future__ import annotations

from typing import Any

from rest_framework import serializers

from rewards.domain.brakes import BrakeKind
from rewards.domain.policies import LONGEST_WINDOW_HOURS, MOST_IN_WINDOW
from tenants.api.serializers import MomentField, StrictSerializer

KINDS = [each.value for each in BrakeKind]


class BrakeReleaseInput(StrictSerializer):
    kind = serializers.ChoiceField(choices=KINDS)
    key = serializers.CharField(
        max_length=60,
        help_text="Of a rule, coupon, campaign or reward; of a limit its kind, such as `redemptions`.",
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "kind": BrakeKind(data["kind"])}


class BrakeInput(BrakeReleaseInput):
    """`most` and `window_hours` belong to a limit; zero lets nothing pass without a review."""

    # Emptiness is told by the service, together with what else is wrong.
    reason = serializers.CharField(max_length=300, allow_blank=True)
    until = MomentField(required=False, allow_null=True, help_text="Null is until the next publication.")
    most = serializers.IntegerField(min_value=0, max_value=MOST_IN_WINDOW, required=False)
    window_hours = serializers.IntegerField(min_value=1, max_value=LONGEST_WINDOW_HOURS, required=False)


class BrakeOutput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=KINDS)
    key = serializers.CharField()
    reason = serializers.CharField()
    set_by = serializers.CharField()
    set_at = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)
    most = serializers.IntegerField(source="limit.most", allow_null=True, default=None)
    window_hours = serializers.IntegerField(source="limit.window_hours", allow_null=True, default=None)


class BrakesOutput(serializers.Serializer[Any]):
    brakes = BrakeOutput(source="on", many=True)
