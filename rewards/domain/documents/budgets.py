"""The section of budgets."""

from __future__ import annotations

from typing import Any, Final

from rewards.domain.budgets import Budget, Period, WhenExhausted
from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import (
    KEY_SCHEMA,
    MOST_MONEY,
    TEXT_SCHEMA,
    Section,
    keyed,
    one_of,
    record,
    whole,
)

_MOST_POINTS: Final = 10**15


def _read(document: Reader) -> tuple[Budget, ...]:
    return keyed(document, "budgets", _budget)


def _budget(reader: Reader) -> Budget:
    reader.only("key", "name", "period", "points", "money_minor", "when_exhausted")
    budget = Budget(
        key=reader.key("key"),
        name=reader.text("name"),
        period=reader.choice("period", {item.value: item for item in Period}, default=Period.MONTH),
        points=reader.optional_integer("points", 0, _MOST_POINTS),
        money_minor=reader.optional_integer("money_minor", 0, MOST_MONEY),
        when_exhausted=reader.choice(
            "when_exhausted", {item.value: item for item in WhenExhausted}, default=WhenExhausted.GIVE_REST
        ),
    )
    if budget.points is None and budget.money_minor is None:
        reader.refuse("points", "required", "A budget limits points, money or both.")
    return budget


def _write(budgets: tuple[Budget, ...]) -> list[dict[str, Any]]:
    return [
        {
            "key": budget.key,
            "name": budget.name,
            "period": budget.period.value,
            "points": budget.points,
            "money_minor": budget.money_minor,
            "when_exhausted": budget.when_exhausted.value,
        }
        for budget in budgets
    ]


SECTION: Final = Section(
    "budgets",
    _read,
    _write,
    schema={
        "type": "array",
        "items": record(
            ("key", "name"),
            key=KEY_SCHEMA,
            name=TEXT_SCHEMA,
            period=one_of(Period),
            points=whole(0, _MOST_POINTS, is_optional=True),
            money_minor=whole(0, MOST_MONEY, is_optional=True),
            when_exhausted=one_of(WhenExhausted),
        ),
    },
)
