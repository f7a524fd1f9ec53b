from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from rewards.api.serializers.challenges import ChallengeRewardOutput
from rewards.domain.effects import (
    AdvanceChallenge,
    ChangeTier,
    Earn,
    GrantReward,
    IssueCoupon,
    SetTrait,
    TriggerMessage,
)
from rewards.domain.rules import GrantKind, Trigger
from tenants.api.serializers import MomentField, PublicIdField, StrictSerializer


class RevisionOutput(serializers.Serializer[object]):
    number = serializers.IntegerField()
    state = serializers.CharField()
    note = serializers.CharField()
    base_number = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    published_at = serializers.DateTimeField(allow_null=True)
    retired_at = serializers.DateTimeField(allow_null=True)


class BudgetStatusOutput(serializers.Serializer[object]):
    """What a budget has paid in the period that runs now; a limit that is null does not limit."""

    key = serializers.CharField(source="budget.key")
    name = serializers.CharField(source="budget.name")
    period = serializers.CharField(source="budget.period")
    points = serializers.IntegerField(source="budget.points", allow_null=True)
    points_used = serializers.IntegerField()
    money_minor = serializers.IntegerField(source="budget.money_minor", allow_null=True)
    money_used_minor = serializers.IntegerField()


class BudgetsOutput(serializers.Serializer[object]):
    budgets = BudgetStatusOutput(many=True)


class RevisionDocumentOutput(RevisionOutput):
    document = serializers.JSONField()


class DraftInput(StrictSerializer):
    document = serializers.JSONField()
    note = serializers.CharField(max_length=500, required=False, default="")


class DraftUpdateInput(StrictSerializer):
    """Who wins where both changed the same, by the path that a clash names: `draft` or `in_force`."""

    choices = serializers.DictField(child=serializers.CharField(max_length=20), required=False, default=dict)


class ChangeOutput(serializers.Serializer[object]):
    section = serializers.CharField()
    key = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField(source="kind.value", help_text="added, removed or changed")


class ClashOutput(serializers.Serializer[object]):
    """What both changed; null is that it is not there."""

    path = serializers.CharField(help_text="Such as `rules/base`.")
    before = serializers.JSONField(allow_null=True)
    draft = serializers.JSONField(allow_null=True)
    in_force = serializers.JSONField(allow_null=True)


class DraftBehindOutput(serializers.Serializer[object]):
    """Whether another revision was published since the draft was begun, and what that changed."""

    is_behind = serializers.BooleanField()
    base = serializers.IntegerField(allow_null=True)
    current = serializers.IntegerField(allow_null=True)
    changes = ChangeOutput(many=True)
    clashes = ClashOutput(many=True)


class FindingOutput(serializers.Serializer[object]):
    """``detail`` is what ``reason`` and its ``parameters`` say, in English."""

    severity = serializers.CharField()
    code = serializers.CharField()
    reason = serializers.CharField()
    pointer = serializers.CharField()
    rule = serializers.CharField()
    parameters = serializers.DictField()
    detail = serializers.CharField()


class DraftOutput(serializers.Serializer[object]):
    number = serializers.IntegerField()
    state = serializers.CharField()
    findings = FindingOutput(many=True)


class ImaginedLineInput(StrictSerializer):
    item = serializers.CharField(max_length=200, required=False, default="")
    category = serializers.CharField(max_length=120, required=False, default="")
    quantity = serializers.IntegerField(min_value=1, max_value=1_000_000, default=1)
    amount_minor = serializers.IntegerField(min_value=0, max_value=10**12)


MOST_LINES = 1_000
_RECORDED = ("order", "return_id", "message_id")
_IMAGINED = ("lines", "event", "trigger")


class EvaluateInput(StrictSerializer):
    """Something recorded, by the client's id: ``order``, ``return_id`` or an event's ``message_id``.

    Or something imagined: ``lines`` (a cart), ``event`` (by its name), or a ``trigger``. It is of a
    ``customer``, or of somebody who is nobody yet, such as a guest.
    """

    customer = PublicIdField(of="customers", required=False)
    order = serializers.CharField(max_length=200, required=False)
    return_id = serializers.CharField(max_length=200, required=False)
    message_id = serializers.CharField(max_length=200, required=False)
    trigger = serializers.ChoiceField(
        choices=[each.value for each in Trigger if each not in {Trigger.ORDER, Trigger.EVENT}],
        required=False,
    )
    lines = ImaginedLineInput(many=True, required=False)
    channel = serializers.CharField(max_length=60, required=False, default="")
    event = serializers.CharField(max_length=100, required=False)
    properties = serializers.DictField(required=False, default=dict)
    at = MomentField(required=False)
    revision = serializers.IntegerField(min_value=1, required=False)
    dry_run = serializers.BooleanField(default=True)

    def validate_lines(self, lines: list[Any]) -> list[Any]:
        if not 1 <= len(lines) <= MOST_LINES:
            raise serializers.ValidationError(f"From 1 to {MOST_LINES} lines.", code="out_of_range")
        return lines

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = [name for name in (*_RECORDED, *_IMAGINED) if name in attrs]
        if len(named) != 1:
            known = ", ".join((*_RECORDED, *_IMAGINED))
            raise serializers.ValidationError({"order": f"One of {known}."}, code="ambiguous")
        if not attrs["dry_run"] and ("order" not in attrs or "revision" in attrs):
            raise serializers.ValidationError(
                {"dry_run": "Only a recorded order is decided for good, by the revision of its day."},
                code="dry_run_only",
            )
        return attrs


_EFFECTS = {
    GrantKind.COUPON: (IssueCoupon, "coupon"),
    GrantKind.REWARD: (GrantReward, "reward"),
    GrantKind.CHALLENGE: (AdvanceChallenge, "challenge"),
    GrantKind.TIER: (ChangeTier, "tier"),
    GrantKind.TRAIT: (SetTrait, "trait"),
    GrantKind.MESSAGE: (TriggerMessage, "trigger"),
}


def recorded_effects(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a stored decision gave, in the shape of ``EffectOutput``."""
    effects = [
        {"type": Earn.__name__, "values": {"wallet": wallet, "points": points}}
        for wallet, points in record.get("given", {}).items()
    ]
    for rule in record.get("rules", ()):
        withheld = {each["effect"] for each in rule.get("withheld", ())}
        for grant in rule.get("effects", ()):
            if grant in withheld:
                continue
            kind, _colon, key = grant.partition(":")
            effect, name = _EFFECTS[GrantKind(kind)]
            effects.append({"type": effect.__name__, "values": {"rule": rule["rule"], name: key}})
    return effects


class EffectOutput(serializers.Serializer[object]):
    type = serializers.CharField()
    values = serializers.DictField()


class WithheldOutput(serializers.Serializer[object]):
    effect = serializers.CharField(help_text="The kind and the key, such as `coupon:ten`.")
    reason = serializers.CharField(help_text="coupon_paused or reward_paused")
    owed = serializers.BooleanField(help_text="Whether it follows once the brake ends.")


class ChallengeOutlookOutput(serializers.Serializer[object]):
    challenge = serializers.CharField(source="challenge.key")
    name = serializers.CharField(source="challenge.name")
    before = serializers.IntegerField()
    after = serializers.IntegerField()
    target = serializers.IntegerField()
    is_completed = serializers.BooleanField()
    rewards = ChallengeRewardOutput(many=True, help_text="Of milestones and of the completion.")
    withheld = WithheldOutput(
        many=True, source="kept_back", help_text="Rewards that an emergency brake keeps back now."
    )


class TierOutlookOutput(serializers.Serializer[object]):
    before = serializers.CharField(source="before.key", default=None, allow_null=True)
    after = serializers.CharField(source="after.key", default=None, allow_null=True)
    move = serializers.CharField(
        help_text="kept, entered (from no tier into one), upgraded, renewed, grace, downgraded or remapped"
    )
    next = serializers.CharField(source="next_tier.key", default=None, allow_null=True)
    missing = serializers.DictField(child=serializers.IntegerField(), help_text="To the next tier, then.")


class OutlookOutput(serializers.Serializer[object]):
    """Challenges that would move, and the tier; as of the moment of the case."""

    challenges = ChallengeOutlookOutput(many=True)
    tier = TierOutlookOutput(allow_null=True)


class EvaluationOutput(serializers.Serializer[object]):
    revision = serializers.IntegerField()
    dry_run = serializers.BooleanField()
    points = serializers.IntegerField()
    effects = EffectOutput(many=True)
    record = serializers.JSONField()
    outlook = OutlookOutput(
        allow_null=True, help_text="Of what is only imagined; null for what was recorded."
    )


class WhyOutput(serializers.Serializer[object]):
    """``source`` is the client's id of the order, return or message; a member's day has none."""

    event_type = serializers.CharField(source="decision.event_type")
    name = serializers.CharField(help_text="The event's name.")
    source = serializers.CharField()  # type: ignore[assignment]  # fields leave the class
    order = serializers.CharField(source="order.external_id", default=None, allow_null=True)
    occurred_at = serializers.DateTimeField(source="decision.occurred_at")
    decided_at = serializers.DateTimeField(source="decision.decided_at")
    revision = serializers.IntegerField(source="decision.revision.number")
    points = serializers.IntegerField(source="decision.points")
    record = serializers.JSONField()
