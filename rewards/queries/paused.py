"""Which coupons and rewards an emergency brake keeps back now."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rewards.domain.effects import Effect, GrantReward, IssueCoupon
from rewards.models import CouponDefinition, ProgramRevision, RevisionState, Reward
from rewards.queries import brakes
from rewards.queries.programs import PublishedRevision


@dataclass(frozen=True, slots=True)
class KeptBack:
    """A gift that a brake would keep back: what gives it, how records call it, and why."""

    giver: str
    effect: str
    reason: str
    owed: bool = True

    def to_json(self) -> dict[str, Any]:
        """Write it as the record of a decision has what was withheld."""
        return {"effect": self.effect, "reason": self.reason, "owed": self.owed}


def gifts(effects: Iterable[Effect], *, revision: PublishedRevision, at: datetime) -> tuple[KeptBack, ...]:
    """Return which effects brakes would keep back; a revision that is not in force has no brakes."""
    asked = list(effects)
    coupon_keys = {each.coupon for each in asked if isinstance(each, IssueCoupon)}
    reward_keys = {each.reward for each in asked if isinstance(each, GrantReward)}
    if not (coupon_keys or reward_keys) or not is_in_force(revision):
        return ()
    no_coupons, no_rewards = coupons(coupon_keys, at=at), rewards(reward_keys, at=at)
    found = []
    for each in asked:
        if isinstance(each, IssueCoupon) and each.coupon in no_coupons:
            found.append(KeptBack(each.rule, each.recorded, "coupon_paused"))
        elif isinstance(each, GrantReward) and each.reward in no_rewards:
            found.append(KeptBack(each.rule, each.recorded, "reward_paused"))
    return tuple(found)


def is_in_force(revision: PublishedRevision) -> bool:
    """Whether the revision is the one whose brakes are on."""
    rows = ProgramRevision.objects.filter(pk=revision.id, state=RevisionState.PUBLISHED)
    return rows.exists()


def coupons(keys: Collection[str], *, at: datetime) -> set[str]:
    """Return those of the coupons that are paused, themselves or by their campaigns."""
    on = brakes.on(at)
    if not on.on or not keys:
        return set()
    rows = CouponDefinition.objects.filter(key__in=keys).values_list("key", "campaign__key")
    return {key for key, campaign in rows if on.pauses_coupon(key, campaign)}


def rewards(keys: Collection[str], *, at: datetime) -> set[str]:
    """Return those of the rewards that are paused, themselves or by the coupons they hand out."""
    on = brakes.on(at)
    if not on.on or not keys:
        return set()
    rows = Reward.objects.filter(key__in=keys).values_list(
        "key", "coupon_definition__key", "coupon_definition__campaign__key"
    )
    return {
        key for key, coupon, campaign in rows if key in on.rewards or on.pauses_coupon(coupon or "", campaign)
    }
