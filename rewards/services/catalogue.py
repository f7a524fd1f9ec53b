"""The reward catalogue: what points buy, for whom, at which price in which wallet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from crm.models import Segment
from rewards.models import CouponDefinition, CouponKind, Reward, RewardKind, RewardPrice, Wallet
from rewards.queries import governed
from rewards.services.errors import GovernedByProgram
from tenants.domain.actors import Actor
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.services import audit

MOST_PIECES: Final = 2**31 - 1
MOST_POINTS: Final = 10**12
_AUDITED = (
    "name", "description", "kind", "cost_points", "stock", "is_active", "segments", "tiers",
    "limit_per_customer", "needs_shipping",
)  # fmt: skip


class RewardKeyTaken(Conflict):
    """The tenant has a reward with this key already; carries ``key``."""

    code = "reward_key_taken"
    title = "This key is taken"


@dataclass(frozen=True, slots=True)
class RewardOffer:
    """Who may have a reward, when and how often; ``prices`` are points by the key of another wallet.

    ``coupon_definition`` is the key of the definition whose codes the reward hands out.
    """

    coupon_definition: str = ""
    segments: Sequence[str] = ()
    tiers: Sequence[str] = ()
    limit_per_customer: int | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    needs_shipping: bool = False
    prices: Mapping[str, int] = field(default_factory=dict)


_ANYBODY = RewardOffer()


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
    offer: RewardOffer = _ANYBODY,
    keeps_stock: bool = False,
    of_program: bool = False,
) -> Reward:
    """Create the reward with this key, or change it. ``stock`` ``None`` is unlimited.

    ``keeps_stock`` leaves the stock as it is: what was read into a form is old when it comes back. Raises
    ``InvalidInput``, and ``GovernedByProgram`` unless it comes ``of_program``, with a revision.
    """
    if not of_program and governed.governs_reward(key):
        raise GovernedByProgram
    wallets = {wallet.key: wallet for wallet in Wallet.objects.filter(key__in=[wallet_key, *offer.prices])}
    errors = [*_value_errors(cost_points, stock, offer), *_unknown(wallets, wallet_key, kind, offer)]
    if errors:
        raise InvalidInput(errors=errors)
    values: dict[str, Any] = {
        "name": name, "description": description, "kind": kind, "wallet": wallets[wallet_key],
        "cost_points": cost_points, "stock": stock, "is_active": is_active, "updated_at": at,
        "coupon_definition": CouponDefinition.objects.filter(key=offer.coupon_definition).first(),
        "segments": list(offer.segments), "tiers": list(offer.tiers),
        "limit_per_customer": offer.limit_per_customer, "valid_from": offer.valid_from,
        "valid_until": offer.valid_until, "needs_shipping": offer.needs_shipping,
    }  # fmt: skip
    kept = {"stock"} if keeps_stock else set()
    former = Reward.objects.filter(key=key).values(*_AUDITED).first() or {}
    reward: Reward
    reward, _created = Reward.objects.update_or_create(
        key=key,
        defaults={name: value for name, value in values.items() if name not in kept},
        create_defaults={**values, "created_at": at},
    )
    _replace_prices(reward, {wallets[name].pk: points for name, points in offer.prices.items()})
    audit.record(action="reward.saved", target=reward, by=by, at=at, diff=_changes(former, reward))
    return reward


@transaction.atomic
def set_stock(*, reward: Reward, stock: int | None, by: Actor, at: datetime) -> None:
    """Say how much there is, ``None`` for no limit. Raises ``InvalidInput``."""
    if errors := list(_value_errors(1, stock, _ANYBODY)):
        raise InvalidInput(errors=errors)
    before = Reward.objects.filter(pk=reward.pk).values_list("stock", flat=True).get()
    Reward.objects.filter(pk=reward.pk).update(stock=stock, updated_at=at)
    audit.record(action="reward.saved", target=reward, by=by, at=at, diff={"stock": [before, stock]})


@transaction.atomic
def withdraw(*, reward: Reward, by: Actor, at: datetime) -> None:
    """Offer the reward no more; what was redeemed stays."""
    Reward.objects.filter(pk=reward.pk).update(is_active=False, updated_at=at)
    audit.record(action="reward.saved", target=reward, by=by, at=at, diff={"is_active": [True, False]})


def _changes(former: Mapping[str, Any], reward: Reward) -> dict[str, Any]:
    after = {name: getattr(reward, name) for name in _AUDITED}
    return {name: [former.get(name), after[name]] for name in _AUDITED if former.get(name) != after[name]}


def _replace_prices(reward: Reward, points_by_wallet_id: Mapping[int, int]) -> None:
    reward.prices.exclude(wallet_id__in=points_by_wallet_id).delete()
    for wallet_id, points in sorted(points_by_wallet_id.items()):
        RewardPrice.objects.update_or_create(
            reward=reward, wallet_id=wallet_id, defaults={"cost_points": points}
        )


def _value_errors(cost_points: int, stock: int | None, offer: RewardOffer) -> Iterator[FieldError]:
    if not 1 <= cost_points <= MOST_POINTS:
        yield FieldError("/cost_points", "out_of_range", f"From one to {MOST_POINTS:,} points.")
    for key, points in offer.prices.items():
        if not 1 <= points <= MOST_POINTS:
            yield FieldError(f"/prices/{key}", "out_of_range", f"From one to {MOST_POINTS:,} points.")
    if stock is not None and not 0 <= stock <= MOST_PIECES:
        yield FieldError("/stock", "out_of_range", f"From zero to {MOST_PIECES:,} pieces.")
    if offer.limit_per_customer is not None and not 1 <= offer.limit_per_customer <= MOST_PIECES:
        yield FieldError("/limit_per_customer", "out_of_range", "At least once, or nothing for no limit.")
    if offer.valid_from and offer.valid_until and offer.valid_until <= offer.valid_from:
        yield FieldError("/valid_until", "before_start", "The end is after the start.")


def _unknown(
    wallets: Mapping[str, Wallet], wallet_key: str, kind: RewardKind, offer: RewardOffer
) -> Iterator[FieldError]:
    if wallet_key not in wallets:
        yield FieldError("/wallet", "unknown_wallet", f"There is no wallet {wallet_key!r}.")
    for key in offer.prices:
        if key not in wallets:
            yield FieldError(f"/prices/{key}", "unknown_wallet", f"There is no wallet {key!r}.")
    known = set(Segment.objects.filter(key__in=offer.segments).values_list("key", flat=True))
    for key in offer.segments:
        if key not in known:
            yield FieldError("/segments", "unknown_segment", f"There is no segment {key!r}.")
    if not offer.coupon_definition:
        return
    definition = CouponDefinition.objects.filter(key=offer.coupon_definition).first()
    if definition is None:
        yield FieldError("/coupon", "unknown_coupon", "There is no such coupon definition.")
    elif (kind == RewardKind.GIFT_CARD) != (definition.kind == CouponKind.STORED_VALUE):
        detail = "A gift card hands out stored value, and only a gift card does."
        yield FieldError("/coupon", "wrong_coupon_kind", detail)
