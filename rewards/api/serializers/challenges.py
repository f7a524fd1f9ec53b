from __future__ import annotations

from typing import Any

from rest_framework import serializers

from rewards.domain.challenges.definition import ChallengeReward, Milestone, RewardKind, WindowKind
from tenants.api.serializers import StrictSerializer


class ChallengeRewardOutput(serializers.Serializer[ChallengeReward]):
    kind = serializers.ChoiceField(choices=[kind.value for kind in RewardKind])
    key = serializers.CharField(help_text="The wallet, coupon definition or message.")
    points = serializers.IntegerField(help_text="0 unless it is points.")


class MilestoneOutput(serializers.Serializer[Milestone]):
    at = serializers.IntegerField()
    rewards = ChallengeRewardOutput(many=True)


class ChallengePartOutput(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="What `value_by_task` counts it under.")
    name = serializers.CharField()
    target = serializers.IntegerField(help_text="1 for a step of a sequence.")


class ChallengeWindowOutput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=[kind.value for kind in WindowKind])
    starts_on = serializers.DateField(allow_null=True)
    ends_on = serializers.DateField(allow_null=True)
    days = serializers.IntegerField(help_text="0 unless it is rolling or since joining.")


class ChallengeOutput(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    kind = serializers.CharField(help_text="count, sum, distinct, streak, sequence or set")
    target = serializers.IntegerField(source="goal.target")
    parts = ChallengePartOutput(many=True, help_text="Tasks of a set or steps of a sequence, in order.")
    window = ChallengeWindowOutput()
    recurrence = serializers.CharField(source="recurrence.value")
    most_completions = serializers.IntegerField(
        source="limits.per_customer", allow_null=True, help_text="Of one customer."
    )
    needs_opt_in = serializers.BooleanField()
    rewards = ChallengeRewardOutput(many=True)
    milestones = MilestoneOutput(many=True)


class ChallengeStatusOutput(serializers.Serializer[Any]):
    challenge = ChallengeOutput()
    state = serializers.CharField(help_text="not_started, in_progress, completed, rewarded or expired")
    value = serializers.IntegerField()
    target = serializers.IntegerField()
    percent = serializers.IntegerField(source="share")
    period = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    completions = serializers.IntegerField()
    is_joined = serializers.BooleanField()
    may_join = serializers.BooleanField()
    is_paused = serializers.BooleanField(help_text="Outside of the audience, which the challenge waits for.")
    milestones_reached = serializers.ListField(child=serializers.IntegerField())
    value_by_task = serializers.DictField(child=serializers.IntegerField())
    withheld_points = serializers.IntegerField(
        help_text="Points of the period that were due and not in the challenge's budget."
    )


class ChallengesOutput(serializers.Serializer[Any]):
    challenges = ChallengeOutput(many=True)


class CustomerChallengesOutput(serializers.Serializer[Any]):
    challenges = ChallengeStatusOutput(many=True)


class ChallengeInput(StrictSerializer):
    challenge = serializers.CharField(max_length=60)
