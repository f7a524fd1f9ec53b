"""The rule tree of a segment: parsed and checked once, read in two ways (here for one customer, and as SQL).

JSON forms: ``{"all": [...]}``, ``{"any": [...]}``, ``{"not": rule}``, and conditions
``{"attribute": key, "op": op, "value": v}``, ``{"trait": name, "op": op, "value": v}``,
``{"orders": measure, "op": op, "value": v}``. What is absent fails every condition but ``missing``;
text is compared by code point and only with text, numbers only with numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

DEEPEST = 8
MOST_NODES = 100
LONGEST_TEXT = 200
LARGEST_NUMBER = 10**15

Scalar = str | int | float | bool


class Source(StrEnum):
    ATTRIBUTE = "attribute"
    TRAIT = "trait"
    ORDERS = "orders"


class Op(StrEnum):
    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    CONTAINS = "contains"
    EXISTS = "exists"
    MISSING = "missing"


class OrderMeasure(StrEnum):
    """The totals kept per customer; the days are whole days before the moment of evaluation."""

    COUNT = "count"
    REVENUE_MINOR = "revenue_minor"
    RETURNED_MINOR = "returned_minor"
    DAYS_SINCE_FIRST = "days_since_first"
    DAYS_SINCE_LAST = "days_since_last"


_ORDERED = frozenset({Op.GT, Op.GTE, Op.LT, Op.LTE})
_WITHOUT_VALUE = frozenset({Op.EXISTS, Op.MISSING})


class RuleError(ValueError):
    """The rule is malformed; ``pointer`` says where (a JSON pointer into the rule)."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer or '/'}: {detail}")
        self.pointer, self.detail = pointer or "/", detail


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; ``value`` is a tuple for ``in`` and None where the operator takes none."""

    source: Source
    name: str
    op: Op
    value: Scalar | tuple[Scalar, ...] | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Not:
    rule: Rule


Rule = Condition | AllOf | AnyOf | Not


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """What the rules of one customer are evaluated on."""

    attributes: Mapping[str, Any]
    traits: Mapping[str, float | str]
    orders_count: int = 0
    revenue_minor: int = 0
    returned_minor: int = 0
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None

    def value(self, condition: Condition, at: datetime) -> Any:
        if condition.source is Source.ATTRIBUTE:
            return self.attributes.get(condition.name)
        if condition.source is Source.TRAIT:
            return self.traits.get(condition.name)
        return {
            OrderMeasure.COUNT: self.orders_count,
            OrderMeasure.REVENUE_MINOR: self.revenue_minor,
            OrderMeasure.RETURNED_MINOR: self.returned_minor,
            OrderMeasure.DAYS_SINCE_FIRST: _days(self.first_order_at, at),
            OrderMeasure.DAYS_SINCE_LAST: _days(self.last_order_at, at),
        }[OrderMeasure(condition.name)]


def _days(since: datetime | None, at: datetime) -> int | None:
    return None if since is None else (at - since) // timedelta(days=1)


def matches(rule: Rule, facts: CustomerFacts, at: datetime) -> bool:
    """Whether the customer fulfils the rule at the moment ``at``."""
    if isinstance(rule, AllOf):
        return all(matches(each, facts, at) for each in rule.rules)
    if isinstance(rule, AnyOf):
        return any(matches(each, facts, at) for each in rule.rules)
    if isinstance(rule, Not):
        return not matches(rule.rule, facts, at)
    return _holds(rule, facts.value(rule, at))


def _holds(condition: Condition, actual: Any) -> bool:
    if actual is None or condition.op is Op.MISSING:
        return actual is None and condition.op is Op.MISSING
    if condition.op is Op.EXISTS:
        return True
    if condition.op is Op.IN:
        return isinstance(condition.value, tuple) and any(_equal(actual, each) for each in condition.value)
    if condition.op is Op.CONTAINS:
        return isinstance(actual, str) and str(condition.value) in actual
    if condition.op in _ORDERED:
        return _ordered(condition.op, actual, condition.value)
    return _equal(actual, condition.value) is (condition.op is Op.EQ)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "other"


def _equal(actual: Any, value: Any) -> bool:
    return _kind(actual) == _kind(value) and bool(actual == value)


def _ordered(op: Op, actual: Any, value: Any) -> bool:
    if _kind(actual) != _kind(value) or _kind(actual) not in {"number", "text"}:
        return False
    return bool(
        {
            Op.GT: actual > value,
            Op.GTE: actual >= value,
            Op.LT: actual < value,
            Op.LTE: actual <= value,
        }[op]
    )


def parse(data: Any) -> Rule:
    """Return the rule that ``data`` (decoded JSON) describes. Raises ``RuleError``."""
    return _Parser().rule(data, "", 1)


class _Parser:
    def __init__(self) -> None:
        self.nodes = 0

    def rule(self, data: Any, pointer: str, depth: int) -> Rule:
        self.nodes += 1
        if depth > DEEPEST or self.nodes > MOST_NODES:
            raise RuleError(pointer, f"At most {MOST_NODES} conditions, {DEEPEST} levels deep.")
        if not isinstance(data, dict):
            raise RuleError(pointer, "A rule is an object.")
        for name, node in (("all", AllOf), ("any", AnyOf)):
            if set(data) == {name}:
                return node(self._children(data[name], f"{pointer}/{name}", depth))
        if set(data) == {"not"}:
            return Not(self.rule(data["not"], f"{pointer}/not", depth + 1))
        return _condition(data, pointer)

    def _children(self, data: Any, pointer: str, depth: int) -> tuple[Rule, ...]:
        if not isinstance(data, list) or not data:
            raise RuleError(pointer, "A list of at least one rule.")
        return tuple(self.rule(each, f"{pointer}/{index}", depth + 1) for index, each in enumerate(data))


def _condition(data: dict[str, Any], pointer: str) -> Condition:
    sources = [source for source in Source if source in data]
    if len(sources) != 1 or not set(data) <= {sources[0], "op", "value"}:
        raise RuleError(pointer, "One of all, any, not, attribute, trait, orders; then op and value.")
    source, name = sources[0], data[sources[0]]
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_TEXT or "\0" in name:
        raise RuleError(f"{pointer}/{source}", "A name.")
    if source is Source.ORDERS and name not in set(OrderMeasure):
        raise RuleError(f"{pointer}/{source}", f"One of {', '.join(OrderMeasure)}.")
    # Anything may stand here, also what has no hash.
    if data.get("op") not in list(Op):
        raise RuleError(f"{pointer}/op", f"One of {', '.join(Op)}.")
    op = Op(data["op"])
    return Condition(source, name, op, _value(op, source, data.get("value"), f"{pointer}/value"))


def _value(op: Op, source: Source, value: Any, pointer: str) -> Scalar | tuple[Scalar, ...] | None:
    if op in _WITHOUT_VALUE:
        if value is not None:
            raise RuleError(pointer, f"{op} takes no value.")
        return None
    if op is Op.IN:
        if not isinstance(value, list) or not 0 < len(value) <= MOST_NODES:
            raise RuleError(pointer, f"A list of 1 to {MOST_NODES} values.")
        return tuple(_scalar(each, source, f"{pointer}/{index}") for index, each in enumerate(value))
    scalar = _scalar(value, source, pointer)
    if op is Op.CONTAINS and not isinstance(scalar, str):
        raise RuleError(pointer, "contains compares text.")
    if op in _ORDERED and isinstance(scalar, bool):
        raise RuleError(pointer, "Yes and no have no order.")
    return scalar


def _scalar(value: Any, source: Source, pointer: str) -> Scalar:
    kind = _kind(value)
    if kind == "text" and (len(value) > LONGEST_TEXT or "\0" in value):
        raise RuleError(pointer, f"Text of at most {LONGEST_TEXT} characters.")
    if kind == "number" and not abs(value) <= LARGEST_NUMBER:
        raise RuleError(pointer, "A number within fifteen digits.")
    allowed = {
        Source.ATTRIBUTE: {"text", "number", "boolean"},
        Source.TRAIT: {"text", "number"},
        Source.ORDERS: {"number"},
    }[source]
    if kind not in allowed:
        raise RuleError(pointer, f"A {' or '.join(sorted(allowed))}.")
    found: Scalar = value
    return found
