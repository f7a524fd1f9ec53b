"""Customers in the API: what is written and what is read."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.models import CustomerState, IdentityKind
from tenants.api.serializers import MomentField, StrictSerializer

Output = serializers.Serializer[Any]
_LONGEST_KEY = 120
_LONGEST_VALUE = 2000
MOST_IDENTITIES = 50


class PersonFields(StrictSerializer):
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=32, required=False, allow_blank=True)
    given_name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    family_name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    birth_on = serializers.DateField(required=False, allow_null=True)
    postcode = serializers.CharField(max_length=20, required=False, allow_blank=True)
    city = serializers.CharField(max_length=120, required=False, allow_blank=True)
    country = serializers.CharField(max_length=80, required=False, allow_blank=True)
    locale = serializers.CharField(max_length=16, required=False, allow_blank=True)


class IdentityFields(StrictSerializer):
    kind = serializers.ChoiceField(choices=IdentityKind.choices)
    value = serializers.CharField(max_length=254)


class AttributesField(serializers.DictField):
    """Attributes: text, numbers, yes or no; null removes one."""

    def to_internal_value(self, data: Any) -> Any:
        attributes = super().to_internal_value(data)
        for key, value in attributes.items():
            is_plain = value is None or isinstance(value, str | int | float | bool)
            if not 0 < len(key) <= _LONGEST_KEY or "\0" in key:
                raise serializers.ValidationError(
                    {key[:_LONGEST_KEY]: f"A name of at most {_LONGEST_KEY} characters."}
                )
            if not is_plain or "\0" in str(value) or len(str(value)) > _LONGEST_VALUE:
                raise serializers.ValidationError({key: "Text, a number, yes or no, or null."})
        return attributes


class CustomerPatch(StrictSerializer):
    person = PersonFields(required=False)
    attributes = AttributesField(required=False)
    identities = serializers.ListField(child=IdentityFields(), required=False, max_length=MOST_IDENTITIES)
    may_profile = serializers.BooleanField(required=False)
    member_since = MomentField(required=False, allow_null=True)


class CustomerInput(CustomerPatch):
    external_id = serializers.CharField(max_length=200, required=False, allow_null=True)


class TraitOutput(Output):
    name = serializers.CharField()
    value = serializers.JSONField()
    model_version = serializers.CharField()
    computed_at = serializers.DateTimeField()


class OrderTotalsOutput(Output):
    orders_count = serializers.IntegerField()
    revenue_minor = serializers.IntegerField()
    returned_minor = serializers.IntegerField()
    first_order_at = serializers.DateTimeField(allow_null=True)
    last_order_at = serializers.DateTimeField(allow_null=True)


class PersonOutput(Output):
    email = serializers.CharField()
    phone = serializers.CharField()
    given_name = serializers.CharField()
    family_name = serializers.CharField()
    birth_on = serializers.DateField(allow_null=True)
    postcode = serializers.CharField()
    city = serializers.CharField()
    country = serializers.CharField()
    locale = serializers.CharField()


class IdentityOutput(Output):
    kind = serializers.CharField()
    value = serializers.CharField()


class CustomerOutput(Output):
    id = serializers.UUIDField(source="public_id")
    external_id = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(choices=CustomerState.choices)
    may_profile = serializers.BooleanField()
    person = PersonOutput(allow_null=True)
    attributes = serializers.DictField()
    identities = serializers.SerializerMethodField()
    orders = OrderTotalsOutput(source="order_summary", allow_null=True)
    traits = serializers.SerializerMethodField()
    sections = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    first_seen_at = serializers.DateTimeField(allow_null=True)
    last_seen_at = serializers.DateTimeField(allow_null=True)
    member_since = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(IdentityOutput(many=True))
    def get_identities(self, customer: Any) -> Any:
        return IdentityOutput(customer.identities.all(), many=True).data

    @extend_schema_field(TraitOutput(many=True))
    def get_traits(self, customer: Any) -> Any:
        return TraitOutput(sorted(customer.computed_traits.all(), key=lambda each: each.name), many=True).data

    @extend_schema_field(serializers.DictField())
    def get_sections(self, customer: Any) -> Any:
        return self.context.get("sections", {}).get(customer.pk, {})
