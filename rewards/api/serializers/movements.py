from __future__ import annotations

from datetime import date, timedelta

from rest_framework import serializers

from rewards.models import LotState
from rewards.services.points import LARGEST_ADJUSTMENT
from tenants.api.serializers import DayField, MomentField, PublicIdField, StrictSerializer

_LONGEST_PERIOD = timedelta(days=3660)


class MovementInput(StrictSerializer):
    points = serializers.IntegerField(min_value=1, max_value=LARGEST_ADJUSTMENT)
    wallet = serializers.CharField(max_length=60, default="points")
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


class EarnInput(MovementInput):
    occurred_at = MomentField(required=False)


class TransferInput(MovementInput):
    to = PublicIdField(of="customers")


class HoldInput(StrictSerializer):
    points = serializers.IntegerField(min_value=1, max_value=LARGEST_ADJUSTMENT)
    wallet = serializers.CharField(max_length=60, default="points")
    seconds = serializers.IntegerField(min_value=1, max_value=30 * 24 * 3600, default=1800)


class ReverseInput(StrictSerializer):
    wallet = serializers.CharField(max_length=60, default="points")
    seq = serializers.IntegerField(min_value=1, max_value=2**62)
    reason = serializers.CharField(max_length=500)


class ReleaseInput(StrictSerializer):
    event = serializers.CharField(max_length=60)
    order = serializers.CharField(max_length=200)


class CaptureInput(StrictSerializer):
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


class HoldOutput(serializers.Serializer[object]):
    id = serializers.UUIDField(source="public_id")
    customer = serializers.UUIDField(source="account.customer.public_id")
    wallet = serializers.CharField(source="account.wallet.key")
    points = serializers.IntegerField()
    state = serializers.CharField()
    opened_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)


class ReversalOutput(serializers.Serializer[object]):
    points = serializers.IntegerField()
    available = serializers.IntegerField()
    missing = serializers.IntegerField()


class ReleaseOutput(serializers.Serializer[object]):
    points = serializers.IntegerField()


class LotsInput(StrictSerializer):
    state = serializers.ChoiceField(
        choices=[LotState.PENDING, LotState.ACTIVE, LotState.EXPIRED], required=False
    )
    wallet = serializers.CharField(max_length=60, required=False)
    expires_before = MomentField(required=False)


class LotOutput(serializers.Serializer[object]):
    """``awaits`` is the event, or ``manual``, that ends the wait; ``order`` the order that it must name."""

    wallet = serializers.CharField(source="lot.account.wallet.key")
    state = serializers.CharField(source="lot.state")
    granted = serializers.IntegerField(source="lot.granted")
    remaining = serializers.IntegerField(source="lot.remaining")
    held = serializers.IntegerField(source="lot.held")
    available_from = serializers.DateTimeField(source="lot.available_from")
    activates_at = serializers.DateTimeField(source="lot.activates_at", allow_null=True)
    awaits = serializers.CharField()
    order = serializers.CharField(allow_null=True)
    expires_at = serializers.DateTimeField(source="lot.expires_at", allow_null=True)


class ExpiringLotOutput(serializers.Serializer[object]):
    customer = serializers.UUIDField(source="account.customer.public_id")
    wallet = serializers.CharField(source="account.wallet.key")
    points = serializers.IntegerField(source="free")
    expires_at = serializers.DateTimeField()


class PeriodInput(StrictSerializer):
    begin = DayField()
    end = DayField()

    def validate(self, attrs: dict[str, date]) -> dict[str, date]:
        if not attrs["begin"] <= attrs["end"] <= attrs["begin"] + _LONGEST_PERIOD:
            raise serializers.ValidationError({"end": "From the first day on, and at most ten years later."})
        return attrs


class StatementOutput(serializers.Serializer[object]):
    wallet = serializers.CharField()
    opening = serializers.IntegerField()
    earned = serializers.IntegerField()
    spent = serializers.IntegerField()
    returned = serializers.IntegerField()
    expired = serializers.IntegerField()
    adjusted = serializers.IntegerField()
    transferred = serializers.IntegerField()
    merged = serializers.IntegerField()
    closing = serializers.IntegerField()


class StatementsOutput(serializers.Serializer[object]):
    begin = serializers.DateField()
    end = serializers.DateField()
    wallets = StatementOutput(many=True)


class LiabilityPartOutput(serializers.Serializer[object]):
    wallet = serializers.CharField()
    tier = serializers.CharField()
    age = serializers.CharField()
    points = serializers.IntegerField()
    cost_minor = serializers.IntegerField()
    liability_minor = serializers.IntegerField()


class MonthEndOutput(serializers.Serializer[object]):
    month_end = serializers.DateField()
    points = serializers.IntegerField()
    liability_minor = serializers.IntegerField()


class LiabilityInput(StrictSerializer):
    month_end = DayField(required=False)


class LiabilityOutput(serializers.Serializer[object]):
    currency = serializers.CharField()
    parts = LiabilityPartOutput(many=True)
    month_ends = MonthEndOutput(many=True)
