"""Returns of order lines in the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from crm.api.serializers.orders import LARGEST_QUANTITY, MOST_LINES
from crm.api.serializers.references import CustomerReference
from tenants.api.serializers import MomentField, StrictSerializer

Output = serializers.Serializer[Any]


class ReturnLineInput(StrictSerializer):
    position = serializers.IntegerField(min_value=1)
    quantity = serializers.IntegerField(min_value=1, max_value=LARGEST_QUANTITY)


class ReturnInput(StrictSerializer):
    external_id = serializers.CharField(max_length=200)
    order_external_id = serializers.CharField(max_length=200)
    returned_at = MomentField()
    lines = serializers.ListField(child=ReturnLineInput(), min_length=1, max_length=MOST_LINES)

    def validate_lines(self, lines: Any) -> Any:
        positions = [line["position"] for line in lines]
        if len(set(positions)) != len(positions):
            raise serializers.ValidationError("Name each line once.")
        return lines


class ReturnLineOutput(Output):
    position = serializers.IntegerField(source="order_line.position")
    sku = serializers.CharField(source="order_line.sku")
    quantity = serializers.IntegerField()
    amount_minor = serializers.IntegerField()


class ReturnOutput(Output):
    id = serializers.UUIDField(source="public_id")
    external_id = serializers.CharField()
    order = serializers.UUIDField(source="order.public_id")
    order_external_id = serializers.CharField(source="order.external_id")
    customer = CustomerReference(allow_null=True)
    returned_at = serializers.DateTimeField()
    total_minor = serializers.IntegerField()
    lines = ReturnLineOutput(source="lines.all", many=True)
