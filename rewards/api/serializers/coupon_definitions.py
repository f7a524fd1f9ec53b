"""Terms of coupons, as read and as written; amounts are minor units, 1,000 hundredths are 10 percent."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from rewards.domain.coupon_terms import WHOLE
from rewards.models import CouponBase, CouponConflict, CouponKind, CouponPeriod
from rewards.queries import coupon_definitions
from tenants.api.serializers import MomentField, StrictSerializer

_LARGEST, _LARGEST_SMALL, _LARGEST_INTEGER = 10**15, 2**15 - 1, 2**31 - 1
_MOST_KEYS, _MOST_ITEMS = 200, 5_000


def _keys(longest: int = 120, most: int = _MOST_KEYS) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=longest), required=False, max_length=most
    )


def _limit(largest: int = _LARGEST_INTEGER) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=largest, required=False, allow_null=True)


def _number(least: int, largest: int) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=least, max_value=largest, required=False)


def _days() -> serializers.ListField:
    day = serializers.IntegerField(min_value=1, max_value=7)
    return serializers.ListField(child=day, required=False, max_length=7)


def _hour() -> serializers.IntegerField:
    return serializers.IntegerField(min_value=0, max_value=24, required=False, allow_null=True)


class CouponDefinitionPatch(StrictSerializer):
    """What is not named stays; ``items`` replaces the listed items by their external ids."""

    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(max_length=5_000, required=False, allow_blank=True)
    campaign = serializers.SlugField(max_length=60, required=False, allow_null=True)
    kind = serializers.ChoiceField(choices=CouponKind.choices, required=False)
    percent_hundredths = _number(0, WHOLE)
    amount_minor = _number(0, _LARGEST)
    free_quantity = _number(1, _LARGEST_SMALL)
    max_discount_minor = _limit(_LARGEST)
    items = _keys(200, _MOST_ITEMS)
    categories = _keys()
    excluded_categories = _keys()
    minimum_spend_minor = _number(0, _LARGEST)
    minimum_quantity = _number(0, _LARGEST_INTEGER)
    channels = _keys(60)
    segments = _keys(60)
    tiers = _keys(60)
    is_first_purchase = serializers.BooleanField(required=False)
    rule = serializers.JSONField(required=False, allow_null=True)
    valid_from = MomentField(required=False, allow_null=True)
    valid_until = MomentField(required=False, allow_null=True)
    valid_days = _limit(_LARGEST_SMALL)
    weekdays = _days()
    hour_from = _hour()
    hour_until = _hour()
    uses_per_code = _limit()
    uses_per_customer = _limit()
    uses_per_period = _limit()
    uses_per_code_period = _limit()
    limit_uses_period = _limit(_LARGEST)
    limit_discount_period_minor = _limit(_LARGEST)
    period = serializers.ChoiceField(choices=CouponPeriod.choices, required=False)
    limit_uses = _limit(_LARGEST)
    limit_discount_minor = _limit(_LARGEST)
    priority = _number(0, _LARGEST_SMALL)
    base = serializers.ChoiceField(choices=CouponBase.choices, required=False)
    exclusive_group = serializers.CharField(max_length=40, required=False, allow_blank=True)
    is_exclusive = serializers.BooleanField(required=False)
    on_conflict = serializers.ChoiceField(choices=CouponConflict.choices, required=False)
    code_pattern = serializers.CharField(max_length=40, required=False)
    has_checksum = serializers.BooleanField(required=False)
    generic_code = serializers.CharField(max_length=60, required=False)
    is_active = serializers.BooleanField(required=False)


class CouponDefinitionInput(CouponDefinitionPatch):
    """A new coupon; ``generic_code`` makes a code for everybody."""

    key = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=200)
    kind = serializers.ChoiceField(choices=CouponKind.choices)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if "generic_code" in data:
            # One use is what a code of one's own has; for everybody it would be the first one's.
            data.setdefault("uses_per_code", None)
        return data


class CouponDefinitionOutput(serializers.Serializer[object]):
    id = serializers.UUIDField(source="public_id")
    key = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    campaign = serializers.CharField(source="campaign.key", allow_null=True, default=None)
    kind = serializers.CharField()
    percent_hundredths = serializers.IntegerField()
    amount_minor = serializers.IntegerField()
    free_quantity = serializers.IntegerField()
    max_discount_minor = serializers.IntegerField(allow_null=True)
    is_limited_to_items = serializers.BooleanField(source="has_items")
    categories = serializers.ListField(child=serializers.CharField())
    excluded_categories = serializers.ListField(child=serializers.CharField())
    minimum_spend_minor = serializers.IntegerField()
    minimum_quantity = serializers.IntegerField()
    channels = serializers.ListField(child=serializers.CharField())
    segments = serializers.ListField(child=serializers.CharField())
    tiers = serializers.ListField(child=serializers.CharField())
    is_first_purchase = serializers.BooleanField()
    rule = serializers.JSONField(allow_null=True)
    valid_from = serializers.DateTimeField(allow_null=True)
    valid_until = serializers.DateTimeField(allow_null=True)
    valid_days = serializers.IntegerField(allow_null=True)
    weekdays = serializers.ListField(child=serializers.IntegerField())
    hour_from = serializers.IntegerField(allow_null=True)
    hour_until = serializers.IntegerField(allow_null=True)
    uses_per_code = serializers.IntegerField(allow_null=True)
    uses_per_customer = serializers.IntegerField(allow_null=True)
    uses_per_period = serializers.IntegerField(allow_null=True)
    uses_per_code_period = serializers.IntegerField(allow_null=True)
    limit_uses_period = serializers.IntegerField(allow_null=True)
    limit_discount_period_minor = serializers.IntegerField(allow_null=True)
    period = serializers.CharField()
    limit_uses = serializers.IntegerField(allow_null=True)
    limit_discount_minor = serializers.IntegerField(allow_null=True)
    priority = serializers.IntegerField()
    base = serializers.CharField()
    exclusive_group = serializers.CharField()
    is_exclusive = serializers.BooleanField()
    on_conflict = serializers.CharField()
    code_pattern = serializers.CharField()
    has_checksum = serializers.BooleanField()
    is_active = serializers.BooleanField()
    is_paused = serializers.SerializerMethodField(
        help_text="By an emergency brake, on the coupon or on its campaign."
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_is_paused(self, definition: Any) -> bool:
        return coupon_definitions.is_paused(definition, timezone.now())
