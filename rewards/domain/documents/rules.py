"""The section of earning rules."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from rewards.domain.conditions import (
    ORDER_COMPARISONS,
    SET_COMPARISONS,
    TEXT_FIELDS,
    Comparison,
    Condition,
    FactField,
    Operand,
)
from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import MOST_MONEY, MOST_POINTS, Section, keyed
from rewards.domain.programs import Revision
from rewards.domain.rules import PERCENT, Caps, EarningRule, Trigger

_MOST_PERCENT: Final = 10_000
_MOST_PRIORITY: Final = 10_000


def _read(document: Reader) -> tuple[EarningRule, ...]:
    return keyed(document, "rules", _rule)


def _check(document: Reader, revision: Revision) -> None:
    wallet_keys = {wallet.key for wallet in revision.wallets}
    tier_keys = {tier.key for tier in revision.tiers}
    for index, rule in enumerate(revision.rules):
        if rule.wallet and rule.wallet not in wallet_keys:
            document.refuse(f"rules/{index}/wallet", "unknown_wallet", f"There is no wallet {rule.wallet!r}.")
        for key in rule.tier_percent:
            if key not in tier_keys:
                pointer = f"rules/{index}/tier_percent/{key}"
                document.refuse(pointer, "unknown_tier", f"There is no tier {key!r}.")


def _by_priority(rules: tuple[EarningRule, ...]) -> tuple[EarningRule, ...]:
    return tuple(sorted(rules, key=lambda rule: (rule.priority, rule.key)))


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
        points=reader.integer("points", 1, MOST_POINTS),
        per_minor=reader.optional_integer("per_minor", 1, MOST_MONEY),
        categories=frozenset(reader.texts("categories")),
        category_percent=MappingProxyType(reader.integers("category_percent", 0, _MOST_PERCENT)),
        tier_percent=MappingProxyType(reader.integers("tier_percent", 0, _MOST_PERCENT)),
        caps=Caps(
            per_order=caps.optional_integer("per_order", 0, MOST_POINTS),
            per_month=caps.optional_integer("per_month", 0, MOST_POINTS),
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
        return frozenset(reader.numbers("value", 0, MOST_MONEY))
    return reader.text("value") if is_text else reader.integer("value", 0, MOST_MONEY)


def _write(rules: tuple[EarningRule, ...]) -> list[dict[str, Any]]:
    return [_rule_to_json(rule) for rule in rules]


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


SECTION: Final = Section(
    "rules",
    _read,
    _write,
    check=_check,
    arrange=_by_priority,
    schema={"type": "array", "items": {"type": "object"}},
)
