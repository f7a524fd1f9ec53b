"""Orders and their lines in the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from crm.api.serializers.references import CustomerReference, CustomerReferenceInput
from crm.models import LineKind
from tenants.api.serializers import MomentField, StrictSerializer

Output = serializers.Serializer[Any]
LARGEST_MINOR = 10**12
LARGEST_QUANTITY = 10**9
MOST_LINES = 1000


class LineInput(StrictSerializer):
    sku = serializers.CharField(max_length=200)
    name = serializers.CharField(max_length=300, required=False, allow_blank=True)
    kind = serializers.ChoiceField(choices=LineKind.choices, required=False)
    quantity = serializers.IntegerField(min_value=1, max_value=LARGEST_QUANTITY)
    unit_price_minor = serializers.IntegerField(min_value=-LARGEST_MINOR, max_value=LARGEST_MINOR)
    store_discount_minor = serializers.IntegerField(min_value=0, max_value=LARGEST_MINOR, required=False)
    coupon_discount_minor = serializers.IntegerField(min_value=0, max_value=LARGEST_MINOR, required=False)


class OrderInput(StrictSerializer):
    external_id = serializers.CharField(max_length=200)
    customer = CustomerReferenceInput(required=False, allow_null=True)
    placed_at = MomentField()
    currency = serializers.RegexField(r"^[A-Z]{3}\Z", required=False)
    channel = serializers.CharField(max_length=60, required=False, allow_blank=True)
    lines = serializers.ListField(child=LineInput(), min_length=1, max_length=MOST_LINES)


class LineOutput(Output):
    position = serializers.IntegerField()
    sku = serializers.CharField()
    kind = serializers.CharField()
    item = serializers.UUIDField(source="item.public_id", allow_null=True, default=None)
    quantity = serializers.IntegerField()
    unit_price_minor = serializers.IntegerField()
    gross_minor = serializers.IntegerField()
    store_discount_minor = serializers.IntegerField()
    coupon_discount_minor = serializers.IntegerField()
    total_minor = serializers.IntegerField()


class OrderOutput(Output):
    id = serializers.UUIDField(source="public_id")
    external_id = serializers.CharField()
    customer = CustomerReference(allow_null=True)
    placed_at = serializers.DateTimeField()
    currency = serializers.CharField()
    gross_minor = serializers.IntegerField()
    store_discount_minor = serializers.IntegerField()
    coupon_discount_minor = serializers.IntegerField()
    total_minor = serializers.IntegerField()
    channel = serializers.CharField()
    lines = LineOutput(source="lines.all", many=True)
