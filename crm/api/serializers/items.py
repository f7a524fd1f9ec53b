"""Items in the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from crm.api.serializers.customers import AttributesField
from crm.api.serializers.orders import LARGEST_MINOR
from tenants.api.serializers import StrictSerializer

Output = serializers.Serializer[Any]


class ItemPatch(StrictSerializer):
    name = serializers.CharField(max_length=300, required=False)
    category = serializers.CharField(max_length=120, required=False, allow_blank=True)
    subcategory = serializers.CharField(max_length=120, required=False, allow_blank=True)
    brand = serializers.CharField(max_length=120, required=False, allow_blank=True)
    price_minor = serializers.IntegerField(
        min_value=0, max_value=LARGEST_MINOR, required=False, allow_null=True
    )
    attributes = AttributesField(required=False)
    is_active = serializers.BooleanField(required=False)


class ItemInput(ItemPatch):
    external_id = serializers.CharField(max_length=200)


class ItemOutput(Output):
    id = serializers.UUIDField(source="public_id")
    external_id = serializers.CharField()
    name = serializers.CharField()
    category = serializers.CharField()
    subcategory = serializers.CharField()
    brand = serializers.CharField()
    price_minor = serializers.IntegerField(allow_null=True)
    attributes = serializers.DictField()
    is_active = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
