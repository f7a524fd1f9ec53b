from __future__ import annotations

from rest_framework import serializers

from rewards.models import GiftKind, GiverKind


class OwedGiftOutput(serializers.Serializer[object]):
    """What a brake kept back; `outcome` is null while it waits, then `given` or why it was not."""

    kind = serializers.ChoiceField(choices=GiftKind.choices)
    key = serializers.CharField(help_text="Of the coupon or reward.")
    giver_kind = serializers.ChoiceField(choices=GiverKind.choices)
    giver = serializers.CharField(help_text="Key of the rule or challenge.")
    reason = serializers.CharField(help_text="`coupon_paused` or `reward_paused`.")
    earned_at = serializers.DateTimeField()
    owed_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.SerializerMethodField()

    def get_outcome(self, gift: object) -> str | None:
        outcome: str = getattr(gift, "outcome", "")
        return outcome or None
