from __future__ import annotations

from typing import Any

from rest_framework import serializers

from rewards.models import TierMove
from tenants.api.serializers import MomentField, StrictSerializer


class PerksOutput(serializers.Serializer[Any]):
    free_shipping = serializers.BooleanField(source="has_free_shipping")
    entitlements = serializers.ListField(child=serializers.CharField())
    rewards = serializers.ListField(child=serializers.CharField())
    price_list = serializers.CharField()
    prices = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Points by reward that this tier and those above pay, in the reward's own wallet.",
    )


class TierOutput(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()
    needs = serializers.DictField(
        child=serializers.IntegerField(), help_text="By criterion; money in minor units."
    )
    perks = PerksOutput()


class MultiplierOutput(serializers.Serializer[Any]):
    rule = serializers.CharField()
    name = serializers.CharField()
    wallet = serializers.CharField()
    percent_by_tier = serializers.DictField(
        child=serializers.IntegerField(), help_text="Tiers that are not named get 100."
    )


class LadderOutput(serializers.Serializer[Any]):
    tiers = TierOutput(many=True)
    multipliers = MultiplierOutput(many=True, help_text="Earning rules that give tiers more.")


class TierChangeOutput(serializers.Serializer[Any]):
    move = serializers.ChoiceField(choices=TierMove.values, help_text="`entered`: from no tier into one.")
    from_key = serializers.CharField()
    to_key = serializers.CharField()
    changed_at = serializers.DateTimeField()


class TierStandingOutput(serializers.Serializer[Any]):
    """Held, protected until, reached now, and what the next step needs."""

    tier = TierOutput(allow_null=True)
    since = serializers.DateTimeField(source="membership.since", default=None, allow_null=True)
    valid_until = serializers.DateTimeField(source="membership.valid_until", default=None, allow_null=True)
    grace_until = serializers.DateTimeField(source="membership.grace_until", default=None, allow_null=True)
    locked_until = serializers.DateTimeField(source="membership.locked_until", default=None, allow_null=True)
    values = serializers.DictField(child=serializers.IntegerField(), help_text="By criterion, as of now.")
    projected = TierOutput(source="projection.reached", allow_null=True)
    next = TierOutput(source="projection.next_tier", allow_null=True)
    missing = serializers.DictField(
        source="projection.missing_by_criterion",
        child=serializers.IntegerField(),
        help_text="To the next tier.",
    )


class CustomerTierOutput(serializers.Serializer[Any]):
    standing = TierStandingOutput(allow_null=True)
    history = TierChangeOutput(many=True)


class LockInput(StrictSerializer):
    tier = serializers.CharField(max_length=60)
    until = MomentField()
    reason = serializers.CharField(max_length=500)


class UnlockInput(StrictSerializer):
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)
