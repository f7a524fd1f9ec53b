"""The short form of a rule: points of an order, with a flat list of conditions.

``{"key", "name", "wallet", "points", "per_minor", "conditions": [{"field", "op", "value"}], "categories",
"category_percent", "tier_percent", "caps": {"per_order", "per_month"}}``. It is read for as long as documents
in it exist, and never written.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from rewards.domain.conditions import Condition, FactKind, FactSource, Op, Tree, all_of, negated
from rewards.domain.documents.reader import Reader
from rewards.domain.documents.rule_effects import MOST_PERCENT
from rewards.domain.documents.sections import KEY_SCHEMA, MOST_MONEY, MOST_POINTS, TEXT_SCHEMA, record, whole
from rewards.domain.rules import PERCENT, Cap, CapPeriod, EarningRule, GivePoints

MOST_PRIORITY: Final = 10_000
_FIELDS: Final[Mapping[str, tuple[FactSource, str]]] = {
    "order.total_minor": (FactSource.ORDER, "total_minor"),
    "order.channel": (FactSource.ORDER, "channel"),
    "order.weekday": (FactSource.TIME, "weekday"),
    "order.hour": (FactSource.TIME, "hour"),
    "order.lines": (FactSource.ORDER, "lines"),
    "customer.tier": (FactSource.MEMBER, "tier"),
    "customer.orders_before": (FactSource.MEMBER, "orders_before"),
    "customer.qualifying_spend_minor": (FactSource.MEMBER, "qualifying_spend_minor"),
}
# The operator, whether the condition is turned round, and whether it takes a list.
_OPS: Final[Mapping[str, tuple[Op, bool, bool]]] = {
    "at_least": (Op.GTE, False, False),
    "at_most": (Op.LTE, False, False),
    "is": (Op.EQ, False, False),
    "is_not": (Op.EQ, True, False),
    "in": (Op.IN, False, True),
    "not_in": (Op.IN, True, True),
}
_ORDER_OPS: Final = frozenset({Op.GTE, Op.LTE})
_MEMBERS: Final = (
    "key", "name", "wallet", "trigger", "priority", "stops", "conditions", "points", "per_minor",
    "categories", "category_percent", "tier_percent", "caps",
)  # fmt: skip


def read_short_rule(reader: Reader) -> EarningRule:
    """Read a rule in the short form."""
    reader.only(*_MEMBERS)
    reader.choice("trigger", {"order": "order"}, default="order")
    conditions = [rule for rule in map(_condition, reader.nodes("conditions")) if rule is not None]
    categories = reader.texts("categories")
    return EarningRule(
        key=reader.key("key"),
        name=reader.text("name"),
        priority=reader.integer("priority", 0, MOST_PRIORITY, default=PERCENT),
        stops=reader.boolean("stops"),
        when=all_of(*conditions) if conditions else None,
        lines=Condition(FactSource.LINE, "category", Op.IN, tuple(categories)) if categories else None,
        points=GivePoints(
            wallet=reader.key("wallet"),
            points=reader.integer("points", 1, MOST_POINTS),
            per_minor=reader.optional_integer("per_minor", 1, MOST_MONEY),
            category_percent=MappingProxyType(reader.integers("category_percent", 0, MOST_PERCENT)),
            tier_percent=MappingProxyType(reader.integers("tier_percent", 0, MOST_PERCENT)),
        ),
        caps=_caps(reader.node("caps")),
    )


def _caps(reader: Reader) -> tuple[Cap, ...]:
    reader.only("per_order", "per_month")
    limits = [
        (CapPeriod.EVENT, reader.optional_integer("per_order", 0, MOST_POINTS)),
        (CapPeriod.MONTH, reader.optional_integer("per_month", 0, MOST_POINTS)),
    ]
    return tuple(Cap(per, points=points) for per, points in limits if points is not None)


def _condition(reader: Reader) -> Tree | None:
    reader.only("field", "op", "value")
    field = reader.choice("field", _FIELDS)
    comparison = reader.choice("op", _OPS)
    if field is None or comparison is None:
        return None
    op, is_negated, takes_list = comparison
    is_text = Condition(*field, op).kind is FactKind.TEXT
    if is_text and op in _ORDER_OPS:
        reader.refuse("op", "not_comparable", "This is a text; compare it with is, is_not, in, not_in.")
        return None
    condition = Condition(*field, op, _operand(reader, is_text=is_text, takes_list=takes_list))
    return negated(condition) if is_negated else condition


def _operand(reader: Reader, *, is_text: bool, takes_list: bool) -> int | str | tuple[int | str, ...]:
    if takes_list:
        return tuple(reader.texts("value") if is_text else reader.numbers("value", 0, MOST_MONEY))
    return reader.text("value") if is_text else reader.integer("value", 0, MOST_MONEY)


def short_rule_schema() -> dict[str, Any]:
    """Return the schema of the short form."""
    percents = {"type": "object", "additionalProperties": whole(0, MOST_PERCENT)}
    condition = record(
        ("field", "op", "value"), field={"enum": list(_FIELDS)}, op={"enum": list(_OPS)}, value={}
    )
    points = whole(0, MOST_POINTS, is_optional=True)
    return record(
        ("key", "name", "wallet", "points"),
        key=KEY_SCHEMA, name=TEXT_SCHEMA, wallet=KEY_SCHEMA, trigger={"const": "order"},
        priority=whole(0, MOST_PRIORITY), stops={"type": "boolean"},
        conditions={"type": "array", "items": condition}, points=whole(1, MOST_POINTS),
        per_minor=whole(1, MOST_MONEY, is_optional=True),
        categories={"type": "array", "items": {"type": "string"}},
        category_percent=percents, tier_percent=percents, caps=record((), per_order=points, per_month=points),
    )  # fmt: skip
