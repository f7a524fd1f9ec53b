"""The section of wallets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from rewards.domain.documents.expiries import EXPIRY_SCHEMA, MOST_MONTHS, read_expiry, write_expiry
from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import (
    KEY_SCHEMA,
    MOST_MONEY,
    MOST_POINTS,
    TEXT_SCHEMA,
    Section,
    keyed,
    one_of,
    record,
    whole,
)
from rewards.domain.expiry import Expiry
from rewards.domain.programs import Revision
from rewards.domain.wallets import WARNING_DAYS, Pending, RefundPolicy, WalletKind, WalletPolicy

_MOST_DAYS: Final = 3_650
_PERCENT: Final = 100
_MOST_WARNINGS: Final = 5
_MOST_WARNING_DAYS: Final = 365
# Whoever can move points by hand; an API key has no role.
_MOVERS: Final = ("owner", "admin", "marketer", "support", "analyst", "api_key")


def _read(document: Reader) -> tuple[WalletPolicy, ...]:
    return keyed(document, "wallets", _wallet, at_least=1)


def _wallet(reader: Reader) -> WalletPolicy:
    reader.only(*_PROPERTIES)
    if reader.peek("expiry") is not None and reader.peek("expiry_months") is not None:
        reader.refuse("expiry_months", "conflict", "Give either expiry or expiry_months.")
    return WalletPolicy(
        key=reader.key("key"),
        name=reader.text("name"),
        expiry_months=reader.optional_integer("expiry_months", 1, MOST_MONTHS),
        refund_policy=reader.choice(
            "refund_policy",
            {policy.value: policy for policy in RefundPolicy},
            default=RefundPolicy.WITHIN_BALANCE,
        ),
        thousand_points_minor=reader.optional_integer("thousand_points_minor", 0, MOST_MONEY),
        kind=reader.choice("kind", {kind.value: kind for kind in WalletKind}, default=WalletKind.SPENDABLE),
        expiry=None if reader.peek("expiry") is None else read_expiry(reader.node("expiry")),
        expiry_by_tier=_by_tier(reader),
        pending=_pending(reader),
        restore_grace_days=reader.optional_integer("restore_grace_days", 0, _MOST_DAYS) or 0,
        allows_transfers=reader.boolean("allows_transfers"),
        redemption_percent=_percent(reader),
        adjustment_limits=_limits(reader),
        warning_days=_warnings(reader),
    )


def _percent(reader: Reader) -> int:
    given = reader.optional_integer("redemption_percent", 0, _PERCENT)
    return _PERCENT if given is None else given


def _by_tier(reader: Reader) -> Mapping[str, Expiry]:
    if reader.peek("expiry_by_tier") is None:
        return MappingProxyType({})
    # A reader of its own reports whatever is no object.
    tiers = reader.node("expiry_by_tier")
    given = reader.peek("expiry_by_tier")
    names = [str(name) for name in given] if isinstance(given, Mapping) else []
    return MappingProxyType({name: read_expiry(tiers.node(name)) for name in names})


def _pending(reader: Reader) -> Pending:
    if reader.peek("pending") is None:
        return Pending()
    node = reader.node("pending")
    node.only("days", "event", "until")
    event = node.key("event") if node.peek("event") else ""
    days = node.optional_integer("days", 0, _MOST_DAYS) or 0
    if node.peek("until") and (days or event):
        node.refuse("until", "conflict", "A date stands alone, without days and events.")
    return Pending(days, event, _day(node, "until"))


def _day(reader: Reader, name: str) -> date | None:
    value = reader.peek(name)
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        reader.refuse(name, "invalid_day", "A day is expected: 2026-05-01.")
        return None


def _warnings(reader: Reader) -> tuple[int, ...]:
    if reader.peek("warning_days") is None:
        return WARNING_DAYS
    days = reader.numbers("warning_days", 1, _MOST_WARNING_DAYS)
    if len(days) > _MOST_WARNINGS:
        reader.refuse("warning_days", "too_many", f"At most {_MOST_WARNINGS} warnings.")
    return tuple(sorted(set(days), reverse=True))


def _limits(reader: Reader) -> Mapping[str, int]:
    if reader.peek("adjustment_limits") is None:
        return MappingProxyType({})
    node = reader.node("adjustment_limits")
    node.only(*_MOVERS)
    limits = {mover: node.optional_integer(mover, 0, MOST_POINTS) for mover in _MOVERS}
    return MappingProxyType({mover: limit for mover, limit in limits.items() if limit is not None})


def _check(document: Reader, revision: Revision) -> None:
    tiers = {tier.key for tier in revision.tiers}
    for reader, wallet in zip(document.nodes("wallets"), revision.wallets, strict=False):
        for tier in wallet.expiry_by_tier:
            if tier not in tiers:
                reader.refuse("expiry_by_tier", "unknown_tier", f"There is no tier {tier!r}.")


def _write(wallets: tuple[WalletPolicy, ...]) -> list[dict[str, Any]]:
    return [_written(wallet) for wallet in wallets]


def _written(wallet: WalletPolicy) -> dict[str, Any]:
    """What every wallet says, and of the rest only what differs from the usual."""
    document: dict[str, Any] = {
        "key": wallet.key,
        "name": wallet.name,
        "expiry_months": wallet.expiry_months,
        "refund_policy": wallet.refund_policy.value,
        "thousand_points_minor": wallet.thousand_points_minor,
    }
    rest: dict[str, tuple[Any, Any]] = {
        "kind": (wallet.kind.value, WalletKind.SPENDABLE.value),
        "expiry": (wallet.expiry and write_expiry(wallet.expiry), None),
        "expiry_by_tier": (
            {tier: write_expiry(expiry) for tier, expiry in wallet.expiry_by_tier.items()},
            {},
        ),
        "pending": (_written_pending(wallet.pending), _written_pending(Pending())),
        "restore_grace_days": (wallet.restore_grace_days, 0),
        "allows_transfers": (wallet.allows_transfers, False),
        "redemption_percent": (wallet.redemption_percent, _PERCENT),
        "adjustment_limits": (dict(wallet.adjustment_limits), {}),
        "warning_days": (list(wallet.warning_days), list(WARNING_DAYS)),
    }
    document.update({name: value for name, (value, usual) in rest.items() if value != usual})
    return document


def _written_pending(pending: Pending) -> dict[str, Any]:
    written: dict[str, Any] = {"days": pending.days, "event": pending.event}
    return written if pending.until is None else {**written, "until": pending.until.isoformat()}


_PROPERTIES: Final[Mapping[str, Any]] = {
    "key": KEY_SCHEMA,
    "name": TEXT_SCHEMA,
    "kind": one_of(WalletKind),
    "expiry_months": whole(1, MOST_MONTHS, is_optional=True),
    "expiry": EXPIRY_SCHEMA,
    "expiry_by_tier": {"type": "object", "additionalProperties": EXPIRY_SCHEMA},
    "pending": record(
        (),
        days=whole(0, _MOST_DAYS),
        event={"type": "string", "maxLength": 60},
        until={"type": ["string", "null"], "format": "date"},
    ),
    "refund_policy": one_of(RefundPolicy),
    "restore_grace_days": whole(0, _MOST_DAYS),
    "allows_transfers": {"type": "boolean"},
    "thousand_points_minor": whole(0, MOST_MONEY, is_optional=True),
    "redemption_percent": whole(0, _PERCENT),
    "adjustment_limits": record((), **{mover: whole(0, MOST_POINTS) for mover in _MOVERS}),
    "warning_days": {"type": "array", "items": whole(1, _MOST_WARNING_DAYS), "maxItems": _MOST_WARNINGS},
}
SECTION: Final = Section(
    "wallets",
    _read,
    _write,
    schema={"type": "array", "minItems": 1, "items": record(("key", "name"), **_PROPERTIES)},
    check=_check,
)
