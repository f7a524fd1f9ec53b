from __future__ import annotations

from typing import Any

from rest_framework import serializers

from rewards.models import PoolKind
from rewards.services.coupons.pools import MOST_GENERATED
from tenants.api.serializers import StrictSerializer

MOST_CODES_A_CALL = 10_000


class CouponPoolInput(StrictSerializer):
    """A pool of `count` codes that a job makes, or of `codes` made elsewhere; one of the two."""

    definition = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=200)
    count = serializers.IntegerField(min_value=1, max_value=MOST_GENERATED, required=False)
    codes = serializers.ListField(
        child=serializers.CharField(max_length=200),
        allow_empty=False,
        max_length=MOST_CODES_A_CALL,
        required=False,
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if ("count" in data) == ("codes" in data):
            raise serializers.ValidationError({"count": "Say how many codes to make, or send codes."})
        return data


class CouponPoolOutput(serializers.Serializer[object]):
    id = serializers.UUIDField(source="public_id")
    definition = serializers.CharField(source="definition.key")
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=PoolKind.choices)
    pattern = serializers.CharField()
    requested = serializers.IntegerField()
    codes_count = serializers.IntegerField(help_text="Codes that are there by now.")
    report = serializers.JSONField(help_text="Of an import: what was left out, counted by reason.")
    job = serializers.UUIDField(source="job_id", allow_null=True, help_text="At `/jobs/{id}`.")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class PoolCodeOutput(serializers.Serializer[object]):
    code = serializers.CharField()
    state = serializers.CharField()
    uses = serializers.IntegerField()


class CodeLookupOutput(serializers.Serializer[object]):
    code = serializers.CharField()
    definition = serializers.CharField(source="definition.key")
    name = serializers.CharField(source="definition.name")
    pool = serializers.UUIDField(source="pool.public_id", allow_null=True, default=None)
    customer = serializers.UUIDField(source="customer.public_id", allow_null=True, default=None)
    is_generic = serializers.BooleanField()
    state = serializers.CharField()
    uses = serializers.IntegerField()
    uses_limit = serializers.IntegerField(allow_null=True)
    balance_minor = serializers.IntegerField(allow_null=True)
    issued_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    void_reason = serializers.CharField()


class VoidInput(StrictSerializer):
    reason = serializers.CharField(max_length=300)
