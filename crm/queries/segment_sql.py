"""A rule tree as one SQL condition over ``crm_customer c`` and ``crm_ordersummary s``.

Agrees with `crm.domain.rules.matches` condition by condition; every condition is true or false, never NULL,
so that NOT means the same in both. Values travel as parameters, names of columns come from constants.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from crm.domain.rules import AllOf, AnyOf, Condition, Not, Op, OrderMeasure, Rule, Source

_COMPARATOR_BY_OP = {Op.GT: ">", Op.GTE: ">=", Op.LT: "<", Op.LTE: "<=", Op.EQ: "=", Op.NE: "<>"}
# What is absent is NULL here; counts and sums of nobody's orders are zero.
_MEASURES = {
    OrderMeasure.COUNT: "coalesce(s.orders_count, 0)",
    OrderMeasure.REVENUE_MINOR: "coalesce(s.revenue_minor, 0)",
    OrderMeasure.RETURNED_MINOR: "coalesce(s.returned_minor, 0)",
    OrderMeasure.DAYS_SINCE_FIRST: "floor(extract(epoch FROM (%s::timestamptz - s.first_order_at)) / 86400)",
    OrderMeasure.DAYS_SINCE_LAST: "floor(extract(epoch FROM (%s::timestamptz - s.last_order_at)) / 86400)",
}

MATCHING = """
SELECT c.id FROM crm_customer c
LEFT JOIN crm_ordersummary s ON s.tenant_id = c.tenant_id AND s.customer_id = c.id
WHERE c.tenant_id = %s AND c.state = 'active' AND {condition}
"""


def matching(rule: Rule, *, tenant_id: int, at: datetime) -> tuple[str, list[Any]]:
    """Return the statement that selects the ids of the active customers who match, and its parameters."""
    condition, params = compiled(rule, tenant_id=tenant_id, at=at)
    return MATCHING.format(condition=condition), [tenant_id, *params]


def compiled(rule: Rule, *, tenant_id: int, at: datetime) -> tuple[str, list[Any]]:
    """Return the condition and its parameters."""
    if isinstance(rule, AllOf | AnyOf):
        parts = [compiled(each, tenant_id=tenant_id, at=at) for each in rule.rules]
        joint = " AND " if isinstance(rule, AllOf) else " OR "
        return f"({joint.join(sql for sql, _ in parts)})", [each for _, params in parts for each in params]
    if isinstance(rule, Not):
        inner, params = compiled(rule.rule, tenant_id=tenant_id, at=at)
        return f"(NOT {inner})", params
    if rule.source is Source.TRAIT:
        return _trait(rule, tenant_id)
    return _attribute(rule) if rule.source is Source.ATTRIBUTE else _orders(rule, at)


def _attribute(condition: Condition) -> tuple[str, list[Any]]:
    value, key = "nullif(c.attributes -> %s, 'null'::jsonb)", condition.name
    op = condition.op
    if op in {Op.EXISTS, Op.MISSING}:
        return f"({value} IS {'NOT ' if op is Op.EXISTS else ''}NULL)", [key]
    if op in {Op.EQ, Op.NE}:
        return f"coalesce({value} {_COMPARATOR_BY_OP[op]} %s::jsonb, false)", [
            key,
            json.dumps(condition.value),
        ]
    if op is Op.IN:
        texts = [json.dumps(each) for each in _several(condition)]
        return f"coalesce({value} = ANY(%s::jsonb[]), false)", [key, texts]
    if isinstance(condition.value, str):
        text = '(c.attributes ->> %s) COLLATE "C"'
        test = f"strpos({text}, %s) > 0" if op is Op.CONTAINS else f"{text} {_COMPARATOR_BY_OP[op]} %s"
        return (
            f"(CASE WHEN jsonb_typeof(c.attributes -> %s) = 'string' THEN {test} ELSE false END)",
            [key, key, condition.value],
        )
    number = f"(c.attributes -> %s)::numeric {_COMPARATOR_BY_OP[op]} %s::numeric"
    return (
        f"(CASE WHEN jsonb_typeof(c.attributes -> %s) = 'number' THEN {number} ELSE false END)",
        [key, key, repr(condition.value)],
    )


def _trait(condition: Condition, tenant_id: int) -> tuple[str, list[Any]]:
    test, params = _trait_test(condition)
    exists = (
        "EXISTS (SELECT FROM crm_computedtrait t WHERE t.tenant_id = %s AND t.customer_id = c.id"
        f" AND t.name = %s AND {test})"
    )
    absent = "NOT " if condition.op is Op.MISSING else ""
    return f"({absent}{exists})", [tenant_id, condition.name, *params]


def _trait_test(condition: Condition) -> tuple[str, list[Any]]:
    op = condition.op
    if op in {Op.EXISTS, Op.MISSING}:
        return "true", []
    if op is Op.IN:
        several = _several(condition)
        texts = [each for each in several if isinstance(each, str)]
        numbers = [float(each) for each in several if not isinstance(each, str)]
        return "(t.text = ANY(%s::text[]) OR t.number = ANY(%s::float8[]))", [texts, numbers]
    column, cast = (
        ('t.text COLLATE "C"', "text") if isinstance(condition.value, str) else ("t.number", "float8")
    )
    if op is Op.CONTAINS:
        return "strpos(t.text, %s) > 0", [condition.value]
    if op is Op.NE:
        return f"({column} = %s::{cast}) IS NOT TRUE", [condition.value]
    return f"{column} {_COMPARATOR_BY_OP[op]} %s::{cast}", [condition.value]


def _orders(condition: Condition, at: datetime) -> tuple[str, list[Any]]:
    measure = _MEASURES[OrderMeasure(condition.name)]
    params: list[Any] = [at] if "%s" in measure else []
    op = condition.op
    if op in {Op.EXISTS, Op.MISSING}:
        return f"({measure} IS {'NOT ' if op is Op.EXISTS else ''}NULL)", params
    if op is Op.IN:
        numbers = [repr(each) for each in _several(condition)]
        return f"coalesce({measure} = ANY(%s::numeric[]), false)", [*params, numbers]
    return f"coalesce({measure} {_COMPARATOR_BY_OP[op]} %s::numeric, false)", [*params, repr(condition.value)]


def _several(condition: Condition) -> tuple[Any, ...]:
    return condition.value if isinstance(condition.value, tuple) else (condition.value,)
