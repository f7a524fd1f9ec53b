from __future__ import annotations

from typing import Any

from rest_framework import serializers

from rewards.models import CouponPeriod
from tenants.api.serializers import MomentField, PublicIdField, StrictSerializer

_LARGEST = 10**15
_MOST_DEFINITIONS = 500
MOST_RECIPIENTS = 1_000


def _definitions() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.SlugField(max_length=60), required=False, max_length=_MOST_DEFINITIONS
    )


def _limit() -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=_LARGEST, required=False, allow_null=True)


class CouponCampaignPatch(StrictSerializer):
    """What is not named stays; ``definitions`` replaces the keys of the campaign's coupons."""

    name = serializers.CharField(max_length=200, required=False)
    starts_at = MomentField(required=False, allow_null=True)
    ends_at = MomentField(required=False, allow_null=True)
    is_targeted = serializers.BooleanField(required=False)
    limit_uses = _limit()
    limit_discount_minor = _limit()
    limit_uses_period = _limit()
    limit_discount_period_minor = _limit()
    period = serializers.ChoiceField(choices=CouponPeriod.choices, required=False)
    definitions = _definitions()

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if "definitions" in data:
            data["coupons"] = tuple(sorted(set(data.pop("definitions"))))
        return data


class CouponCampaignInput(CouponCampaignPatch):
    key = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=200)


class RecipientsInput(StrictSerializer):
    """Customers by id, or everybody who is in a segment now."""

    customers = serializers.ListField(
        child=PublicIdField(of="customers"), required=False, allow_empty=False, max_length=MOST_RECIPIENTS
    )
    segment = serializers.SlugField(max_length=60, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Name customers or a segment, not both.", code="one_of")
        return attrs


class RecipientsAdded(serializers.Serializer[object]):
    added = serializers.IntegerField()


class CouponCampaignOutput(serializers.Serializer[object]):
    id = serializers.UUIDField(source="public_id")
    key = serializers.CharField()
    name = serializers.CharField()
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    is_targeted = serializers.BooleanField()
    limit_uses = serializers.IntegerField(allow_null=True)
    limit_discount_minor = serializers.IntegerField(allow_null=True)
    limit_uses_period = serializers.IntegerField(allow_null=True)
    limit_discount_period_minor = serializers.IntegerField(allow_null=True)
    period = serializers.CharField()
    definitions = serializers.SerializerMethodField()
    uses = serializers.SerializerMethodField()
    discount_minor = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_definitions(self, campaign: Any) -> list[str]:
        return [each.key for each in campaign.definitions.all()]

    def get_uses(self, campaign: Any) -> int:
        uses: int = self.context["spending"][campaign.pk].uses
        return uses

    def get_discount_minor(self, campaign: Any) -> int:
        spent: int = self.context["spending"][campaign.pk].discount_minor
        return spent
