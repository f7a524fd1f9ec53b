"""The reward catalogue."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from rewards.models import Reward, RewardKind, Wallet
from tenants.domain.actors import Actor
from tenants.errors import FieldError, InvalidInput
from tenants.services import audit

_AUDITED = ("name", "description", "kind", "cost_points", "stock", "is_active")


@transaction.atomic
def save_reward(
    *,
    key: str,
    name: str,
    kind: RewardKind,
    wallet_key: str,
    cost_points: int,
    by: Actor,
    at: datetime,
    description: str = "",
    stock: int | None = None,
    is_active: bool = True,
) -> Reward:
    """Create the reward with this key, or change it. ``stock`` ``None`` is unlimited."""
    wallet = Wallet.objects.filter(key=wallet_key).first()
    errors = []
    if wallet is None:
        errors.append(FieldError("/wallet", "unknown_wallet", f"There is no wallet {wallet_key!r}."))
    if cost_points < 1:
        errors.append(FieldError("/cost_points", "too_small", "A reward costs at least one point."))
    if stock is not None and stock < 0:
        errors.append(FieldError("/stock", "too_small", "Stock is not negative."))
    if errors:
        raise InvalidInput(errors=errors)
    values: dict[str, Any] = {
        "name": name, "description": description, "kind": kind, "wallet": wallet, "cost_points": cost_points,
        "stock": stock, "is_active": is_active, "updated_at": at,
    }  # fmt: skip
    former = Reward.objects.filter(key=key).values(*_AUDITED).first() or {}
    reward: Reward
    reward, _created = Reward.objects.update_or_create(
        key=key, defaults=values, create_defaults={**values, "created_at": at}
    )
    audit.record(
        action="reward.saved",
        target=reward,
        by=by,
        at=at,
        diff={
            field: [former.get(field), getattr(reward, field)]
            for field in _AUDITED
            if former.get(field) != getattr(reward, field)
        },
    )
    return reward
