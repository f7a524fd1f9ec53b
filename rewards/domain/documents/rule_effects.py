"""The effects of a rule in the document: points in three forms, and what else a rule gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final

from rewards.domain.conditions import Condition as _Condition
from rewards.domain.conditions import FactKind, FactSource, Op
from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import (
    KEY_SCHEMA,
    MOST_MONEY,
    MOST_POINTS,
    one_of,
    record,
    whole,
)
from rewards.domain.rules import (
    FormulaPoints,
    GivePoints,
    Grant,
    GrantKind,
    MultiplyPoints,
    PointsEffect,
    Rounding,
    Term,
)

MOST_PERCENT: Final = 10_000
_MOST_UNITS: Final = 1_000_000
_MOST_WEIGHT: Final = 10**9
_MOST_DAYS: Final = 3_650
_LONGEST_NUMBER: Final = 40
POINTS, MULTIPLIER, FORMULA = "points", "multiplier", "formula"
_POINT_TYPES: Final = (POINTS, MULTIPLIER, FORMULA)
TERM_SOURCES: Final = (FactSource.TRAIT, FactSource.ATTRIBUTE, FactSource.ORDER, FactSource.PROPERTY,
                       FactSource.MEMBER)  # fmt: skip


def read_effects(rule: Reader) -> tuple[PointsEffect | None, tuple[Grant, ...]]:
    """Read the list of effects: at most one gives points, the others anything else."""
    points: PointsEffect | None = None
    grants: list[Grant] = []
    kinds = {name: name for name in (*_POINT_TYPES, *(kind.value for kind in GrantKind))}
    for index, reader in enumerate(rule.nodes("effects", at_least=1)):
        kind = reader.choice("type", kinds)
        if kind is None:
            continue
        if kind not in _POINT_TYPES:
            grants.append(_grant(reader, GrantKind(kind)))
            continue
        if points is not None:
            rule.refuse(
                f"effects/{index}/type", "second_points", "A rule gives points once; make a second rule."
            )
        points = _READERS[kind](reader)
    return points, tuple(grants)


def _gift(reader: Reader) -> GivePoints:
    reader.only(
        "type", "wallet", "points", "per_minor", "per_units", "per_property", "per_amount",
        "category_percent", "tier_percent",
    )  # fmt: skip
    effect = GivePoints(
        wallet=reader.key("wallet"),
        points=reader.integer("points", 1, MOST_POINTS),
        per_minor=reader.optional_integer("per_minor", 1, MOST_MONEY),
        per_units=reader.optional_integer("per_units", 1, _MOST_UNITS),
        per_property=reader.text("per_property") if reader.peek("per_property") else "",
        per_amount=reader.integer("per_amount", 1, MOST_POINTS, default=1),
        category_percent=MappingProxyType(reader.integers("category_percent", 0, MOST_PERCENT)),
        tier_percent=MappingProxyType(reader.integers("tier_percent", 0, MOST_PERCENT)),
    )
    given = [effect.per_minor, effect.per_units, effect.per_property or None]
    if len([each for each in given if each is not None]) > 1:
        reader.refuse(
            "per_units", "ambiguous", "Points are per money, per unit or per property, not several."
        )
    return effect


def _multiplier(reader: Reader) -> MultiplyPoints:
    reader.only("type", "wallet", "percent", "rules")
    return MultiplyPoints(
        wallet=reader.key("wallet"),
        percent=reader.integer("percent", 101, MOST_PERCENT),
        rules=frozenset(reader.texts("rules")),
    )


def _formula(reader: Reader) -> FormulaPoints:
    reader.only("type", "wallet", "terms", "constant", "rounding", "at_least", "at_most")
    effect = FormulaPoints(
        wallet=reader.key("wallet"),
        terms=tuple(filter(None, map(_term, reader.nodes("terms", at_least=1)))),
        constant=_number(reader, "constant") if reader.peek("constant") is not None else Fraction(0),
        rounding=reader.choice("rounding", {each.value: each for each in Rounding}, default=Rounding.DOWN),
        at_least=reader.integer("at_least", 0, MOST_POINTS, default=0),
        at_most=reader.optional_integer("at_most", 0, MOST_POINTS),
    )
    if effect.at_most is not None and effect.at_most < effect.at_least:
        reader.refuse("at_most", "below_at_least", "Not below at_least.")
    return effect


def _term(reader: Reader) -> Term | None:
    named = [source for source in TERM_SOURCES if reader.peek(source.value) is not None]
    if len(named) != 1:
        known = ", ".join(source.value for source in TERM_SOURCES)
        reader.refuse("", "unknown_condition", f"One of {known} is expected.")
        return None
    source = named[0]
    reader.only(source.value, "weight")
    name = reader.text(source.value)
    kind = _Condition(source, name, Op.EXISTS).kind
    if source in {FactSource.ORDER, FactSource.MEMBER} and kind is not FactKind.NUMBER:
        reader.refuse(source.value, "not_a_number", f"{source.value}.{name} is no number.")
    return Term(source, name, _number(reader, "weight"))


def _number(reader: Reader, name: str) -> Fraction:
    """Read a decimal exactly: a text like "0.05", or a JSON number by its shortest decimal."""
    value = reader.peek(name)
    try:
        is_number = isinstance(value, int | float | str) and not isinstance(value, bool)
        number = Fraction(str(value)) if is_number and len(str(value)) <= _LONGEST_NUMBER else None
    except (ValueError, ZeroDivisionError):
        number = None
    if number is None or abs(number) > _MOST_WEIGHT:
        reader.refuse(name, "invalid_number", f"A number from -{_MOST_WEIGHT} to {_MOST_WEIGHT} is expected.")
        return Fraction(0)
    return number


def _grant(reader: Reader, kind: GrantKind) -> Grant:
    if kind is GrantKind.CHALLENGE:
        reader.only("type", kind.value, "progress")
        return Grant(
            kind, reader.key(kind.value), amount=reader.integer("progress", 1, MOST_POINTS, default=1)
        )
    if kind is GrantKind.TIER:
        reader.only("type", kind.value, "days")
        return Grant(kind, reader.key(kind.value), days=reader.optional_integer("days", 1, _MOST_DAYS))
    if kind is GrantKind.TRAIT:
        reader.only("type", kind.value, "value")
        return Grant(kind, reader.key(kind.value), value=_trait_value(reader))
    reader.only("type", kind.value)
    return Grant(kind, reader.key(kind.value))


def _trait_value(reader: Reader) -> float | str:
    value = reader.peek("value")
    if isinstance(value, str) and 0 < len(value) <= _LONGEST_NUMBER:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MOST_WEIGHT:
        return value
    reader.refuse("value", "invalid_value", "A number or a short text is expected.")
    return 0


_READERS: Final[Mapping[str, Callable[[Reader], PointsEffect]]] = {
    POINTS: _gift,
    MULTIPLIER: _multiplier,
    FORMULA: _formula,
}


def write_effects(points: PointsEffect | None, grants: tuple[Grant, ...]) -> list[dict[str, Any]]:
    """Write effects as ``read_effects`` reads them."""
    written = [] if points is None else [_written(points)]
    return written + [_written_grant(grant) for grant in grants]


def _written(effect: PointsEffect) -> dict[str, Any]:
    if isinstance(effect, MultiplyPoints):
        return {"type": MULTIPLIER, "wallet": effect.wallet, "percent": effect.percent,
                "rules": sorted(effect.rules)}  # fmt: skip
    if isinstance(effect, FormulaPoints):
        return {
            "type": FORMULA,
            "wallet": effect.wallet,
            "terms": [{term.source.value: term.name, "weight": str(term.weight)} for term in effect.terms],
            "constant": str(effect.constant),
            "rounding": effect.rounding.value,
            "at_least": effect.at_least,
            "at_most": effect.at_most,
        }
    written: dict[str, Any] = {"type": POINTS, "wallet": effect.wallet, "points": effect.points}
    for name in ("per_minor", "per_units", "per_property"):
        if value := getattr(effect, name):
            written[name] = value
    if effect.per_property:
        written["per_amount"] = effect.per_amount
    for name in ("category_percent", "tier_percent"):
        if percents := getattr(effect, name):
            written[name] = dict(percents)
    return written


def _written_grant(grant: Grant) -> dict[str, Any]:
    written: dict[str, Any] = {"type": grant.kind.value, grant.kind.value: grant.key}
    if grant.kind is GrantKind.CHALLENGE:
        written["progress"] = grant.amount
    if grant.kind is GrantKind.TIER:
        written["days"] = grant.days
    if grant.kind is GrantKind.TRAIT:
        written["value"] = grant.value
    return written


_PERCENTS: Final = {"type": "object", "additionalProperties": whole(0, MOST_PERCENT)}
_NUMBER: Final = {"type": ["number", "string"]}
_EXTRAS: Final[dict[GrantKind, dict[str, Any]]] = {
    GrantKind.CHALLENGE: {"progress": whole(1, MOST_POINTS)},
    GrantKind.TIER: {"days": whole(1, _MOST_DAYS, is_optional=True)},
    GrantKind.TRAIT: {"value": _NUMBER},
}


def effects_schema() -> dict[str, Any]:
    """Return the schema of the list of effects."""
    gift = record(
        ("type", "wallet", "points"),
        type={"const": POINTS}, wallet=KEY_SCHEMA, points=whole(1, MOST_POINTS),
        per_minor=whole(1, MOST_MONEY, is_optional=True), per_units=whole(1, _MOST_UNITS, is_optional=True),
        per_property={"type": "string"}, per_amount=whole(1, MOST_POINTS),
        category_percent=_PERCENTS, tier_percent=_PERCENTS,
    )  # fmt: skip
    multiplier = record(
        ("type", "wallet", "percent"),
        type={"const": MULTIPLIER}, wallet=KEY_SCHEMA, percent=whole(101, MOST_PERCENT),
        rules={"type": "array", "items": KEY_SCHEMA},
    )  # fmt: skip
    term = {"type": "object", "required": ["weight"],
            "properties": {"weight": _NUMBER,
                           **{source.value: {"type": "string"} for source in TERM_SOURCES}},
            "additionalProperties": False}  # fmt: skip
    formula = record(
        ("type", "wallet", "terms"),
        type={"const": FORMULA}, wallet=KEY_SCHEMA, terms={"type": "array", "items": term, "minItems": 1},
        constant=_NUMBER, rounding=one_of(Rounding), at_least=whole(0, MOST_POINTS),
        at_most=whole(0, MOST_POINTS, is_optional=True),
    )  # fmt: skip
    grants = [
        record(
            ("type", kind.value),
            **{"type": {"const": kind.value}, kind.value: KEY_SCHEMA, **_EXTRAS.get(kind, {})},
        )
        for kind in GrantKind
    ]
    return {"type": "array", "minItems": 1, "items": {"oneOf": [gift, multiplier, formula, *grants]}}
