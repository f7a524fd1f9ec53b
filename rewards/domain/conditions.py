"""Conditions of earning rules: segments' rule tree over the facts of an event and its member.

The nodes and operators are those of segments (``crm.domain.rules``); the leaves are ours, because a rule also
speaks of the order, its lines, the event and the time. What is absent fails every operator but ``missing``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias, cast

from crm.domain.rules import AllOf, AnyOf, Not, Op

__all__ = [
    "FACTS", "LARGEST_NUMBER", "AllOf", "AnyOf", "Condition", "Fact", "FactKind", "FactSource", "Not", "Op",
    "Operand", "Tree", "all_of", "any_of", "children", "inner", "leaves", "negated",
]  # fmt: skip

Fact: TypeAlias = int | float | str | bool | None
# A client's number beyond it is a mistake: conditions are not written with it, and amounts do not count it.
LARGEST_NUMBER: Final = 10**15
Operand: TypeAlias = int | float | str | bool | tuple[int | float | str | bool, ...] | None


class FactSource(StrEnum):
    """Where a fact comes from. ``line`` and ``item`` stand only where lines are chosen."""

    ORDER = "order"
    BASKET = "basket"
    LINE = "line"
    ITEM = "item"
    PROPERTY = "property"
    MEMBER = "member"
    ATTRIBUTE = "attribute"
    TRAIT = "trait"
    SEGMENT = "in_segment"
    TIME = "time"


class FactKind(StrEnum):
    """What a fact's values are; ``any`` where the tenant's data decides."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    ANY = "any"


# Weekdays are ISO (1 is Monday); times are local to the tenant. Sources that are missing take any name.
FACTS: Final[Mapping[FactSource, Mapping[str, FactKind]]] = {
    FactSource.ORDER: {
        "total_minor": FactKind.NUMBER,
        "channel": FactKind.TEXT,
        # As the order was placed in, of three capital letters.
        "currency": FactKind.TEXT,
        "lines": FactKind.NUMBER,
        "units": FactKind.NUMBER,
        # The member's first purchase has the number 1.
        "number": FactKind.NUMBER,
    },
    FactSource.BASKET: {
        "amount_minor": FactKind.NUMBER,
        "units": FactKind.NUMBER,
        "lines": FactKind.NUMBER,
    },
    FactSource.LINE: {
        "category": FactKind.TEXT,
        "subcategory": FactKind.TEXT,
        "brand": FactKind.TEXT,
        "item": FactKind.TEXT,
        "quantity": FactKind.NUMBER,
        "amount_minor": FactKind.NUMBER,
    },
    FactSource.MEMBER: {
        "tier": FactKind.TEXT,
        "orders_before": FactKind.NUMBER,
        "qualifying_spend_minor": FactKind.NUMBER,
        "days_enrolled": FactKind.NUMBER,
    },
    FactSource.TIME: {
        "weekday": FactKind.NUMBER,
        "hour": FactKind.NUMBER,
        "day": FactKind.NUMBER,
        "month": FactKind.NUMBER,
        "is_birthday": FactKind.BOOLEAN,
        "is_anniversary": FactKind.BOOLEAN,
    },
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison, for instance ``order total_minor gte 5000``.

    ``where`` chooses the lines that a basket measure counts; ``None`` counts all.
    """

    source: FactSource
    name: str
    op: Op
    value: Operand = None
    where: Tree | None = None

    @property
    def field(self) -> str:
        """The fact's name in records: ``order.total_minor``."""
        return f"{self.source.value}.{self.name}"

    @property
    def kind(self) -> FactKind:
        """What the fact's values are."""
        if self.source is FactSource.SEGMENT:
            return FactKind.BOOLEAN
        return FACTS.get(self.source, {}).get(self.name, FactKind.ANY)


Tree: TypeAlias = AllOf | AnyOf | Not | Condition


def all_of(*rules: Tree) -> Tree:
    """Every rule holds; one rule alone is itself."""
    if len(rules) == 1:
        return rules[0]
    return AllOf(rules)  # type: ignore[arg-type]  # the shared nodes carry our leaves


def any_of(*rules: Tree) -> Tree:
    """At least one rule holds."""
    return AnyOf(rules)  # type: ignore[arg-type]  # the shared nodes carry our leaves


def negated(rule: Tree) -> Tree:
    """The rule does not hold."""
    return Not(rule)  # type: ignore[arg-type]  # the shared nodes carry our leaves


def children(node: AllOf | AnyOf) -> tuple[Tree, ...]:
    """The rules of a node, as ours."""
    return cast("tuple[Tree, ...]", node.rules)


def inner(node: Not) -> Tree:
    """The rule that must not hold, as ours."""
    return cast("Tree", node.rule)


def leaves(tree: Tree | None) -> Iterator[Condition]:
    """Yield every condition of a tree, those of chosen lines included."""
    if isinstance(tree, AllOf | AnyOf):
        for child in children(tree):
            yield from leaves(child)
    elif isinstance(tree, Not):
        yield from leaves(inner(tree))
    elif tree is not None:
        yield tree
        yield from leaves(tree.where)
