from __future__ import annotations

from rest_framework import serializers

from rewards.domain.rehearsal_days import MOST_DAYS
from tenants.api.serializers import StrictSerializer


class RehearseInput(StrictSerializer):
    """``ends_on`` is the last of the ``days``.

    Without it they end now or, where nothing has happened in them, with the day of the last event.
    """

    days = serializers.IntegerField(min_value=1, max_value=MOST_DAYS, default=30)
    ends_on = serializers.DateField(required=False)


class RehearsalStarted(serializers.Serializer[object]):
    job = serializers.UUIDField()


class MovedPointsOutput(serializers.Serializer[object]):
    given = serializers.IntegerField()
    taken = serializers.IntegerField()


class RehearsedWalletOutput(serializers.Serializer[object]):
    """``points`` are given less taken, ``pending``, ``available`` and ``debt`` what members have in the end.

    ``missing`` is what members really spent and would not have had; ``is_gone``: only the live program has
    the wallet. The liability is that of all points there are in the end, beside the real one. What older
    rehearsals did not tell is left out.
    """

    wallet = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField(required=False)
    is_gone = serializers.BooleanField(required=False)
    given = serializers.IntegerField(required=False)
    asked_back = serializers.IntegerField(required=False)
    taken = serializers.IntegerField(required=False)
    expired = serializers.IntegerField(required=False)
    spent = serializers.IntegerField(required=False)
    missing = serializers.IntegerField(required=False)
    points = serializers.IntegerField()
    actual_points = serializers.IntegerField()
    pending = serializers.IntegerField(required=False)
    available = serializers.IntegerField(required=False)
    debt = serializers.IntegerField(required=False)
    cost_minor = serializers.IntegerField()
    liability_change_points = serializers.IntegerField(required=False)
    liability_change_minor = serializers.IntegerField(required=False)


class RehearsedRuleOutput(serializers.Serializer[object]):
    rule = serializers.CharField()
    name = serializers.CharField()
    times = serializers.IntegerField()
    points = serializers.IntegerField()
    capped = serializers.IntegerField()
    cost_minor = serializers.IntegerField()
    actual_points = serializers.IntegerField()
    is_gone = serializers.BooleanField()


class ActualChallengeOutput(serializers.Serializer[object]):
    members = serializers.IntegerField()
    completions = serializers.IntegerField()
    milestones = serializers.IntegerField()
    points = serializers.IntegerField()
    cost_minor = serializers.IntegerField()


class RehearsedChallengeOutput(ActualChallengeOutput):
    """``members`` had something counted; completions, milestones and points are less those taken back.

    ``others`` counts coupons and messages by kind and key. ``is_gone``: only the live program has it;
    ``is_closed``: members have to ask, and before it is published nobody could; ``is_later``: it really began
    after these days did, so that beside it there is little or nothing.
    """

    challenge = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    is_gone = serializers.BooleanField()
    is_closed = serializers.BooleanField()
    is_later = serializers.BooleanField(required=False)
    others = serializers.DictField(child=serializers.IntegerField())
    actual = ActualChallengeOutput()


class ChangedMemberOutput(serializers.Serializer[object]):
    customer = serializers.UUIDField()
    points = serializers.IntegerField()


class SpreadOutput(serializers.Serializer[object]):
    """How many members get points between ``least`` and ``most`` more; null is without end."""

    least = serializers.IntegerField(allow_null=True)
    most = serializers.IntegerField(allow_null=True)
    members = serializers.IntegerField()


class ChangedMembersOutput(serializers.Serializer[object]):
    winners = serializers.IntegerField()
    losers = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    # Rehearsals of before do not have it.
    spread = SpreadOutput(many=True, required=False)
    most_won = ChangedMemberOutput(many=True)
    most_lost = ChangedMemberOutput(many=True)


class RehearsedTierMoveOutput(serializers.Serializer[object]):
    members = serializers.IntegerField()

    def get_fields(self) -> dict[str, serializers.Field[object, object, object, object]]:
        """Name the tiers ``from`` and ``to``; the first cannot be written as an attribute."""
        tiers = {"from": serializers.CharField(), "to": serializers.CharField()}
        return {**tiers, **super().get_fields()}


class RehearsalConflictOutput(serializers.Serializer[object]):
    rule = serializers.CharField()
    name = serializers.CharField()
    points = serializers.IntegerField()
    actual_points = serializers.IntegerField()


class RehearsalOverlapOutput(serializers.Serializer[object]):
    rule = serializers.CharField()
    name = serializers.CharField()
    events = serializers.IntegerField()
    with_name = serializers.CharField()

    def get_fields(self) -> dict[str, serializers.Field[object, object, object, object]]:
        """Name the other rule ``with``, which cannot be written as an attribute."""
        return {"with": serializers.CharField(), **super().get_fields()}


class RehearsalOutput(serializers.Serializer[object]):
    """What a revision would have done with the events of some days, beside what really happened.

    ``is_moved``: nothing had happened in the last days, so they end with the day of the last event.
    """

    days = serializers.IntegerField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    is_moved = serializers.BooleanField(required=False)
    rehearsed_at = serializers.DateTimeField()
    rehearsed_by = serializers.CharField()
    is_current = serializers.BooleanField()
    events = serializers.IntegerField()
    points = MovedPointsOutput()
    actual = MovedPointsOutput()
    cost_minor = serializers.IntegerField()
    liability_change_points = serializers.IntegerField()
    liability_change_minor = serializers.IntegerField(required=False)
    wallets = RehearsedWalletOutput(many=True, required=False)
    rules = RehearsedRuleOutput(many=True)
    challenges = RehearsedChallengeOutput(many=True, required=False)
    grants = serializers.DictField(child=serializers.IntegerField())
    members = ChangedMembersOutput()
    tiers = RehearsedTierMoveOutput(many=True)
    conflicts = RehearsalConflictOutput(many=True)
    overlaps = RehearsalOverlapOutput(many=True, required=False)
