"""Emergency brakes on the program in force: a rule, coupon, campaign or reward paused, a pace tightened.

A brake only ever takes away. It belongs to one revision and ends with it, or before; it changes nothing that
was approved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from rewards.domain.policies import LONGEST_WINDOW_HOURS, MOST_IN_WINDOW, Pace, VelocityLimit


class BrakeKind(StrEnum):
    RULE = "rule"
    COUPON = "coupon"
    CAMPAIGN = "campaign"
    REWARD = "reward"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Brake:
    """``key`` is that of a rule, coupon, campaign or reward, or the kind of a limit.

    ``until`` ``None`` is for now. ``limit`` is what a customer may do until then: nothing with a ``most`` of
    zero.
    """

    kind: BrakeKind
    key: str
    reason: str
    set_by: str
    set_at: datetime
    until: datetime | None = None
    limit: VelocityLimit | None = None

    def holds(self, at: datetime) -> bool:
        """Whether the brake is on."""
        return self.until is None or at < self.until

    def to_json(self) -> dict[str, Any]:
        """Write the brake as the revision's row keeps it."""
        document: dict[str, Any] = {
            "kind": self.kind.value, "key": self.key, "reason": self.reason, "set_by": self.set_by,
            "set_at": self.set_at.isoformat(),
            "until": self.until.isoformat() if self.until else None,
        }  # fmt: skip
        if self.limit is not None:
            document |= {"most": self.limit.most, "window_hours": self.limit.window_hours}
        return document


def read(document: Mapping[str, Any]) -> Brake:
    """Read what ``Brake.to_json`` wrote."""
    kind, until = BrakeKind(document["kind"]), document["until"]
    return Brake(
        kind=kind,
        key=document["key"],
        reason=document["reason"],
        set_by=document["set_by"],
        set_at=datetime.fromisoformat(document["set_at"]),
        until=datetime.fromisoformat(until) if until else None,
        limit=VelocityLimit(Pace(document["key"]), document["most"], document["window_hours"])
        if kind is BrakeKind.LIMIT
        else None,
    )


@dataclass(frozen=True, slots=True)
class Brakes:
    """The brakes that are on at one moment."""

    on: tuple[Brake, ...] = ()

    @property
    def rules(self) -> frozenset[str]:
        return self._keys(BrakeKind.RULE)

    @property
    def rewards(self) -> frozenset[str]:
        return self._keys(BrakeKind.REWARD)

    def pauses_coupon(self, key: str, campaign: str | None) -> bool:
        """Whether a coupon is paused, itself or by its campaign."""
        if key in self._keys(BrakeKind.COUPON):
            return True
        return campaign is not None and campaign in self._keys(BrakeKind.CAMPAIGN)

    def limit(self, pace: Pace) -> VelocityLimit | None:
        """Return the tightened limit of this kind, if there is one."""
        return next((each.limit for each in self.on if each.limit and each.limit.kind is pace), None)

    def _keys(self, kind: BrakeKind) -> frozenset[str]:
        return frozenset(each.key for each in self.on if each.kind is kind)


NO_BRAKES: Final = Brakes()


def holding(documents: Iterable[Mapping[str, Any]], at: datetime) -> Brakes:
    """Return those that are on at a moment."""
    found = (read(document) for document in documents)
    return Brakes(tuple(brake for brake in found if brake.holds(at)))


def is_tighter(new: VelocityLimit, now: VelocityLimit) -> bool:
    """Whether a limit lets nothing pass that the other one stops, and is another one.

    Fewer in as long a while, or as many in a longer one: what counts in the shorter counts in the longer.
    """
    is_no_looser = new.most <= now.most and new.window_hours >= now.window_hours
    return is_no_looser and (new.most, new.window_hours) != (now.most, now.window_hours)


def is_in_range(limit: VelocityLimit) -> bool:
    """Whether a tightened limit is one at all: none at all is allowed here."""
    return 0 <= limit.most <= MOST_IN_WINDOW and 1 <= limit.window_hours <= LONGEST_WINDOW_HOURS
