"""Output of privacy requests; their inputs are the customer in the path."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from crm.api.serializers.customers import IdentityFields
from crm.api.serializers.references import CustomerReference
from crm.models import DataClass
from crm.services.retention import LONGEST_DAYS
from tenants.api.serializers import StrictSerializer

Output = serializers.Serializer[Any]


class PrivacyRequestOutput(Output):
    id = serializers.UUIDField(source="public_id")
    customer = CustomerReference()
    kind = serializers.CharField()
    state = serializers.CharField()
    requested_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    report = serializers.DictField()


class TombstoneInput(StrictSerializer):
    identity = IdentityFields()


class TombstoneLifted(Output):
    is_lifted = serializers.BooleanField()


class RetentionInput(StrictSerializer):
    data_class = serializers.ChoiceField(choices=DataClass.choices)
    days = serializers.IntegerField(min_value=1, max_value=LONGEST_DAYS, allow_null=True)


class PurgeOutput(Output):
    data_class = serializers.ChoiceField(choices=DataClass.choices)
    days = serializers.IntegerField()
    cut_off_at = serializers.DateTimeField()
    removed = serializers.IntegerField(help_text="Rows of this tenant.")
    batches = serializers.IntegerField(help_text="Transactions it took, of at most 5,000 rows.")
    ran_at = serializers.DateTimeField()


class RetentionOutput(Output):
    days_by_class = serializers.DictField(child=serializers.IntegerField(allow_null=True))
    purges = PurgeOutput(many=True, help_text="The latest that removed something.")
