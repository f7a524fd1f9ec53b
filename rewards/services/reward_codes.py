"""The codes that rewards hand out: set aside with a redemption, then given to the customer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from rewards.models import CodeState, CouponCode, Redemption, RedemptionState, Reward
from rewards.queries import catalogue
from rewards.services.coupons import issuing
from rewards.services.ledger import Source
from rewards.services.redemption_states import SOURCE, RewardUnavailable, WrongState, move
from tenants.domain.actors import Actor

KEPT: Final = timedelta(days=1)


def set_aside(reward: Reward, public_id: object, at: datetime) -> CouponCode | None:
    """Keep a code of the reward's coupon for the redemption with this public id, if it hands out codes.

    Raises ``RewardUnavailable``, ``CouponPaused`` and ``NoCodes``.
    """
    definition = reward.coupon_definition
    if definition is None:
        return None
    if not catalogue.hands_out(definition, at):
        raise RewardUnavailable("The reward's coupon is not offered any more.", reason="coupon_not_offered")
    source = Source(SOURCE, str(public_id))
    return issuing.reserve_code(definition=definition, source=source, at=at, ttl=KEPT)


def hand_over(row: Redemption, *, by: Actor, at: datetime) -> Redemption:
    """Give the customer the code of a confirmed redemption, which fulfils it; without one nothing changes."""
    if row.coupon_code_id is None:
        return row
    source = Source(SOURCE, str(row.public_id))
    code = issuing.of_source(source)
    if code is None or code.state != CodeState.RESERVED:
        # A review took longer than the code was kept.
        definition = row.reward.coupon_definition
        if definition is None:
            raise WrongState("The reward has no coupon any more.", state=row.state)
        code = issuing.reserve_code(definition=definition, source=source, at=at)
        row.coupon_code = code
    issuing.assign(code=code, customer_id=row.customer_id, by=by, at=at)
    row.fulfilled_at = at
    return move(row, RedemptionState.FULFILLED, by=by, at=at)
