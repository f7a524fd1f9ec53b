"""Comparisons in SQL. Each expression is true, false or NULL, and NULL means false; NOT settles it first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from crm.domain.rules import Condition, Op

_COMPARATOR_BY_OP = {Op.GT: ">", Op.GTE: ">=", Op.LT: "<", Op.LTE: "<=", Op.EQ: "=", Op.NE: "<>"}
Fragment = tuple[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Columns:
    """The expressions that hold a value: one is NULL, or both for what is absent; '' for none at all."""

    number: str = ""
    text: str = ""
    is_float: bool = False

    @property
    def is_known(self) -> str:
        known = [f"{each} IS NOT NULL" for each in (self.number, self.text) if each]
        return f"({' OR '.join(known)})" if known else "false"


def column_test(condition: Condition, columns: Columns) -> Fragment:
    """Return the comparison of a typed value."""
    op, value = condition.op, condition.value
    if op in {Op.EXISTS, Op.MISSING}:
        return f"({'NOT ' if op is Op.MISSING else ''}{columns.is_known})", []
    if op is Op.IN:
        return _among(several(condition), columns)
    if op is Op.CONTAINS:
        return (f"strpos({columns.text}, %s) > 0", [value]) if columns.text else ("false", [])
    sql, params = _compared(op, value, columns)
    if op is Op.NE:
        return f"({columns.is_known} AND ({sql}) IS NOT TRUE)", params
    return sql, params


def _compared(op: Op, value: Any, columns: Columns) -> Fragment:
    comparator = "=" if op is Op.NE else _COMPARATOR_BY_OP[op]
    if isinstance(value, str):
        return (f'{columns.text} COLLATE "C" {comparator} %s', [value]) if columns.text else ("false", [])
    if not columns.number:
        return "false", []
    cast = "float8" if columns.is_float or isinstance(value, float) else "bigint"
    return f"{columns.number} {comparator} %s::{cast}", [value]


def _among(values: tuple[Any, ...], columns: Columns) -> Fragment:
    texts = [each for each in values if isinstance(each, str)]
    numbers = [float(each) for each in values if not isinstance(each, str)]
    tests: list[Fragment] = []
    if texts and columns.text:
        tests.append((f"{columns.text} = ANY(%s::text[])", [texts]))
    if numbers and columns.number:
        tests.append((f"{columns.number} = ANY(%s::float8[])", [numbers]))
    if not tests:
        return "false", []
    return f"({' OR '.join(sql for sql, _ in tests)})", [each for _, params in tests for each in params]


def json_test(condition: Condition, column: str) -> Fragment:
    """Return the comparison of one member of a JSON object."""
    value, key, op = f"nullif({column} -> %s, 'null'::jsonb)", condition.name, condition.op
    if op in {Op.EXISTS, Op.MISSING}:
        return f"({value} IS {'NOT ' if op is Op.EXISTS else ''}NULL)", [key]
    if op in {Op.EQ, Op.NE}:
        return f"{value} {_COMPARATOR_BY_OP[op]} %s::jsonb", [key, json.dumps(condition.value)]
    if op is Op.IN:
        return f"{value} = ANY(%s::jsonb[])", [key, [json.dumps(each) for each in several(condition)]]
    if isinstance(condition.value, str):
        text = f'({column} ->> %s) COLLATE "C"'
        test = f"strpos({text}, %s) > 0" if op is Op.CONTAINS else f"{text} {_COMPARATOR_BY_OP[op]} %s"
        return (
            f"(CASE WHEN jsonb_typeof({column} -> %s) = 'string' THEN {test} ELSE false END)",
            [key, key, condition.value],
        )
    number = f"({column} -> %s)::numeric {_COMPARATOR_BY_OP[op]} %s::numeric"
    return (
        f"(CASE WHEN jsonb_typeof({column} -> %s) = 'number' THEN {number} ELSE false END)",
        [key, key, repr(condition.value)],
    )


def several(condition: Condition) -> tuple[Any, ...]:
    return condition.value if isinstance(condition.value, tuple) else (condition.value,)
