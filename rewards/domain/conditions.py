"""Conditions of earning rules: what they compare, and by how much they fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

Fact: TypeAlias = int | str | None
Operand: TypeAlias = int | str | frozenset[int] | frozenset[str]


class Comparison(StrEnum):
    """How a fact is compared with the rule's value."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    NOT_IN = "not_in"


class FactField(StrEnum):
    """The facts a condition can name. Weekdays are ISO (1 is Monday); times are local to the tenant."""

    ORDER_TOTAL = "order.total_minor"
    ORDER_CHANNEL = "order.channel"
    ORDER_WEEKDAY = "order.weekday"
    ORDER_HOUR = "order.hour"
    ORDER_LINES = "order.lines"
    CUSTOMER_TIER = "customer.tier"
    CUSTOMER_ORDERS_BEFORE = "customer.orders_before"
    CUSTOMER_SPEND = "customer.qualifying_spend_minor"


TEXT_FIELDS: Final = frozenset({FactField.ORDER_CHANNEL, FactField.CUSTOMER_TIER})
SET_COMPARISONS: Final = frozenset({Comparison.IN, Comparison.NOT_IN})
ORDER_COMPARISONS: Final = frozenset({Comparison.AT_LEAST, Comparison.AT_MOST})

_TESTS: Final[Mapping[Comparison, Callable[[Any, Any], bool]]] = {
    Comparison.AT_LEAST: lambda fact, value: fact is not None and fact >= value,
    Comparison.AT_MOST: lambda fact, value: fact is not None and fact <= value,
    Comparison.IS: lambda fact, value: fact == value,
    Comparison.IS_NOT: lambda fact, value: fact != value,
    Comparison.IN: lambda fact, value: fact in value,
    Comparison.NOT_IN: lambda fact, value: fact not in value,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A condition that did not hold: the fact found and, for amounts, the distance to the limit."""

    field: FactField
    comparison: Comparison
    expected: Operand
    actual: Fact
    missing: int | None

    def to_json(self) -> dict[str, Any]:
        expected = sorted(self.expected) if isinstance(self.expected, frozenset) else self.expected
        return {
            "field": self.field.value,
            "op": self.comparison.value,
            "expected": expected,
            "actual": self.actual,
            "missing": self.missing,
        }


@dataclass(frozen=True, slots=True)
class Condition:
    """``field comparison value``, for instance ``order.total_minor at_least 5000``."""

    field: FactField
    comparison: Comparison
    value: Operand

    def failure(self, facts: Mapping[FactField, Fact]) -> Failure | None:
        """Return why the condition does not hold, or ``None`` when it does."""
        fact = facts[self.field]
        if _TESTS[self.comparison](fact, self.value):
            return None
        missing = None
        if self.comparison in ORDER_COMPARISONS and isinstance(fact, int) and isinstance(self.value, int):
            missing = abs(self.value - fact)
        return Failure(self.field, self.comparison, self.value, fact, missing)
