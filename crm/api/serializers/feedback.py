"""Input and output of feedback and recovery cases."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.api.serializers.references import CustomerReference, CustomerReferenceInput
from crm.domain.feedback import LONGEST_TEXT, Feeling
from crm.models import Feedback, FeedbackKind, RecoveryOutcome, RecoveryState
from tenants.api.serializers import MomentField, StrictSerializer

Output = serializers.Serializer[Any]


class FeedbackInput(StrictSerializer):
    kind = serializers.ChoiceField(choices=FeedbackKind.choices)
    source_id = serializers.CharField(max_length=200)
    occurred_at = MomentField()
    customer = CustomerReferenceInput(required=False, allow_null=True)
    item_external_id = serializers.CharField(max_length=200, required=False)
    order_external_id = serializers.CharField(max_length=200, required=False)
    rating = serializers.IntegerField(min_value=0, max_value=10, required=False, allow_null=True)
    text = serializers.CharField(max_length=LONGEST_TEXT, required=False, allow_blank=True)


class FeedbackOutput(Output):
    id = serializers.UUIDField(source="public_id")
    kind = serializers.ChoiceField(choices=FeedbackKind.choices)
    origin = serializers.CharField(source="source")
    source_id = serializers.CharField()
    customer = CustomerReference(allow_null=True)
    item = serializers.UUIDField(source="item.public_id", allow_null=True, default=None)
    order = serializers.UUIDField(source="order.public_id", allow_null=True, default=None)
    rating = serializers.IntegerField(allow_null=True)
    text = serializers.CharField()
    topics = serializers.ListField(child=serializers.CharField())
    language = serializers.CharField()
    sentiment = serializers.FloatField(source="score", allow_null=True)
    feeling = serializers.ChoiceField(choices=[(each.value, each.name) for each in Feeling], allow_null=True)
    is_corrected = serializers.SerializerMethodField()
    deciding_sentence = serializers.SerializerMethodField()
    model_version = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()

    @extend_schema_field(serializers.BooleanField())
    def get_is_corrected(self, feedback: Feedback) -> bool:
        return feedback.corrected is not None

    @extend_schema_field(serializers.CharField())
    def get_deciding_sentence(self, feedback: Feedback) -> str:
        return feedback.parts[1]


class CorrectionInput(StrictSerializer):
    is_positive = serializers.BooleanField()


class FeedbackFiguresOutput(Output):
    count = serializers.IntegerField()
    sentiment = serializers.FloatField(allow_null=True)
    negative = serializers.IntegerField()
    nps = serializers.FloatField(allow_null=True)


class TrendPointOutput(Output):
    starts_on = serializers.DateField()
    figures = FeedbackFiguresOutput()


class GroupFiguresOutput(Output):
    key = serializers.CharField()
    name = serializers.CharField()
    figures = FeedbackFiguresOutput()


class FeedbackSummaryOutput(Output):
    figures = FeedbackFiguresOutput()
    trend = TrendPointOutput(many=True)
    topics = GroupFiguresOutput(many=True)
    items = GroupFiguresOutput(many=True)
    segments = GroupFiguresOutput(many=True)


class RecoveryCaseOutput(Output):
    id = serializers.UUIDField(source="public_id")
    state = serializers.ChoiceField(choices=RecoveryState.choices)
    outcome = serializers.CharField()
    note = serializers.CharField()
    taken_by = serializers.CharField()
    opened_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    feedback = FeedbackOutput()


class ResolutionInput(StrictSerializer):
    outcome = serializers.ChoiceField(choices=RecoveryOutcome.choices)
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True)
