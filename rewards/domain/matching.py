"""Rule trees made into functions once, and asked again only to say by how much they failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any, Final, TypeVar

from rewards.domain.conditions import (
    LARGEST_NUMBER,
    AllOf,
    AnyOf,
    Condition,
    Fact,
    FactKind,
    FactSource,
    Not,
    Op,
    Operand,
    Tree,
    children,
    inner,
)
from rewards.domain.facts import Context, Line, line_reader_of, reader_of

Match = Callable[[Context], bool]
LineMatch = Callable[[Line], bool]
_Test = Callable[[Any], bool]
_Fact = TypeVar("_Fact")

_ORDERED: Final[Mapping[Op, Callable[[Any, Any], bool]]] = {Op.GT: gt, Op.GTE: ge, Op.LT: lt, Op.LTE: le}
_STRICT: Final = frozenset({Op.GT, Op.LT})


@dataclass(frozen=True, slots=True)
class Failure:
    """A condition that did not hold: the fact found and, for amounts, the distance to the limit.

    ``is_negated``: the condition held and must not. ``alternatives``: one of them would have been enough.
    """

    field: str
    op: str
    expected: Operand = None
    actual: Fact = None
    missing: int | float | None = None
    is_negated: bool = False
    alternatives: tuple[tuple[Failure, ...], ...] = ()

    def to_json(self) -> dict[str, Any]:
        if self.alternatives:
            return {"any": [[item.to_json() for item in branch] for branch in self.alternatives]}
        expected = list(self.expected) if isinstance(self.expected, tuple) else self.expected
        document: dict[str, Any] = {
            "field": self.field,
            "op": self.op,
            "expected": expected,
            "actual": self.actual if isinstance(self.actual, int | float | str) else None,
            "missing": self.missing,
        }
        if self.is_negated:
            document["negated"] = True
        return document


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "other"


def _test(condition: Condition) -> _Test:
    """Return the comparison with the condition's value; an absent fact fulfils ``missing`` only."""
    op, value = condition.op, condition.value
    if op is Op.MISSING:
        return lambda fact: fact is None
    if op is Op.EXISTS:
        return lambda fact: fact is not None
    if op is Op.CONTAINS:
        return lambda fact: isinstance(fact, str) and str(value) in fact
    if op is Op.IN:
        wanted = frozenset((_kind(each), each) for each in value) if isinstance(value, tuple) else frozenset()
        return lambda fact: fact is not None and (_kind(fact), fact) in wanted
    if op in _ORDERED:
        return _order_test(condition)
    return _equality_test(condition)


def _order_test(condition: Condition) -> _Test:
    value, compare = condition.value, _ORDERED[condition.op]
    if condition.kind is FactKind.NUMBER:
        return lambda fact: fact is not None and compare(fact, value)
    kind = _kind(value)
    return lambda fact: _kind(fact) == kind and compare(fact, value)


def _equality_test(condition: Condition) -> _Test:
    value, is_wanted = condition.value, condition.op is Op.EQ
    if condition.kind is not FactKind.ANY:
        if is_wanted:
            return lambda fact: bool(fact == value)
        return lambda fact: fact is not None and fact != value
    kind = _kind(value)
    return lambda fact: fact is not None and (_kind(fact) == kind and fact == value) is is_wanted


def compile_tree(tree: Tree) -> Match:
    """Return a function that tells whether the tree holds."""
    if isinstance(tree, AllOf):
        return together([compile_tree(child) for child in children(tree)])
    if isinstance(tree, AnyOf):
        return _either([compile_tree(child) for child in children(tree)])
    if isinstance(tree, Not):
        match = compile_tree(inner(tree))
        return lambda context: not match(context)
    return _comparison(tree, fact_reader(tree))


def together(tests: Sequence[Callable[[_Fact], bool]]) -> Callable[[_Fact], bool]:
    """Return the test that holds when all hold, asked in their order; halves call quicker than a loop."""
    if not tests:
        return lambda _fact: True
    if len(tests) == 1:
        return tests[0]
    middle = len(tests) // 2
    first, then = together(tests[:middle]), together(tests[middle:])
    return lambda fact: first(fact) and then(fact)


def _either(tests: Sequence[Callable[[_Fact], bool]]) -> Callable[[_Fact], bool]:
    if not tests:
        return lambda _fact: False
    if len(tests) == 1:
        return tests[0]
    middle = len(tests) // 2
    first, otherwise = _either(tests[:middle]), _either(tests[middle:])
    return lambda fact: first(fact) or otherwise(fact)


def _comparison(condition: Condition, read: Callable[[_Fact], Any]) -> Callable[[_Fact], bool]:
    """Return the leaf's test; the two commonest read and compare in one step."""
    op, value = condition.op, condition.value
    if op in _ORDERED and condition.kind is FactKind.NUMBER:
        compare = _ORDERED[op]

        def ordered(source: _Fact) -> bool:
            fact = read(source)
            return fact is not None and compare(fact, value)

        return ordered
    if op is Op.EQ and condition.kind is not FactKind.ANY:
        return lambda source: bool(read(source) == value)
    test = _test(condition)
    return lambda source: test(read(source))


def fact_reader(condition: Condition) -> Callable[[Context], Any]:
    """Return how a condition reads its fact, baskets included."""
    if condition.source is FactSource.BASKET:
        return _basket(condition)
    return reader_of(condition)


def _basket(condition: Condition) -> Callable[[Context], int | None]:
    chosen = compile_lines(condition.where)
    if condition.name == "amount_minor":

        def spent(context: Context) -> int | None:
            event = context.event
            return None if event.is_unpriced else sum(line[2] for line in event.lines if chosen(line))

        return spent
    measure: Callable[[Line], int] = {
        "units": lambda line: line.quantity,
        "lines": lambda _line: 1,
    }[condition.name]
    return lambda context: sum(measure(line) for line in context.event.lines if chosen(line))


def compile_lines(tree: Tree | None) -> LineMatch:
    """Return a function that tells whether a line counts."""
    if tree is None:
        return lambda _line: True
    if isinstance(tree, AllOf):
        return together([compile_lines(child) for child in children(tree)])
    if isinstance(tree, AnyOf):
        return _either([compile_lines(child) for child in children(tree)])
    if isinstance(tree, Not):
        match = compile_lines(inner(tree))
        return lambda line: not match(line)
    return _comparison(tree, line_reader_of(tree))


def failures(tree: Tree, context: Context) -> tuple[Failure, ...]:
    """Return why the tree does not hold; empty when it does."""
    if isinstance(tree, AllOf):
        return tuple(found for child in children(tree) for found in failures(child, context))
    if isinstance(tree, AnyOf):
        branches = tuple(failures(child, context) for child in children(tree))
        return () if not all(branches) else (Failure("", "any", alternatives=branches),)
    if isinstance(tree, Not):
        return _holding(inner(tree), context)
    fact = fact_reader(tree)(context)
    return () if _test(tree)(fact) else (_failure(tree, fact),)


def _holding(tree: Tree, context: Context) -> tuple[Failure, ...]:
    """Return what holds of a tree that must not hold."""
    if not compile_tree(tree)(context):
        return ()
    if isinstance(tree, AllOf | AnyOf):
        return tuple(found for child in children(tree) for found in _holding(child, context))
    if isinstance(tree, Not):
        return failures(inner(tree), context) or (Failure("not", "not", is_negated=True),)
    fact = fact_reader(tree)(context)
    return (Failure(tree.field, tree.op.value, tree.value, fact, is_negated=True),)


def _is_sane(number: float) -> bool:
    """Whether a number can be subtracted from: whole ones of hundreds of digits are beyond any float."""
    return -LARGEST_NUMBER <= number <= LARGEST_NUMBER


def _failure(condition: Condition, fact: Any) -> Failure:
    missing = None
    value = condition.value
    if condition.op in _ORDERED and _kind(fact) == _kind(value) == "number" and _is_sane(fact):
        missing = abs(value - fact)
        if condition.op in _STRICT and isinstance(missing, int):
            missing += 1
    return Failure(condition.field, condition.op.value, value, fact, missing)
