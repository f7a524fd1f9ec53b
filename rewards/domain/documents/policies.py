"""The section of policies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import KEY_SCHEMA, MOST_POINTS, Section, one_of, record, whole
from rewards.domain.policies import (
    LONGEST_WINDOW_HOURS,
    MOST_IN_WINDOW,
    MemberCap,
    Pace,
    Policies,
    VelocityLimit,
)
from rewards.domain.programs import Revision
from rewards.domain.rules import CapPeriod

_MOST_DAYS: Final = 3_650
MOST_RATE: Final = 1_000_000
_CURRENCY: Final = "[A-Z]{3}"
_RATE: Final = r"[0-9]{1,7}(\.[0-9]{1,10})?"


def _read(document: Reader) -> Policies:
    reader = document.node("policies")
    reader.only("backdating_days", "member_caps", "velocity_limits", "exchange_rates")
    return Policies(
        backdating_days=reader.optional_integer("backdating_days", 0, _MOST_DAYS),
        member_caps=tuple(filter(None, map(_member_cap, reader.nodes("member_caps")))),
        velocity_limits=_velocity_limits(reader.nodes("velocity_limits")),
        exchange_rates=MappingProxyType(_exchange_rates(reader.node("exchange_rates"))),
    )


def _exchange_rates(reader: Reader) -> dict[str, Decimal]:
    found = {}
    for currency in reader.names:
        if not re.fullmatch(_CURRENCY, currency):
            reader.refuse(currency, "unknown_currency", "A currency is three capital letters.")
        elif (rate := _rate(reader.peek(currency))) is None:
            reader.refuse(currency, "invalid_rate", f"A number above 0 and up to {MOST_RATE:,}.")
        else:
            found[currency] = rate
    return found


def _rate(value: Any) -> Decimal | None:
    """Read a rate as written, in digits: a float is not what somebody typed."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if not re.fullmatch(_RATE, text := str(value)):
        return None
    rate = Decimal(text)
    return rate if 0 < rate <= MOST_RATE else None


def _member_cap(reader: Reader) -> MemberCap | None:
    reader.only("wallet", "per", "points")
    per = reader.choice("per", {item.value: item for item in CapPeriod})
    wallet, points = reader.key("wallet"), reader.integer("points", 0, MOST_POINTS)
    return None if per is None else MemberCap(wallet, per, points)


def _velocity_limits(readers: list[Reader]) -> tuple[VelocityLimit, ...]:
    found: dict[Pace, VelocityLimit] = {}
    for reader in readers:
        reader.only("kind", "most", "window_hours")
        kind = reader.choice("kind", {item.value: item for item in Pace})
        most = reader.integer("most", 1, MOST_IN_WINDOW)
        hours = reader.integer("window_hours", 1, LONGEST_WINDOW_HOURS)
        if kind in found:
            reader.refuse("kind", "duplicate", f"{kind} has a limit already.")
        elif kind is not None:
            found[kind] = VelocityLimit(kind, most, hours)
    return tuple(found.values())


def _check(document: Reader, revision: Revision) -> None:
    wallets = {wallet.key for wallet in revision.wallets}
    for index, cap in enumerate(revision.policies.member_caps):
        if cap.wallet and cap.wallet not in wallets:
            pointer = f"policies/member_caps/{index}/wallet"
            document.refuse(pointer, "unknown_wallet", f"There is no wallet {cap.wallet!r}.")


def write_velocity(limits: Iterable[VelocityLimit]) -> list[dict[str, Any]]:
    """Write limits of pace as the section has them."""
    return [
        {"kind": limit.kind.value, "most": limit.most, "window_hours": limit.window_hours} for limit in limits
    ]


def _write(policies: Policies) -> dict[str, Any]:
    velocity = write_velocity(policies.velocity_limits)
    rates = {currency: f"{rate:f}" for currency, rate in sorted(policies.exchange_rates.items())}
    return {
        "backdating_days": policies.backdating_days,
        "member_caps": [
            {"wallet": cap.wallet, "per": cap.per.value, "points": cap.points} for cap in policies.member_caps
        ],
        **({"velocity_limits": velocity} if velocity else {}),
        **({"exchange_rates": rates} if rates else {}),
    }


SECTION: Final = Section(
    "policies",
    _read,
    _write,
    check=_check,
    schema=record(
        (),
        backdating_days=whole(0, _MOST_DAYS, is_optional=True),
        member_caps={
            "type": "array",
            "items": record(
                ("wallet", "per", "points"),
                wallet=KEY_SCHEMA,
                per=one_of(CapPeriod),
                points=whole(0, MOST_POINTS),
            ),
        },
        exchange_rates={
            "type": "object",
            "propertyNames": {"pattern": f"^{_CURRENCY}$"},
            "additionalProperties": {"type": ["string", "number"], "pattern": f"^{_RATE}$"},
        },
        velocity_limits={
            "type": "array",
            "items": record(
                ("kind", "most", "window_hours"),
                kind=one_of(Pace),
                most=whole(1, MOST_IN_WINDOW),
                window_hours=whole(1, LONGEST_WINDOW_HOURS),
            ),
        },
    ),
)
