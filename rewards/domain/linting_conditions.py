"""What conditions say of each other, as far as it is certain: never, not together, one within the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeGuard

from rewards.domain.conditions import AllOf, Condition, FactSource, Not, Op, Tree, children, inner, leaves
from rewards.domain.rules import EarningRule

_LOWER: Final = frozenset({Op.GT, Op.GTE})
_UPPER: Final = frozenset({Op.LT, Op.LTE})
_TESTS: Final[dict[Op, Callable[[float, float], bool]]] = {
    Op.GT: lambda value, limit: value > limit,
    Op.GTE: lambda value, limit: value >= limit,
    Op.LT: lambda value, limit: value < limit,
    Op.LTE: lambda value, limit: value <= limit,
    Op.EQ: lambda value, limit: value == limit,
    Op.NE: lambda value, limit: value != limit,
}
# The least and the greatest whole number that a fact can be; ``None`` is no limit.
_RANGES: Final[Mapping[tuple[FactSource, str], tuple[int, int | None]]] = {
    (FactSource.TIME, "weekday"): (1, 7),
    (FactSource.TIME, "hour"): (0, 23),
    (FactSource.TIME, "day"): (1, 31),
    (FactSource.TIME, "month"): (1, 12),
    (FactSource.ORDER, "number"): (1, None),
    (FactSource.ORDER, "lines"): (0, None),
    (FactSource.ORDER, "units"): (0, None),
    (FactSource.MEMBER, "orders_before"): (0, None),
}


def required(tree: Tree | None) -> list[Condition]:
    """Return the conditions that must hold in any case."""
    if isinstance(tree, AllOf):
        return [leaf for child in children(tree) for leaf in required(child)]
    return [tree] if isinstance(tree, Condition) and tree.where is None else []


def forbidden(tree: Tree | None) -> list[Condition]:
    """Return the conditions that must not hold in any case."""
    if isinstance(tree, AllOf):
        return [leaf for child in children(tree) for leaf in forbidden(child)]
    found = inner(tree) if isinstance(tree, Not) else None
    return [found] if isinstance(found, Condition) and found.where is None else []


def is_plain(tree: Tree | None) -> bool:
    """Whether the tree is nothing but conditions that must all hold."""
    return tree is not None and len(required(tree)) == len(list(leaves(tree)))


def contradiction(tree: Tree | None) -> Condition | None:
    """Return a condition that no value fulfils beside another one of the tree."""
    wanted = required(tree)
    for index, first in enumerate(wanted):
        if any(exclude(first, second) for second in wanted[index + 1 :]):
            return first
        if any(implies(first, second) for second in forbidden(tree)):
            return first
    return None


def is_never(condition: Condition) -> bool:
    """Whether the fact cannot have such a value."""
    low, high = _RANGES.get((condition.source, condition.name), (None, None))
    if low is None:
        return False
    if condition.op is Op.IN and isinstance(condition.value, tuple):
        return not any(is_number(value) and _lies(value, low, high) for value in condition.value)
    if condition.op not in _TESTS or not is_number(condition.value):
        return False
    if high is not None:
        return not any(fulfils(value, condition) for value in range(low, high + 1))
    if condition.op is Op.EQ:
        return condition.value < low
    return condition.op in _UPPER and not fulfils(low, condition)


def _lies(value: float, low: int, high: int | None) -> bool:
    return value >= low and (high is None or value <= high)


def exclude(first: Condition, second: Condition) -> bool:
    """Whether no value fulfils both."""
    if first.field != second.field:
        return False
    choices, other_choices = _choices(first), _choices(second)
    if choices is not None and other_choices is not None:
        return choices.isdisjoint(other_choices)
    for one, two in ((first, second), (second, first)):
        wanted = _choices(one)
        if wanted is not None and is_number(two.value):
            return not any(is_number(value) and fulfils(value, two) for value in wanted)
        if one.op in _LOWER and two.op in _UPPER and is_number(one.value) and is_number(two.value):
            is_strict = one.op is Op.GT or two.op is Op.LT
            return one.value > two.value or (one.value == two.value and is_strict)
    return False


def implies(first: Condition, second: Condition) -> bool:
    """Whether whatever fulfils the first condition fulfils the second."""
    if first == second:
        return True
    if first.field != second.field or first.op is Op.MISSING:
        return False
    if second.op is Op.EXISTS:
        return True
    wanted, allowed = _choices(first), _choices(second)
    if wanted is None:
        return _reaches_less(first, second)
    if allowed is not None:
        return wanted <= allowed
    return is_number(second.value) and all(is_number(each) and fulfils(each, second) for each in wanted)


def _reaches_less(first: Condition, second: Condition) -> bool:
    """Whether a half line of numbers lies within another one."""
    for side in (_LOWER, _UPPER):
        if first.op in side and second.op in side and is_number(first.value) and is_number(second.value):
            is_open = first.op in {Op.GT, Op.LT} or second.op in {Op.GTE, Op.LTE}
            inside = first.value > second.value if side is _LOWER else first.value < second.value
            return inside or (first.value == second.value and is_open)
    return False


def is_within(narrow: Iterable[Condition], wide: Iterable[Condition]) -> bool:
    """Whether whatever fulfils all narrow conditions fulfils all wide ones."""
    kept = list(narrow)
    return all(any(implies(each, other) for each in kept) for other in wide)


def can_meet(rule: EarningRule, other: EarningRule) -> bool:
    """Whether conditions about the same facts, and nothing else, can hold for both rules at once."""
    if not (is_plain(rule.when) and is_plain(other.when)):
        return False
    ours, theirs = required(rule.when), required(other.when)
    same = {each.field for each in ours} == {each.field for each in theirs}
    return same and not any(exclude(one, two) for one in ours for two in theirs)


def _choices(condition: Condition) -> frozenset[object] | None:
    if condition.op is Op.EQ:
        return frozenset({condition.value})
    if condition.op is Op.IN and isinstance(condition.value, tuple):
        return frozenset(condition.value)
    return None


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number and not a yes or no."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def fulfils(value: float, condition: Condition) -> bool:
    """Whether a number fulfils a comparison; other comparisons are taken for fulfilled."""
    test = _TESTS.get(condition.op)
    return test is None or not is_number(condition.value) or test(value, condition.value)
