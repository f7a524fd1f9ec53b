"""Reading the JSON of a rule: everything is checked here once, and an error says where it stands.

Forms: ``{"all": [...]}``, ``{"any": [...]}``, ``{"not": rule}``. A comparison is
``{source: name, "op", "value"}`` with a source of attribute, trait,
orders, person, customer, loyalty or consent. Behaviour:

- ``{"event": name, "where": [{"property", "op", "value"}], "at_least", "at_most", window}``
- ``{"event": name, "where", "then": {"event", "where"}, "within_days", window}``
- ``{"bought": "orders" | "units" | "spent_minor", "category" | "item" | "brand", "at_least", "at_most",
  window}``

with a window of ``"days"``, or of ``"from"`` and ``"to"``. Others: ``{"in_segment": key}`` and
``{"random": seed, "from_percent", "to_percent"}``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from crm.domain.rule_nodes import (
    AllOf,
    AnyOf,
    Condition,
    CustomerField,
    EventCount,
    EventPattern,
    EventSequence,
    InSegment,
    Not,
    Op,
    OrderMeasure,
    PersonField,
    PurchaseMeasure,
    PurchaseOf,
    Purchases,
    RandomBucket,
    Rule,
    Scalar,
    Source,
    Times,
    Window,
)

DEEPEST = 8
MOST_NODES = 100
LONGEST_TEXT = 200
LARGEST_NUMBER = 10**15
MOST_DAYS = 3660

_ORDERED = frozenset({Op.GT, Op.GTE, Op.LT, Op.LTE})
_WITHOUT_VALUE = frozenset({Op.EXISTS, Op.MISSING})
_TOP_SOURCES = tuple(source for source in Source if source is not Source.PROPERTY)
_NAMES_BY_SOURCE: dict[Source, frozenset[str]] = {
    Source.ORDERS: frozenset(OrderMeasure),
    Source.PERSON: frozenset(PersonField),
    Source.CUSTOMER: frozenset(CustomerField),
}
_KINDS_BY_SOURCE: dict[Source, frozenset[str]] = {
    Source.ATTRIBUTE: frozenset({"text", "number", "boolean"}),
    Source.PROPERTY: frozenset({"text", "number", "boolean"}),
    Source.TRAIT: frozenset({"text", "number"}),
    Source.ORDERS: frozenset({"number"}),
    Source.CUSTOMER: frozenset({"number"}),
    Source.PERSON: frozenset({"text", "number"}),
    Source.LOYALTY: frozenset({"text", "number"}),
    Source.CONSENT: frozenset({"text"}),
}
_WINDOW = frozenset({"days", "from", "to"})
_TIMES = frozenset({"at_least", "at_most"})


class RuleError(ValueError):
    """The rule is malformed; ``pointer`` says where (a JSON pointer into the rule)."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer or '/'}: {detail}")
        self.pointer, self.detail = pointer or "/", detail


def parse(data: Any) -> Rule:
    """Return the rule that ``data`` (decoded JSON) describes. Raises ``RuleError``."""
    return _Parser().rule(data, "", 1)


class _Parser:
    def __init__(self) -> None:
        self.nodes = 0

    def _enter(self, pointer: str, depth: int) -> None:
        self.nodes += 1
        if depth > DEEPEST or self.nodes > MOST_NODES:
            raise RuleError(pointer, f"At most {MOST_NODES} conditions, {DEEPEST} levels deep.")

    def rule(self, data: Any, pointer: str, depth: int) -> Rule:
        self._enter(pointer, depth)
        if not isinstance(data, dict):
            raise RuleError(pointer, "A rule is an object.")
        for name, node in (("all", AllOf), ("any", AnyOf)):
            if set(data) == {name}:
                return node(self._children(data[name], f"{pointer}/{name}", depth))
        if set(data) == {"not"}:
            return Not(self.rule(data["not"], f"{pointer}/not", depth + 1))
        if "event" in data:
            return self._event(data, pointer, depth)
        for name, read in _OTHER_LEAVES.items():
            if name in data:
                return read(data, pointer)
        return _condition(data, pointer, _TOP_SOURCES)

    def _children(self, data: Any, pointer: str, depth: int) -> tuple[Rule, ...]:
        if not isinstance(data, list) or not data:
            raise RuleError(pointer, "A list of at least one rule.")
        return tuple(self.rule(each, f"{pointer}/{index}", depth + 1) for index, each in enumerate(data))

    def _event(self, data: dict[str, Any], pointer: str, depth: int) -> Rule:
        pattern, window = self._pattern(data, pointer, depth), _window(data, pointer)
        if "then" not in data:
            _only(data, {"event", "where", *_TIMES, *_WINDOW}, pointer)
            return EventCount(pattern, _times(data, pointer), window)
        _only(data, {"event", "where", "then", "within_days", *_WINDOW}, pointer)
        after = data["then"]
        if not isinstance(after, dict):
            raise RuleError(f"{pointer}/then", "An object with event and where.")
        _only(after, {"event", "where"}, f"{pointer}/then")
        within = _integer(data.get("within_days"), f"{pointer}/within_days", 1, MOST_DAYS)
        return EventSequence(pattern, self._pattern(after, f"{pointer}/then", depth), within, window)

    def _pattern(self, data: dict[str, Any], pointer: str, depth: int) -> EventPattern:
        name = _text(data.get("event"), f"{pointer}/event")
        where = data.get("where", [])
        if not isinstance(where, list):
            raise RuleError(f"{pointer}/where", "A list of conditions on properties.")
        found = []
        for index, each in enumerate(where):
            here = f"{pointer}/where/{index}"
            self._enter(here, depth + 1)
            if not isinstance(each, dict):
                raise RuleError(here, "A condition is an object.")
            found.append(_condition(each, here, (Source.PROPERTY,)))
        return EventPattern(name, tuple(found))


def _purchases(data: dict[str, Any], pointer: str) -> Purchases:
    _only(data, {"bought", *_TIMES, *_WINDOW, *PurchaseOf}, pointer)
    if data["bought"] not in list(PurchaseMeasure):
        raise RuleError(f"{pointer}/bought", f"One of {', '.join(PurchaseMeasure)}.")
    named = [of for of in PurchaseOf if of in data]
    if len(named) > 1:
        raise RuleError(pointer, "Only one of item, category, brand.")
    of = named[0] if named else None
    name = _text(data[of], f"{pointer}/{of}") if of else ""
    return Purchases(PurchaseMeasure(data["bought"]), _times(data, pointer), of, name, _window(data, pointer))


def _in_segment(data: dict[str, Any], pointer: str) -> InSegment:
    _only(data, {"in_segment"}, pointer)
    return InSegment(_text(data["in_segment"], f"{pointer}/in_segment"))


def _random(data: dict[str, Any], pointer: str) -> RandomBucket:
    _only(data, {"random", "from_percent", "to_percent"}, pointer)
    low = _percent(data.get("from_percent", 0), f"{pointer}/from_percent")
    high = _percent(data.get("to_percent"), f"{pointer}/to_percent")
    if low >= high:
        raise RuleError(f"{pointer}/to_percent", "More than from_percent.")
    return RandomBucket(_text(data["random"], f"{pointer}/random"), low, high)


def _percent(value: Any, pointer: str) -> float:
    if _kind(value) != "number" or not 0 <= value <= 100:  # noqa: PLR2004 - percent
        raise RuleError(pointer, "A number from 0 to 100.")
    return float(value)


_OTHER_LEAVES: dict[str, Callable[[dict[str, Any], str], Rule]] = {
    "bought": _purchases,
    "in_segment": _in_segment,
    "random": _random,
}


def _times(data: dict[str, Any], pointer: str) -> Times:
    limits = {
        name: _integer(data[name], f"{pointer}/{name}", 0, LARGEST_NUMBER) for name in _TIMES if name in data
    }
    if not limits:
        raise RuleError(pointer, "at_least or at_most is required.")
    times = Times(**limits)
    if times.at_least is not None and times.at_most is not None and times.at_least > times.at_most:
        raise RuleError(f"{pointer}/at_most", "Not below at_least.")
    return times


def _window(data: dict[str, Any], pointer: str) -> Window:
    if "days" in data:
        if "from" in data or "to" in data:
            raise RuleError(f"{pointer}/days", "Either days, or from and to.")
        return Window(days=_integer(data["days"], f"{pointer}/days", 1, MOST_DAYS))
    first, last = (_day(data.get(name), f"{pointer}/{name}") for name in ("from", "to"))
    if first and last and first > last:
        raise RuleError(f"{pointer}/to", "Not before from.")
    return Window(first=first, last=last)


def _day(value: Any, pointer: str) -> date | None:
    if value is None:
        return None
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise RuleError(pointer, "A day like 2026-01-31.") from error
    if not 1900 <= day.year <= 2200:  # noqa: PLR2004 - no event is older or later
        raise RuleError(pointer, "A year from 1900 to 2200.")
    return day


def _integer(value: Any, pointer: str, lowest: int, highest: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise RuleError(pointer, f"A whole number from {lowest} to {highest}.")
    return value


def _text(value: Any, pointer: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT or "\0" in value:
        raise RuleError(pointer, "A name.")
    return value


def _only(data: dict[str, Any], known: set[Any], pointer: str) -> None:
    if unknown := sorted(set(data) - {str(each) for each in known}):
        raise RuleError(f"{pointer}/{unknown[0]}", "This does not belong here.")


def _condition(data: dict[str, Any], pointer: str, sources: tuple[Source, ...]) -> Condition:
    named = [source for source in sources if source in data]
    if len(named) != 1 or not set(data) <= {named[0], "op", "value"}:
        known = ", ".join(sources)
        raise RuleError(pointer, f"One of all, any, not, event, bought, in_segment, random, {known}.")
    source, name = named[0], _text(data[named[0]], f"{pointer}/{named[0]}")
    known_names = _NAMES_BY_SOURCE.get(source)
    if known_names is not None and name not in known_names:
        raise RuleError(f"{pointer}/{source}", f"One of {', '.join(sorted(known_names))}.")
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
    allowed = _KINDS_BY_SOURCE[source]
    if kind not in allowed:
        raise RuleError(pointer, f"A {' or '.join(sorted(allowed))}.")
    found: Scalar = value
    return found


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "other"
