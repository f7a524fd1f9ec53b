"""Fulfilment of redemptions: handed over, or packed, shipped and delivered."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from rewards.models import Redemption, RedemptionState
from rewards.services.redemption_states import lock, move
from tenants.domain.actors import Actor


@transaction.atomic
def fulfil(*, redemption: Redemption, by: Actor, at: datetime) -> Redemption:
    """Record that the reward was handed over. Raises ``WrongState`` unless it is confirmed."""
    row = lock(redemption, RedemptionState.CONFIRMED)
    row.fulfilled_at = at
    return move(row, RedemptionState.FULFILLED, by=by, at=at)


@transaction.atomic
def pack(*, redemption: Redemption, by: Actor, at: datetime) -> Redemption:
    """Record that the reward is packed. Raises ``WrongState`` unless it is confirmed."""
    row = lock(redemption, RedemptionState.CONFIRMED)
    row.packed_at = at
    return move(row, RedemptionState.PACKED, by=by, at=at)


@transaction.atomic
def ship(*, redemption: Redemption, by: Actor, at: datetime, tracking: str = "") -> Redemption:
    """Record that the parcel left. Raises ``WrongState`` unless it is packed."""
    row = lock(redemption, RedemptionState.PACKED)
    row.shipped_at, row.tracking = at, tracking[:200]
    return move(row, RedemptionState.SHIPPED, by=by, at=at)


@transaction.atomic
def deliver(*, redemption: Redemption, by: Actor, at: datetime) -> Redemption:
    """Record that the parcel arrived. Raises ``WrongState`` unless it was shipped."""
    row = lock(redemption, RedemptionState.SHIPPED)
    row.fulfilled_at = at
    return move(row, RedemptionState.DELIVERED, by=by, at=at)
