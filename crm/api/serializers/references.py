"""How other objects of the API name a customer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tenants.api.serializers import PublicIdField, StrictSerializer

Output = serializers.Serializer[Any]


class CustomerReference(Output):
    id = serializers.UUIDField(source="public_id")
    external_id = serializers.CharField(allow_null=True)


class CustomerReferenceInput(StrictSerializer):
    id = PublicIdField(of="customers", required=False)
    external_id = serializers.CharField(max_length=200, required=False)

    def validate(self, attrs: Any) -> Any:
        if len(attrs) != 1:
            raise serializers.ValidationError("Either id or external_id.")
        return attrs
