"""The section of rewards."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from rewards.domain.documents.moments import MOMENT_SCHEMA, read_moment
from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import (
    KEY_SCHEMA,
    SLUG_SCHEMA,
    TEXT_SCHEMA,
    Section,
    keyed,
    one_of,
    record,
    whole,
)
from rewards.domain.offers import OfferedReward, RewardKind
from rewards.domain.programs import Revision

_MOST_POINTS: Final = 10**12
_MOST_PIECES: Final = 2**31 - 1
_LONGEST: Final = 5_000


def _read(document: Reader) -> tuple[OfferedReward, ...]:
    return keyed(document, "rewards", _reward)


def _reward(reader: Reader) -> OfferedReward:
    reader.only(*_PROPERTIES)
    reward = OfferedReward(
        key=reader.slug("key"),
        name=reader.text("name"),
        kind=reader.choice("kind", {kind.value: kind for kind in RewardKind}, default=RewardKind.CUSTOM),
        wallet=reader.key("wallet"),
        cost_points=reader.integer("cost_points", 1, _MOST_POINTS),
        description=reader.optional_text("description", _LONGEST),
        prices=MappingProxyType(reader.integers("prices", 1, _MOST_POINTS)),
        coupon=reader.slug("coupon") if reader.peek("coupon") else "",
        segments=tuple(reader.texts("segments")),
        tiers=tuple(reader.texts("tiers")),
        limit_per_customer=reader.optional_integer("limit_per_customer", 1, _MOST_PIECES),
        needs_shipping=reader.boolean("needs_shipping"),
        valid_from=read_moment(reader, "valid_from"),
        valid_until=read_moment(reader, "valid_until"),
        stock=reader.optional_integer("stock", 0, _MOST_PIECES),
        is_active=reader.peek("is_active") is None or reader.boolean("is_active"),
    )
    if reward.valid_from and reward.valid_until and reward.valid_until <= reward.valid_from:
        reader.refuse("valid_until", "before_start", "The end lies before the start.")
    return reward


def _check(document: Reader, revision: Revision) -> None:
    wallets = {wallet.key for wallet in revision.wallets}
    tiers = {tier.key for tier in revision.tiers}
    for index, reward in enumerate(revision.rewards):
        if reward.wallet and reward.wallet not in wallets:
            pointer = f"rewards/{index}/wallet"
            document.refuse(pointer, "unknown_wallet", f"There is no wallet {reward.wallet!r}.")
        for key in reward.prices:
            if key not in wallets:
                pointer = f"rewards/{index}/prices/{key}"
                document.refuse(pointer, "unknown_wallet", f"There is no wallet {key!r}.")
        for key in reward.tiers:
            if key not in tiers:
                document.refuse(f"rewards/{index}/tiers", "unknown_tier", f"There is no tier {key!r}.")


def _write(rewards: tuple[OfferedReward, ...]) -> list[dict[str, Any]] | None:
    return [write_reward(reward) for reward in rewards] or None


def write_reward(reward: OfferedReward) -> dict[str, Any]:
    """Write one reward as the section has it."""
    optional: dict[str, Any] = {
        "description": reward.description,
        "prices": dict(reward.prices),
        "coupon": reward.coupon,
        "segments": list(reward.segments),
        "tiers": list(reward.tiers),
        "limit_per_customer": reward.limit_per_customer,
        "needs_shipping": reward.needs_shipping,
        "valid_from": reward.valid_from and reward.valid_from.isoformat(),
        "valid_until": reward.valid_until and reward.valid_until.isoformat(),
        "stock": reward.stock,
    }
    return {
        "key": reward.key, "name": reward.name, "kind": reward.kind.value, "wallet": reward.wallet,
        "cost_points": reward.cost_points, "is_active": reward.is_active,
        **{name: value for name, value in optional.items() if value or (value == 0 and name == "stock")},
    }  # fmt: skip


_TEXTS: Final = {"type": "array", "items": {"type": "string", "minLength": 1}}
_PROPERTIES: Final[Mapping[str, Any]] = {
    "key": SLUG_SCHEMA, "name": TEXT_SCHEMA, "kind": one_of(RewardKind), "wallet": KEY_SCHEMA,
    "cost_points": whole(1, _MOST_POINTS), "description": {"type": "string", "maxLength": _LONGEST},
    "prices": {"type": "object", "additionalProperties": whole(1, _MOST_POINTS)}, "coupon": SLUG_SCHEMA,
    "segments": _TEXTS, "tiers": _TEXTS,
    "limit_per_customer": whole(1, _MOST_PIECES, is_optional=True), "needs_shipping": {"type": "boolean"},
    "valid_from": MOMENT_SCHEMA, "valid_until": MOMENT_SCHEMA,
    "stock": whole(0, _MOST_PIECES, is_optional=True), "is_active": {"type": "boolean"},
}  # fmt: skip
SECTION: Final = Section(
    "rewards",
    _read,
    _write,
    schema={"type": "array", "items": record(("key", "name", "wallet", "cost_points"), **_PROPERTIES)},
    check=_check,
)
