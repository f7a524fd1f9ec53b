"""Program documents: JSON in and out, with errors that point to the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, tzinfo
from types import MappingProxyType
from typing import Any, Final, TypeVar

from rewards.domain.conditions import (
    ORDER_COMPARISONS,
    SET_COMPARISONS,
    TEXT_FIELDS,
    Comparison,
    Condition,
    FactField,
    Operand,
)
from rewards.domain.document_reader import DocumentError, Reader
from rewards.domain.programs import (
    PERCENT,
    Caps,
    EarningRule,
    RefundPolicy,
    Revision,
    Tier,
    Trigger,
    WalletPolicy,
)

SCHEMA: Final = 1
_MOST_POINTS: Final = 1_000_000_000
_MOST_MONEY: Final = 10**15
_MOST_PERCENT: Final = 10_000
_MOST_MONTHS: Final = 1_200
_MOST_PRIORITY: Final = 10_000

_N = TypeVar("_N")


class InvalidDocument(ValueError):
    """The document is not a program; ``errors`` names every wrong field."""

    def __init__(self, errors: Sequence[DocumentError]) -> None:
        super().__init__("; ".join(f"{error.pointer}: {error.detail}" for error in errors))
        self.errors = tuple(errors)


def parse(document: Any, *, time_zone: tzinfo = UTC) -> Revision:
    """Read a program document; raises ``InvalidDocument`` with all the errors found."""
    reader = Reader(document)
    reader.only("schema", "wallets", "rules", "tiers")
    reader.choice("schema", {SCHEMA: SCHEMA}, default=SCHEMA)
    wallets = _keyed(reader, "wallets", _wallet, at_least=1)
    tiers = _keyed(reader, "tiers", _tier)
    rules = _keyed(reader, "rules", _rule)
    _check_references(reader, wallets, tiers, rules)
    if reader.errors:
        raise InvalidDocument(reader.errors)
    return Revision(
        wallets=tuple(wallets),
        rules=tuple(sorted(rules, key=lambda rule: (rule.priority, rule.key))),
        tiers=tuple(sorted(tiers, key=lambda tier: tier.threshold_minor)),
        time_zone=time_zone,
    )


def _keyed(reader: Reader, name: str, read: Callable[[Reader], _N], *, at_least: int = 0) -> list[_N]:
    nodes = reader.nodes(name, at_least=at_least)
    keys: set[str] = set()
    for node in nodes:
        key = node.peek("key")
        if isinstance(key, str) and key in keys:
            node.refuse("key", "duplicate", f"The key {key!r} is used twice.")
        keys.add(str(key))
    return [read(node) for node in nodes]


def _wallet(reader: Reader) -> WalletPolicy:
    reader.only("key", "name", "expiry_months", "refund_policy")
    return WalletPolicy(
        key=reader.key("key"),
        name=reader.text("name"),
        expiry_months=reader.optional_integer("expiry_months", 1, _MOST_MONTHS),
        refund_policy=reader.choice(
            "refund_policy",
            {policy.value: policy for policy in RefundPolicy},
            default=RefundPolicy.WITHIN_BALANCE,
        ),
    )


def _tier(reader: Reader) -> Tier:
    reader.only("key", "name", "threshold_minor")
    return Tier(
        key=reader.key("key"),
        name=reader.text("name"),
        threshold_minor=reader.integer("threshold_minor", 0, _MOST_MONEY),
    )


def _rule(reader: Reader) -> EarningRule:
    reader.only(
        "key", "name", "wallet", "trigger", "priority", "stops", "conditions", "points", "per_minor",
        "categories", "category_percent", "tier_percent", "caps",
    )  # fmt: skip
    caps = reader.node("caps")
    caps.only("per_order", "per_month")
    return EarningRule(
        key=reader.key("key"),
        name=reader.text("name"),
        wallet=reader.key("wallet"),
        trigger=reader.choice("trigger", {item.value: item for item in Trigger}, default=Trigger.ORDER),
        priority=reader.integer("priority", 0, _MOST_PRIORITY, default=PERCENT),
        stops=reader.boolean("stops"),
        conditions=tuple(filter(None, map(_condition, reader.nodes("conditions")))),
        points=reader.integer("points", 1, _MOST_POINTS),
        per_minor=reader.optional_integer("per_minor", 1, _MOST_MONEY),
        categories=frozenset(reader.texts("categories")),
        category_percent=MappingProxyType(reader.integers("category_percent", 0, _MOST_PERCENT)),
        tier_percent=MappingProxyType(reader.integers("tier_percent", 0, _MOST_PERCENT)),
        caps=Caps(
            per_order=caps.optional_integer("per_order", 0, _MOST_POINTS),
            per_month=caps.optional_integer("per_month", 0, _MOST_POINTS),
        ),
    )


def _condition(reader: Reader) -> Condition | None:
    reader.only("field", "op", "value")
    field = reader.choice("field", {item.value: item for item in FactField})
    comparison = reader.choice("op", {item.value: item for item in Comparison})
    if field is None or comparison is None:
        return None
    is_text = field in TEXT_FIELDS
    if is_text and comparison in ORDER_COMPARISONS:
        reader.refuse(
            "op", "not_comparable", f"{field.value} is a text; compare it with is, is_not, in, not_in."
        )
        return None
    return Condition(
        field, comparison, _operand(reader, is_text=is_text, is_set=comparison in SET_COMPARISONS)
    )


def _operand(reader: Reader, *, is_text: bool, is_set: bool) -> Operand:
    if is_set:
        if is_text:
            return frozenset(reader.texts("value"))
        return frozenset(reader.numbers("value", 0, _MOST_MONEY))
    return reader.text("value") if is_text else reader.integer("value", 0, _MOST_MONEY)


def _check_references(
    reader: Reader, wallets: Sequence[WalletPolicy], tiers: Sequence[Tier], rules: Sequence[EarningRule]
) -> None:
    wallet_keys, tier_keys = {wallet.key for wallet in wallets}, {tier.key for tier in tiers}
    for index, rule in enumerate(rules):
        if rule.wallet and rule.wallet not in wallet_keys:
            reader.refuse(f"rules/{index}/wallet", "unknown_wallet", f"There is no wallet {rule.wallet!r}.")
        for key in rule.tier_percent:
            if key not in tier_keys:
                pointer = f"rules/{index}/tier_percent/{key}"
                reader.refuse(pointer, "unknown_tier", f"There is no tier {key!r}.")
    thresholds: set[int] = set()
    for index, tier in enumerate(tiers):
        if tier.threshold_minor in thresholds:
            reader.refuse(f"tiers/{index}/threshold_minor", "duplicate", "Two tiers have the same threshold.")
        thresholds.add(tier.threshold_minor)


def to_json(revision: Revision) -> dict[str, Any]:
    """Write a revision as the document that ``parse`` reads back to an equal one."""
    return {
        "schema": SCHEMA,
        "wallets": [
            {
                "key": wallet.key,
                "name": wallet.name,
                "expiry_months": wallet.expiry_months,
                "refund_policy": wallet.refund_policy.value,
            }
            for wallet in revision.wallets
        ],
        "tiers": [
            {"key": tier.key, "name": tier.name, "threshold_minor": tier.threshold_minor}
            for tier in revision.tiers
        ],
        "rules": [_rule_to_json(rule) for rule in revision.rules],
    }


def _rule_to_json(rule: EarningRule) -> dict[str, Any]:
    return {
        "key": rule.key,
        "name": rule.name,
        "wallet": rule.wallet,
        "trigger": rule.trigger.value,
        "priority": rule.priority,
        "stops": rule.stops,
        "conditions": [_condition_to_json(condition) for condition in rule.conditions],
        "points": rule.points,
        "per_minor": rule.per_minor,
        "categories": sorted(rule.categories),
        "category_percent": dict(rule.category_percent),
        "tier_percent": dict(rule.tier_percent),
        "caps": {"per_order": rule.caps.per_order, "per_month": rule.caps.per_month},
    }


def _condition_to_json(condition: Condition) -> Mapping[str, Any]:
    value = sorted(condition.value) if isinstance(condition.value, frozenset) else condition.value
    return {"field": condition.field.value, "op": condition.comparison.value, "value": value}
