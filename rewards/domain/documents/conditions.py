"""Rule trees in the document: read with errors by pointer, and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rewards.domain.conditions import (
    FACTS,
    LARGEST_NUMBER,
    AllOf,
    AnyOf,
    Condition,
    FactKind,
    FactSource,
    Not,
    Op,
    Operand,
    Tree,
    all_of,
    any_of,
    children,
    inner,
    negated,
)
from rewards.domain.documents.reader import Reader

DEEPEST: Final = 8
MOST_CHOICES: Final = 1_000
_LONGEST: Final = 200
_WITHOUT_VALUE: Final = frozenset({Op.EXISTS, Op.MISSING})
ORDERED: Final = frozenset({Op.GT, Op.GTE, Op.LT, Op.LTE})
OPS_BY_KIND: Final[Mapping[FactKind, frozenset[Op]]] = {
    FactKind.NUMBER: frozenset(Op) - {Op.CONTAINS},
    FactKind.TEXT: frozenset(Op) - ORDERED,
    FactKind.BOOLEAN: frozenset({Op.EQ, Op.NE}),
    FactKind.ANY: frozenset(Op),
}
LINE_SOURCES: Final = frozenset({FactSource.LINE, FactSource.ITEM})
EVENT_SOURCES: Final = frozenset(FactSource) - LINE_SOURCES


def read_tree(reader: Reader, sources: frozenset[FactSource] = EVENT_SOURCES, depth: int = 1) -> Tree | None:
    """Read a rule over the given sources; ``None`` after an error was reported."""
    if depth > DEEPEST:
        reader.refuse("", "too_deep", f"Rules are at most {DEEPEST} levels deep.")
        return None
    for name, node in (("all", all_of), ("any", any_of)):
        if reader.peek(name) is not None:
            reader.only(name)
            found = [read_tree(child, sources, depth + 1) for child in reader.nodes(name, at_least=1)]
            rules = [rule for rule in found if rule is not None]
            return node(*rules) if rules else None
    if reader.peek("not") is not None:
        reader.only("not")
        rule = read_tree(reader.node("not"), sources, depth + 1)
        return None if rule is None else negated(rule)
    return _condition(reader, sources, depth)


def _condition(reader: Reader, sources: frozenset[FactSource], depth: int) -> Condition | None:
    named = [source for source in FactSource if source in sources and reader.peek(source.value) is not None]
    if len(named) != 1:
        known = ", ".join(sorted(source.value for source in sources))
        reader.refuse("", "unknown_condition", f"One of all, any, not, {known} is expected.")
        return None
    source = named[0]
    if source is FactSource.SEGMENT:
        reader.only(source.value)
        return Condition(source, reader.text(source.value), Op.EQ, value=True)
    allowed = {"where"} if source is FactSource.BASKET else set()
    reader.only(source.value, "op", "value", *allowed)
    name = _name(reader, source)
    op = reader.choice("op", {item.value: item for item in Op})
    if name is None or op is None:
        return None
    where = None
    if source is FactSource.BASKET and reader.peek("where") is not None:
        where = read_tree(reader.node("where"), LINE_SOURCES, depth + 1)
    kind = Condition(source, name, op).kind
    if op not in OPS_BY_KIND[kind]:
        reader.refuse("op", "not_comparable", f"{source.value}.{name} cannot be compared with {op.value}.")
        return None
    return Condition(source, name, op, _operand(reader, op, kind), where)


def _name(reader: Reader, source: FactSource) -> str | None:
    known = FACTS.get(source)
    if known is None:
        return reader.text(source.value) or None
    return reader.choice(source.value, {name: name for name in known})


def _operand(reader: Reader, op: Op, kind: FactKind) -> Operand:
    value = reader.peek("value")
    if op in _WITHOUT_VALUE:
        if value is not None:
            reader.refuse("value", "unexpected_value", f"{op.value} takes no value.")
        return None
    if op is Op.IN:
        if not isinstance(value, list) or not 0 < len(value) <= MOST_CHOICES:
            reader.refuse("value", "invalid_list", f"A list of 1 to {MOST_CHOICES} values is expected.")
            return ()
        return tuple(_scalar(reader, f"value/{index}", each, kind) for index, each in enumerate(value))
    if op is Op.CONTAINS:
        return _scalar(reader, "value", value, FactKind.TEXT)
    if op in ORDERED and isinstance(value, bool):
        reader.refuse("value", "invalid_value", "Yes and no have no order.")
    return _scalar(reader, "value", value, kind)


def _scalar(reader: Reader, name: str, value: Any, kind: FactKind) -> int | float | str | bool:
    is_number = (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER
    )
    is_text = isinstance(value, str) and len(value) <= _LONGEST and "\0" not in value
    fits = {
        FactKind.NUMBER: is_number,
        FactKind.TEXT: is_text,
        FactKind.BOOLEAN: isinstance(value, bool),
        FactKind.ANY: is_number or is_text or isinstance(value, bool),
    }[kind]
    if not fits:
        reader.refuse(name, "invalid_value", f"A {kind.value} value is expected.")
        return 0
    found: int | float | str | bool = value
    return found


def write_tree(tree: Tree) -> dict[str, Any]:
    """Write a rule as ``read_tree`` reads it."""
    if isinstance(tree, AllOf):
        return {"all": [write_tree(child) for child in children(tree)]}
    if isinstance(tree, AnyOf):
        return {"any": [write_tree(child) for child in children(tree)]}
    if isinstance(tree, Not):
        return {"not": write_tree(inner(tree))}
    if tree.source is FactSource.SEGMENT:
        return {tree.source.value: tree.name}
    written: dict[str, Any] = {tree.source.value: tree.name, "op": tree.op.value}
    if tree.op not in _WITHOUT_VALUE:
        written["value"] = list(tree.value) if isinstance(tree.value, tuple) else tree.value
    if tree.where is not None:
        written["where"] = write_tree(tree.where)
    return written


def _leaf(source: FactSource) -> dict[str, Any]:
    names = FACTS.get(source)
    name: dict[str, Any] = {"enum": sorted(names)} if names else {"type": "string", "minLength": 1}
    if source is FactSource.SEGMENT:
        return {"type": "object", "properties": {source.value: name}, "required": [source.value],
                "additionalProperties": False}  # fmt: skip
    properties: dict[str, Any] = {source.value: name, "op": {"enum": [op.value for op in Op]}, "value": {}}
    if source is FactSource.BASKET:
        properties["where"] = {"$ref": "#/$defs/lines"}
    return {
        "type": "object",
        "properties": properties,
        "required": [source.value, "op"],
        "additionalProperties": False,
    }


def tree_schema(name: str, sources: frozenset[FactSource]) -> dict[str, Any]:
    """Return the schema of a rule tree that is known as ``#/$defs/<name>``."""
    itself = {"$ref": f"#/$defs/{name}"}
    several = {"type": "array", "items": itself, "minItems": 1}
    nodes: list[dict[str, Any]] = [
        {"type": "object", "properties": {key: several}, "required": [key], "additionalProperties": False}
        for key in ("all", "any")
    ]
    nodes.append(
        {"type": "object", "properties": {"not": itself}, "required": ["not"], "additionalProperties": False}
    )
    return {"oneOf": [*nodes, *(_leaf(source) for source in FactSource if source in sources)]}
