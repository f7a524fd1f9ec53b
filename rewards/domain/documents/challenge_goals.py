"""Goals of challenges in the program document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from crm.domain.rules import Rule, RuleError
from rewards.domain.challenges.conditions import conditions_to_json, parse_conditions
from rewards.domain.challenges.definition import (
    KIND_BY_GOAL,
    CountGoal,
    DistinctGoal,
    EventMatch,
    Goal,
    Match,
    OrderAspect,
    OrderMatch,
    OrderMeasure,
    SequenceGoal,
    SetGoal,
    SimpleGoal,
    Step,
    StreakGoal,
    StreakUnit,
    SumGoal,
    Task,
)
from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import KEY_SCHEMA, TEXT_SCHEMA, one_of, record, whole

_MOST_TARGET: Final = 10**12
_MOST_STREAK: Final = 3_660
_MOST_PARTS: Final = 50
_T = TypeVar("_T", Step, Task)


def read_goal(reader: Reader) -> Goal:
    """Read any kind of goal; what is wrong is reported and replaced."""
    kind = reader.peek("kind")
    readers: Mapping[Any, Callable[[Reader], Goal]] = {
        "streak": _streak, "sequence": _sequence, "set": _set,
    }  # fmt: skip
    if isinstance(kind, str) and kind in readers:
        return readers[kind](reader)
    return _simple(reader, also=tuple(readers))


def _simple(reader: Reader, *, also: tuple[str, ...] = ()) -> SimpleGoal:
    kinds = ("count", "sum", "distinct")
    kind = reader.peek("kind")
    if kind not in kinds:
        reader.choice("kind", dict.fromkeys((*kinds, *also)))
    reader.only("kind", "target", "match", *(() if kind == "count" else ("of",)))
    match, target = _match(reader.node("match")), reader.integer("target", 1, _MOST_TARGET)
    if kind == "sum":
        return SumGoal(match, _measured(reader, match, OrderMeasure), target)
    if kind == "distinct":
        return DistinctGoal(match, _measured(reader, match, OrderAspect), target)
    return CountGoal(match, target)


def _measured(reader: Reader, match: Match, choices: type[OrderMeasure | OrderAspect]) -> str:
    """Return what is measured: a property's name for events, one of ``choices`` for orders."""
    if isinstance(match, EventMatch):
        return reader.text("of")
    return str(reader.choice("of", {item.value: item.value for item in choices}) or "")


def _match(reader: Reader) -> Match:
    if reader.peek("event") is not None:
        reader.only("event", "where")
        return EventMatch(reader.text("event"), _where(reader))
    reader.only("categories", "skus", "where")
    return OrderMatch(frozenset(reader.texts("categories")), frozenset(reader.texts("skus")), _where(reader))


def _where(reader: Reader) -> Rule | None:
    data = reader.peek("where")
    if data is None:
        return None
    try:
        return parse_conditions(data)
    except RuleError as error:
        reader.refuse(f"where{error.pointer}".rstrip("/"), "invalid_rule", error.detail)
        return None


def _streak(reader: Reader) -> StreakGoal:
    reader.only("kind", "match", "target", "unit", "gap", "each")
    return StreakGoal(
        match=_match(reader.node("match")),
        target=reader.integer("target", 2, _MOST_STREAK),
        unit=reader.choice("unit", {item.value: item for item in StreakUnit}, default=StreakUnit.DAY),
        gap=reader.integer("gap", 0, 30, default=0),
        each=reader.integer("each", 1, 1000, default=1),
    )


def _sequence(reader: Reader) -> SequenceGoal:
    reader.only("kind", "steps")
    return SequenceGoal(_parts(reader, "steps", _step))


def _step(reader: Reader) -> Step:
    reader.only("key", "name", "match")
    return Step(reader.key("key"), reader.text("name"), _match(reader.node("match")))


def _set(reader: Reader) -> SetGoal:
    reader.only("kind", "tasks", "needed")
    tasks = _parts(reader, "tasks", _task)
    return SetGoal(tasks, reader.integer("needed", 1, max(len(tasks), 1), default=max(len(tasks), 1)))


def _task(reader: Reader) -> Task:
    reader.only("key", "name", "goal")
    return Task(reader.key("key"), reader.text("name"), _simple(reader.node("goal")))


def _parts(reader: Reader, name: str, read: Callable[[Reader], _T]) -> tuple[_T, ...]:
    nodes = reader.nodes(name, at_least=2)
    if len(nodes) > _MOST_PARTS:
        reader.refuse(name, "too_many", f"At most {_MOST_PARTS} are allowed.")
    found = tuple(map(read, nodes[:_MOST_PARTS]))
    if len({each.key for each in found}) != len(found):
        reader.refuse(name, "duplicate", "Two of them have the same key.")
    return found


def goal_to_json(goal: Goal) -> dict[str, Any]:
    """Write a goal as ``read_goal`` reads it."""
    kind = KIND_BY_GOAL[type(goal)]
    if isinstance(goal, SequenceGoal):
        steps = [{"key": s.key, "name": s.name, "match": match_to_json(s.match)} for s in goal.steps]
        return {"kind": kind, "steps": steps}
    if isinstance(goal, SetGoal):
        tasks = [{"key": t.key, "name": t.name, "goal": goal_to_json(t.goal)} for t in goal.tasks]
        return {"kind": kind, "tasks": tasks, "needed": goal.needed}
    written = {"kind": kind, "match": match_to_json(goal.match), "target": goal.target}
    if isinstance(goal, SumGoal | DistinctGoal):
        written["of"] = goal.of
    elif isinstance(goal, StreakGoal):
        written |= {"unit": goal.unit.value, "gap": goal.gap, "each": goal.each}
    return written


def match_to_json(match: Match) -> dict[str, Any]:
    """Write what counts: an event by name, or orders by lines; with conditions where there are some."""
    if isinstance(match, EventMatch):
        written: dict[str, Any] = {"event": match.name}
    else:
        written = {"categories": sorted(match.categories), "skus": sorted(match.skus)}
    if match.where is not None:
        written["where"] = conditions_to_json(match.where)
    return written


_TEXTS: Final = {"type": "array", "items": {"type": "string", "minLength": 1}}
_MATCH: Final = record(
    (), event={"type": ["string", "null"]}, categories=_TEXTS, skus=_TEXTS, where={"type": ["object", "null"]}
)
_TARGET: Final = whole(1, _MOST_TARGET)
_PLAIN: Final = {
    "oneOf": [
        record(("kind", "match", "target"), kind={"const": "count"}, match=_MATCH, target=_TARGET),
        *(
            record(
                ("kind", "match", "of", "target"),
                kind={"const": kind}, match=_MATCH, of=TEXT_SCHEMA, target=_TARGET,
            )
            for kind in ("sum", "distinct")
        ),
    ]
}  # fmt: skip
_STEP: Final = record(("key", "name", "match"), key=KEY_SCHEMA, name=TEXT_SCHEMA, match=_MATCH)
_TASK: Final = record(("key", "name", "goal"), key=KEY_SCHEMA, name=TEXT_SCHEMA, goal=_PLAIN)
GOAL_SCHEMA: Final[dict[str, Any]] = {
    "oneOf": [
        *_PLAIN["oneOf"],
        record(
            ("kind", "match", "target"),
            kind={"const": "streak"}, match=_MATCH, target=whole(2, _MOST_STREAK), unit=one_of(StreakUnit),
            gap=whole(0, 30), each=whole(1, 1000),
        ),
        record(
            ("kind", "steps"),
            kind={"const": "sequence"},
            steps={"type": "array", "minItems": 2, "maxItems": _MOST_PARTS, "items": _STEP},
        ),
        record(
            ("kind", "tasks"),
            kind={"const": "set"}, needed=whole(1, _MOST_PARTS),
            tasks={"type": "array", "minItems": 2, "maxItems": _MOST_PARTS, "items": _TASK},
        ),
    ]
}  # fmt: skip
