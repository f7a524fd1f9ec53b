"""Input and output of cohorts, funnels and what segments tell beside themselves."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from crm.queries.cohorts import MOST_PERIODS, Return, Start, Step
from crm.queries.funnels import FEWEST_STEPS, MOST_STEPS
from tenants.api.serializers import DayField, PublicIdField, StrictSerializer

Output = serializers.Serializer[Any]


def _values(choices: Any) -> list[str]:
    return [each.value for each in choices]


class CohortsInput(StrictSerializer):
    start = serializers.ChoiceField(choices=_values(Start), default=Start.FIRST_PURCHASE.value)
    returning = serializers.ChoiceField(choices=_values(Return), default=Return.ORDER.value)
    step = serializers.ChoiceField(choices=_values(Step), default=Step.MONTH.value)
    periods = serializers.IntegerField(min_value=2, max_value=MOST_PERIODS, default=12)
    segment = serializers.CharField(max_length=80, default="", allow_blank=True)


class CohortOutput(Output):
    starts_on = serializers.DateField()
    size = serializers.IntegerField()
    returned = serializers.ListField(child=serializers.IntegerField(allow_null=True))


class CohortsOutput(Output):
    cohorts = CohortOutput(many=True)


class FunnelStepInput(StrictSerializer):
    event = serializers.CharField(max_length=100)
    where = serializers.ListField(child=serializers.DictField(), max_length=10, default=list)


class FunnelInput(StrictSerializer):
    steps = serializers.ListField(child=FunnelStepInput(), min_length=FEWEST_STEPS, max_length=MOST_STEPS)
    within_days = serializers.IntegerField(min_value=1, max_value=365, default=7)
    first_on = DayField()
    last_on = DayField()
    attribute = serializers.CharField(max_length=60, default="", allow_blank=True)
    segment = serializers.CharField(max_length=80, default="", allow_blank=True)


class FunnelStepOutput(Output):
    event = serializers.CharField()
    customers = serializers.IntegerField()
    share_of_first = serializers.FloatField()
    share_of_previous = serializers.FloatField()
    median_seconds = serializers.FloatField(allow_null=True)


class FunnelGroupOutput(Output):
    value = serializers.CharField(allow_null=True)
    steps = FunnelStepOutput(many=True)


class FunnelOutput(Output):
    groups = FunnelGroupOutput(many=True)


class RuleInput(StrictSerializer):
    rule = serializers.JSONField()


class SegmentChange(StrictSerializer):
    name = serializers.CharField(max_length=120, required=False)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    rule = serializers.JSONField(required=False)


class EstimateOutput(Output):
    count = serializers.IntegerField()
    margin = serializers.IntegerField()
    is_exact = serializers.BooleanField()


class SnapshotInput(StrictSerializer):
    key = serializers.SlugField(max_length=80)
    name = serializers.CharField(max_length=120)


class DaySizeOutput(Output):
    day_on = serializers.DateField()
    members = serializers.IntegerField()
    entered = serializers.IntegerField()
    left = serializers.IntegerField()


class HistoryOutput(Output):
    days = DaySizeOutput(many=True)


class ChangesInput(StrictSerializer):
    at = serializers.DateTimeField()
    direction = serializers.ChoiceField(choices=["entered", "left"])
    after = PublicIdField(of="customers", required=False)


class ChangesOutput(Output):
    customers = serializers.ListField(child=serializers.UUIDField())


class MembershipReasonInput(StrictSerializer):
    customer = PublicIdField(of="customers")


class RuleNodeOutput(Output):
    depth = serializers.IntegerField()
    kind = serializers.CharField()
    holds = serializers.BooleanField()


class MembershipReasonOutput(Output):
    holds = serializers.BooleanField()
    nodes = RuleNodeOutput(many=True, help_text="Of a rule; empty for lists and models.")
    reason = serializers.CharField(help_text="What a model says of this customer.")
    since = serializers.DateTimeField(allow_null=True)


class OverlapOutput(Output):
    id = serializers.UUIDField(source="segment.public_id")
    key = serializers.CharField(source="segment.key")
    name = serializers.CharField(source="segment.name")
    share = serializers.FloatField(help_text="Of this segment's members, 0 to 1; from a sample above 5,000.")


class OverlapsOutput(Output):
    segments = OverlapOutput(many=True)
