"""The section of earning rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rewards.domain.conditions import FactSource, leaves
from rewards.domain.documents.conditions import (
    EVENT_SOURCES,
    LINE_SOURCES,
    read_tree,
    tree_schema,
    write_tree,
)
from rewards.domain.documents.expiries import EXPIRY_SCHEMA, read_expiry, write_expiry
from rewards.domain.documents.moments import MOMENT_SCHEMA, read_moment
from rewards.domain.documents.reader import Reader
from rewards.domain.documents.rule_effects import effects_schema, read_effects, write_effects
from rewards.domain.documents.sections import (
    KEY_SCHEMA,
    MOST_POINTS,
    TEXT_SCHEMA,
    Section,
    keyed,
    one_of,
    record,
    whole,
)
from rewards.domain.documents.short_rules import MOST_PRIORITY, read_short_rule, short_rule_schema
from rewards.domain.expiry import ExpiryKind
from rewards.domain.programs import Revision
from rewards.domain.rules import (
    PERCENT,
    Cap,
    CapPeriod,
    EarningRule,
    GivePoints,
    GrantKind,
    MultiplyPoints,
    PointsEffect,
    Trigger,
)

MOST_CONDITIONS: Final = 100
MOST_CAPS: Final = 10
_ORDER_SOURCES: Final = frozenset({FactSource.ORDER, FactSource.BASKET})


def _read(document: Reader) -> tuple[EarningRule, ...]:
    return keyed(document, "rules", _rule)


def _rule(reader: Reader) -> EarningRule:
    if reader.peek("effects") is None and reader.peek("points") is not None:
        return read_short_rule(reader)
    reader.only(
        "key", "name", "trigger", "event", "priority", "stops", "group", "starts_at", "ends_at", "audience",
        "when", "lines", "effects", "caps", "budget", "expiry",
    )  # fmt: skip
    points, grants = read_effects(reader)
    rule = EarningRule(
        key=reader.key("key"),
        name=reader.text("name"),
        trigger=reader.choice("trigger", {item.value: item for item in Trigger}, default=Trigger.ORDER),
        event=reader.text("event") if reader.peek("event") else "",
        priority=reader.integer("priority", 0, MOST_PRIORITY, default=PERCENT),
        stops=reader.boolean("stops"),
        group=reader.key("group") if reader.peek("group") else "",
        starts_at=read_moment(reader, "starts_at"),
        ends_at=read_moment(reader, "ends_at"),
        audience=frozenset(reader.texts("audience")),
        when=read_tree(reader.node("when")) if reader.peek("when") is not None else None,
        lines=read_tree(reader.node("lines"), LINE_SOURCES) if reader.peek("lines") is not None else None,
        points=points,
        grants=grants,
        caps=tuple(filter(None, map(_cap, reader.nodes("caps")[:MOST_CAPS]))),
        budget=reader.key("budget") if reader.peek("budget") else "",
        expiry=None if reader.peek("expiry") is None else read_expiry(reader.node("expiry")),
    )
    _check_sense(reader, rule)
    return rule


def _cap(reader: Reader) -> Cap | None:
    reader.only("per", "points", "times")
    per = reader.choice("per", {item.value: item for item in CapPeriod})
    points = reader.optional_integer("points", 0, MOST_POINTS)
    times = reader.optional_integer("times", 0, MOST_POINTS)
    if (points is None) == (times is None):
        reader.refuse("points", "ambiguous", "A cap is either on points or on times.")
    if per is CapPeriod.EVENT and times is not None:
        reader.refuse("times", "ambiguous", "A rule answers to an event once anyway.")
    return None if per is None else Cap(per, points, times)


def _check_sense(reader: Reader, rule: EarningRule) -> None:
    if (rule.trigger is Trigger.EVENT) != bool(rule.event):
        reader.refuse("event", "event_name", "An event rule names its event; others name none.")
    if rule.starts_at and rule.ends_at and rule.ends_at <= rule.starts_at:
        reader.refuse("ends_at", "before_start", "The end lies before the start.")
    if rule.expiry is not None:
        _check_expiry(reader, rule)
    if rule.trigger is not Trigger.ORDER:
        _check_without_order(reader, rule)
    if len(list(leaves(rule.when))) + len(list(leaves(rule.lines))) > MOST_CONDITIONS:
        reader.refuse("when", "too_many", f"At most {MOST_CONDITIONS} conditions a rule.")


def _check_expiry(reader: Reader, rule: EarningRule) -> None:
    if rule.points is None:
        reader.refuse("expiry", "no_points", "The rule gives no points that could end.")
    elif rule.expiry and rule.expiry.kind is ExpiryKind.INACTIVITY:
        reader.refuse("expiry/kind", "wallet_expiry", "Only a whole wallet can end points by inactivity.")


def _check_without_order(reader: Reader, rule: EarningRule) -> None:
    if rule.lines is not None:
        reader.refuse("lines", "no_order", "Only an order has lines.")
    if any(leaf.source in _ORDER_SOURCES for leaf in leaves(rule.when)):
        reader.refuse("when", "no_order", "This event is no order; it has no total, channel or basket.")
    if isinstance(rule.points, GivePoints) and (rule.points.per_minor or rule.points.per_units):
        reader.refuse("effects", "no_order", "Only an order has money and units.")
    if rule.trigger is Trigger.RETURN and rule.points is not None and not _is_fixed(rule.points):
        reader.refuse(
            "effects",
            "points_on_return",
            "A return gives a fixed number of points at most: nobody earns on what came back.",
        )


def _is_fixed(points: PointsEffect) -> bool:
    """Whether a gift does not depend on how much came back."""
    return isinstance(points, GivePoints) and not points.per_property


def _check(document: Reader, revision: Revision) -> None:
    keys = {
        "wallet": {wallet.key for wallet in revision.wallets},
        "tier": {tier.key for tier in revision.tiers},
        "rule": {rule.key for rule in revision.rules},
        "budget": {budget.key for budget in revision.budgets},
    }
    moving = {each.key for each in revision.wallets if each.expiry_for().kind is ExpiryKind.INACTIVITY}
    for index, rule in enumerate(revision.rules):
        if rule.expiry is not None and rule.wallet in moving:
            document.refuse(
                f"rules/{index}/expiry", "wallet_expiry",
                "The wallet ends points by inactivity: every move shifts the end of all of them.",
            )  # fmt: skip
        # The short form has its members at the rule itself.
        written = document.peek("rules")[index]
        is_short = isinstance(written, Mapping) and "effects" not in written
        prefix = f"rules/{index}" if is_short else f"rules/{index}/effects/{_points_index(document, index)}"
        for name, kind, key in _references(rule):
            if key not in keys[kind]:
                pointer = f"rules/{index}/budget" if name == "budget" else f"{prefix}/{name}"
                document.refuse(pointer, f"unknown_{kind}", f"There is no {kind} {key!r}.")
        for number, grant in enumerate(rule.grants):
            if grant.kind is GrantKind.TIER and grant.key and grant.key not in keys["tier"]:
                document.refuse(f"rules/{index}/effects/{number}", "unknown_tier", f"No tier {grant.key!r}.")


def _points_index(document: Reader, index: int) -> int:
    rule = document.peek("rules")[index]
    effects = rule.get("effects") if isinstance(rule, Mapping) else None
    if not isinstance(effects, list):
        return 0
    names = ("points", "multiplier", "formula")
    return next(
        (at for at, each in enumerate(effects) if isinstance(each, Mapping) and each.get("type") in names), 0
    )


def _references(rule: EarningRule) -> list[tuple[str, str, str]]:
    """Return (member of the effect, kind of the thing, its key) for everything a rule's points name."""
    found = [("budget", "budget", rule.budget)] if rule.budget else []
    if rule.wallet:
        found.append(("wallet", "wallet", rule.wallet))
    if isinstance(rule.points, GivePoints):
        found += [(f"tier_percent/{key}", "tier", key) for key in rule.points.tier_percent]
    if isinstance(rule.points, MultiplyPoints):
        found += [("rules", "rule", key) for key in sorted(rule.points.rules)]
    return found


def _by_priority(rules: tuple[EarningRule, ...]) -> tuple[EarningRule, ...]:
    return tuple(sorted(rules, key=lambda rule: (rule.priority, rule.key)))


def _write(rules: tuple[EarningRule, ...]) -> list[dict[str, Any]]:
    return [_written(rule) for rule in rules]


def _written(rule: EarningRule) -> dict[str, Any]:
    written: dict[str, Any] = {
        "key": rule.key,
        "name": rule.name,
        "trigger": rule.trigger.value,
        "priority": rule.priority,
        "stops": rule.stops,
        "effects": write_effects(rule.points, rule.grants),
    }
    optional: dict[str, Any] = {
        "event": rule.event,
        "group": rule.group,
        "starts_at": rule.starts_at and rule.starts_at.isoformat(),
        "ends_at": rule.ends_at and rule.ends_at.isoformat(),
        "audience": sorted(rule.audience),
        "when": rule.when and write_tree(rule.when),
        "lines": rule.lines and write_tree(rule.lines),
        "caps": [_written_cap(cap) for cap in rule.caps],
        "budget": rule.budget,
        "expiry": rule.expiry and write_expiry(rule.expiry),
    }
    return written | {name: value for name, value in optional.items() if value}


def _written_cap(cap: Cap) -> dict[str, Any]:
    limit = {"times": cap.times} if cap.points is None else {"points": cap.points}
    return {"per": cap.per.value, **limit}


def definitions() -> dict[str, Any]:
    """Return the rule trees that schemas refer to."""
    return {"when": tree_schema("when", EVENT_SOURCES), "lines": tree_schema("lines", LINE_SOURCES)}


def _schema() -> dict[str, Any]:
    cap = record(("per",), per=one_of(CapPeriod), points=whole(0, MOST_POINTS), times=whole(0, MOST_POINTS))
    full = record(
        ("key", "name", "effects"),
        key=KEY_SCHEMA, name=TEXT_SCHEMA, trigger=one_of(Trigger), event=TEXT_SCHEMA,
        priority=whole(0, MOST_PRIORITY), stops={"type": "boolean"}, group=KEY_SCHEMA,
        starts_at=MOMENT_SCHEMA, ends_at=MOMENT_SCHEMA,
        audience={"type": "array", "items": {"type": "string"}},
        when={"$ref": "#/$defs/when"}, lines={"$ref": "#/$defs/lines"}, effects=effects_schema(),
        caps={"type": "array", "items": cap, "maxItems": MOST_CAPS}, budget=KEY_SCHEMA,
        expiry=EXPIRY_SCHEMA,
    )  # fmt: skip
    return {"type": "array", "items": {"oneOf": [full, short_rule_schema()]}}


SECTION: Final = Section("rules", _read, _write, check=_check, arrange=_by_priority, schema=_schema())
