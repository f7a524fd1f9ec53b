"""Input and output of the customer domain's API. Outputs never write, inputs never read models."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.models import CustomerState, IdentityKind, LineKind, SegmentKind
from tenants.api.serializers import MomentField, StrictSerializer

Output = serializers.Serializer[Any]
_LARGEST_MINOR = 10**12
_LARGEST_QUANTITY = 10**9
_LONGEST_KEY = 120
_LONGEST_VALUE = 2000
MOST_IDENTITIES = 50
MOST_LINES = 1000
MOST_MEMBERS = 1000


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


class CustomerReference(Output):
    id = serializers.UUIDField(source="public_id")
    external_id = serializers.CharField(allow_null=True)


class ItemPatch(StrictSerializer):
    name = serializers.CharField(max_length=300, required=False)
    category = serializers.CharField(max_length=120, required=False, allow_blank=True)
    subcategory = serializers.CharField(max_length=120, required=False, allow_blank=True)
    brand = serializers.CharField(max_length=120, required=False, allow_blank=True)
    price_minor = serializers.IntegerField(
        min_value=0, max_value=_LARGEST_MINOR, required=False, allow_null=True
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


class LineInput(StrictSerializer):
    sku = serializers.CharField(max_length=200)
    name = serializers.CharField(max_length=300, required=False, allow_blank=True)
    kind = serializers.ChoiceField(choices=LineKind.choices, required=False)
    quantity = serializers.IntegerField(min_value=1, max_value=_LARGEST_QUANTITY)
    unit_price_minor = serializers.IntegerField(min_value=-_LARGEST_MINOR, max_value=_LARGEST_MINOR)
    store_discount_minor = serializers.IntegerField(min_value=0, max_value=_LARGEST_MINOR, required=False)
    coupon_discount_minor = serializers.IntegerField(min_value=0, max_value=_LARGEST_MINOR, required=False)


class CustomerReferenceInput(StrictSerializer):
    id = serializers.UUIDField(required=False)
    external_id = serializers.CharField(max_length=200, required=False)

    def validate(self, attrs: Any) -> Any:
        if len(attrs) != 1:
            raise serializers.ValidationError("Either id or external_id.")
        return attrs


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


class ReturnLineInput(StrictSerializer):
    position = serializers.IntegerField(min_value=1)
    quantity = serializers.IntegerField(min_value=1, max_value=_LARGEST_QUANTITY)


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


class SegmentInput(StrictSerializer):
    key = serializers.SlugField(max_length=80)
    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=[SegmentKind.STATIC, SegmentKind.RULE])
    rule = serializers.JSONField(required=False, allow_null=True)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class SegmentOutput(Output):
    id = serializers.UUIDField(source="public_id")
    key = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=SegmentKind.choices)
    rule = serializers.JSONField(allow_null=True)
    description = serializers.CharField()
    member_count = serializers.IntegerField()
    refreshed_at = serializers.DateTimeField(allow_null=True)
    refresh_ms = serializers.IntegerField(allow_null=True)
    last_error = serializers.CharField()


class MemberOutput(Output):
    customer = CustomerReference()
    joined_at = serializers.DateTimeField()
    reason = serializers.CharField()


class MembersInput(StrictSerializer):
    customers = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=MOST_MEMBERS)


class MembersChanged(Output):
    changed = serializers.IntegerField()
    member_count = serializers.IntegerField()


class JobStarted(Output):
    job = serializers.UUIDField()


class EventOutcome(Output):
    message_id = serializers.CharField()
    status = serializers.ChoiceField(choices=["accepted", "duplicate", "invalid"])
    reason = serializers.CharField(required=False)
    detail = serializers.CharField(required=False)


class EventInput(StrictSerializer):
    """For the documentation; the batch itself is read by msgspec."""

    message_id = serializers.CharField(max_length=200)
    name = serializers.CharField(max_length=100)
    occurred_at = serializers.DateTimeField()
    external_id = serializers.CharField(max_length=200, required=False)
    email = serializers.CharField(max_length=200, required=False)
    phone = serializers.CharField(max_length=200, required=False)
    anonymous_id = serializers.CharField(max_length=200, required=False)
    device = serializers.CharField(max_length=200, required=False)
    card = serializers.CharField(max_length=200, required=False)
    properties = serializers.DictField(required=False)


class EventBatchInput(StrictSerializer):
    events = EventInput(many=True)


class EventBatchOutput(Output):
    accepted = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    invalid = serializers.IntegerField()
    results = EventOutcome(many=True)
