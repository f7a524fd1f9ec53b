from __future__ import annotations

from typing import Any

from rest_framework import serializers

from rewards.domain.offers import ReferralQualification as Qualification
from rewards.domain.offers import ReferralReward
from rewards.models import ReferralQualification, ReferralRewardKind
from rewards.services.referral_programs import LONGEST_DAYS, MOST_LEVELS, MOST_MINOR, MOST_POINTS
from tenants.api.serializers import StrictSerializer


def _points() -> serializers.IntegerField:
    return serializers.IntegerField(min_value=0, max_value=MOST_POINTS, default=0)


class ReferralProgramInput(StrictSerializer):
    """The whole of it: what is not named is as if it had never been set."""

    is_active = serializers.BooleanField(default=True)
    wallet = serializers.CharField(max_length=60, default="points")
    referrer_kind = serializers.ChoiceField(choices=ReferralRewardKind.choices)
    referrer_points = _points()
    referrer_coupon = serializers.CharField(max_length=60, default="", allow_blank=True)
    referee_kind = serializers.ChoiceField(choices=ReferralRewardKind.choices)
    referee_points = _points()
    referee_coupon = serializers.CharField(max_length=60, default="", allow_blank=True)
    qualification = serializers.ChoiceField(choices=ReferralQualification.choices)
    minimum_order_minor = serializers.IntegerField(min_value=0, max_value=MOST_MINOR, default=0)
    event_name = serializers.CharField(max_length=200, default="", allow_blank=True)
    within_days = serializers.IntegerField(min_value=1, max_value=LONGEST_DAYS, default=90)
    upper_points = serializers.ListField(
        child=_points(), max_length=MOST_LEVELS - 1, default=list,
        help_text="For the referrer's referrer and the one above; empty is one level only.",
    )  # fmt: skip

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        kinds = {name: ReferralReward(data[name]) for name in ("referrer_kind", "referee_kind")}
        levels = tuple(data["upper_points"])
        return {
            **data,
            **kinds,
            "qualification": Qualification(data["qualification"]),
            "upper_points": levels,
        }


class ReferralProgramOutput(serializers.Serializer[object]):
    is_active = serializers.BooleanField()
    wallet = serializers.CharField()
    referrer_kind = serializers.CharField()
    referrer_points = serializers.IntegerField()
    referrer_coupon = serializers.CharField()
    referee_kind = serializers.CharField()
    referee_points = serializers.IntegerField()
    referee_coupon = serializers.CharField()
    qualification = serializers.CharField()
    minimum_order_minor = serializers.IntegerField()
    event_name = serializers.CharField()
    within_days = serializers.IntegerField()
    upper_points = serializers.ListField(child=serializers.IntegerField())
