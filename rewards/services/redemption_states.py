"""The state of a redemption: locked, moved, recorded; and what stands in the way of a redemption."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from rewards.locks import lock_redemption
from rewards.models import Redemption, RedemptionState
from tenants.domain.actors import Actor
from tenants.errors import Conflict
from tenants.services import audit, outbox

SOURCE: Final = "redemption"


class RewardUnavailable(Conflict):
    """The reward is not offered, or not to this customer; carries a ``reason`` for machines."""

    code = "reward_unavailable"
    title = "The reward is not offered"


class OutOfStock(Conflict):
    """The last piece of the reward is gone."""

    code = "out_of_stock"
    title = "The reward is out of stock"


class RewardLimitReached(Conflict):
    """The customer took the reward as often as one may; carries ``limit``."""

    code = "reward_limit"
    title = "The customer has taken this reward as often as allowed"


class CodeUsed(Conflict):
    """The reward's coupon was used already, so it cannot be given back."""

    code = "code_used"
    title = "The reward's coupon was used already"


class WrongState(Conflict):
    """The redemption is not in a state that allows this; carries ``state``."""

    code = "redemption_state"
    title = "The redemption's state does not allow this"


def lock(redemption: Redemption, *allowed: RedemptionState) -> Redemption:
    """Lock the redemption; raises ``WrongState`` unless it is in one of these states."""
    row = lock_redemption(redemption.pk)
    if row.state not in allowed:
        raise WrongState(f"The redemption is {row.state}.", state=row.state)
    return row


def move(row: Redemption, state: RedemptionState, *, by: Actor, at: datetime) -> Redemption:
    """Save the row in its new state, with an audit row and a message."""
    before, row.state = row.state, state
    row.save()
    record(row, before, by=by, at=at)
    return row


def record(row: Redemption, before: str | None, *, by: Actor, at: datetime) -> None:
    """Tell the audit log and the outbox what state the redemption is in now."""
    audit.record(
        action=f"redemption.{row.state}", target=row, by=by, at=at, diff={"state": [before, row.state]}
    )
    outbox.publish(topic=f"rewards.redemption_{row.state}", payload={"redemption_id": row.pk}, at=at)
