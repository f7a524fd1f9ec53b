"""What a points effect gives, and how it is shared among the lines of an order.

Arithmetic is exact and integer. For one rule and one order the exact share of every counted line is added up
and rounded **down once**; a line receives the difference of two neighbouring rounded sums, so the lines add
up to the order's points and a return can take back precisely what its line earned.

The functions return running points: those of the first line, the first two lines, and so on. An event without
lines has a single running number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from math import ceil, floor
from operator import itemgetter
from typing import Any, Final

from rewards.domain.conditions import LARGEST_NUMBER, Condition, FactSource, Op
from rewards.domain.facts import Context, Line
from rewards.domain.matching import LineMatch, fact_reader
from rewards.domain.rules import (
    PERCENT,
    FormulaPoints,
    GivePoints,
    MultiplyPoints,
    PointsEffect,
    Rounding,
    Trigger,
)

_Measure = Callable[[Line], int]
_PERCENT_SQUARED: Final = PERCENT * PERCENT
_ZERO: Final = Fraction(0)
_HALF: Final = Fraction(1, 2)
_ORDER: Final = Trigger.ORDER
_PROPERTY: Final = FactSource.PROPERTY
_AMOUNT: Final[_Measure] = itemgetter(Line._fields.index("amount_minor"))
_QUANTITY: Final[_Measure] = itemgetter(Line._fields.index("quantity"))
Given = Mapping[str, Sequence[int]]
Amount = Callable[[Context, Given], Sequence[int]]


def compile_amount(effect: PointsEffect, chosen: LineMatch | None, multiplied: Sequence[str]) -> Amount:
    """Return the function from an event, and what other rules gave for it, to running points.

    ``chosen`` tells the lines that count (``None``: all); ``multiplied`` are the rules a multiplier lifts.
    """
    if isinstance(effect, MultiplyPoints):
        return _multiplier(effect, multiplied)
    if isinstance(effect, FormulaPoints):
        return _formula(effect, chosen)
    return _gift(effect, chosen)


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """Return the running shares of ``total`` by weight; nothing when no line has any."""
    sums = list(accumulate(weights))
    if not sums or not sums[-1]:
        return []
    whole = sums[-1]
    return [total * part // whole for part in sums]


def _gift(effect: GivePoints, chosen: LineMatch | None) -> Amount:
    if effect.per_property:
        return _by_property(effect, chosen)
    if effect.per_minor is not None:
        return _by_lines(effect, chosen, effect.per_minor, _AMOUNT)
    if effect.per_units is not None:
        return _by_lines(effect, chosen, effect.per_units, _QUANTITY)
    return _once(effect, chosen)


def _weights(lines: Sequence[Line], chosen: LineMatch | None, percents: Mapping[str, int]) -> list[int]:
    """Return each line's money times its category's percent; nothing for lines that do not count.

    Where nothing was paid for any of them, their units share: what is given once is given for free lines too.
    """
    weights = [
        line[2] * percents.get(line[1], PERCENT) if line[2] > 0 and (chosen is None or chosen(line)) else 0
        for line in lines
    ]
    if any(weights):
        return weights
    return [max(line.quantity, 0) if chosen is None or chosen(line) else 0 for line in lines]


def _by_lines(effect: GivePoints, chosen: LineMatch | None, per: int, measure: _Measure) -> Amount:
    percents, tiers, points = effect.category_percent, effect.tier_percent, effect.points
    divisor = per * _PERCENT_SQUARED

    def amount(context: Context, _given: Given) -> Sequence[int]:
        factor = points * (tiers.get(context.state.tier or "", PERCENT) if tiers else PERCENT)
        running, total = [], 0
        for line in context.event.lines:
            value = measure(line)
            if value > 0 and (chosen is None or chosen(line)):
                total += value * percents.get(line[1], PERCENT)
            running.append(total * factor // divisor)
        return running

    return amount


def _once(effect: GivePoints, chosen: LineMatch | None) -> Amount:
    percents, tiers, points = effect.category_percent, effect.tier_percent, effect.points
    is_plain = chosen is None and not percents

    def amount(context: Context, _given: Given) -> Sequence[int]:
        # Percents of the tier count, those of categories only share the bonus among the lines.
        bonus = points * tiers.get(context.state.tier or "", PERCENT) // PERCENT if tiers else points
        if context.event.trigger is not _ORDER:
            return [bonus]
        if is_plain:
            sums = context.money_sums
            if sums and sums[-1]:
                return [bonus * part // sums[-1] for part in sums]
        return shared(bonus, _weights(context.event.lines, chosen, percents))

    return amount


def _by_property(effect: GivePoints, chosen: LineMatch | None) -> Amount:
    read = fact_reader(Condition(_PROPERTY, effect.per_property, Op.EXISTS))
    divisor = effect.per_amount * PERCENT

    def amount(context: Context, _given: Given) -> Sequence[int]:
        number = _number(read(context))
        if number <= 0:
            return []
        percent = effect.tier_percent.get(context.state.tier or "", PERCENT)
        bonus = floor(number * effect.points * percent / divisor)
        if context.event.trigger is not _ORDER:
            return [bonus]
        return shared(bonus, _weights(context.event.lines, chosen, effect.category_percent))

    return amount


def _multiplier(effect: MultiplyPoints, multiplied: Sequence[str]) -> Amount:
    more = effect.percent - PERCENT

    def amount(_context: Context, given: Given) -> Sequence[int]:
        bases = [given[key] for key in multiplied if key in given]
        if not bases:
            return []
        return [sum(parts) * more // PERCENT for parts in zip(*bases, strict=True)]

    return amount


def _formula(effect: FormulaPoints, chosen: LineMatch | None) -> Amount:
    terms = [
        (fact_reader(Condition(term.source, term.name, Op.EXISTS)), term.weight) for term in effect.terms
    ]

    def amount(context: Context, _given: Given) -> Sequence[int]:
        exact = sum((_number(read(context)) * weight for read, weight in terms), effect.constant)
        points = bounded(rounded(exact, effect.rounding), effect)
        if context.event.trigger is not _ORDER:
            return [points]
        return shared(points, _weights(context.event.lines, chosen, {}))

    return amount


def rounded(exact: Fraction, rounding: Rounding) -> int:
    """Return the whole number a formula stands for."""
    if rounding is Rounding.UP:
        return ceil(exact)
    return floor(exact + _HALF) if rounding is Rounding.NEAREST else floor(exact)


def bounded(points: int, effect: FormulaPoints) -> int:
    """Keep a formula's points within its bounds."""
    highest = points if effect.at_most is None else min(points, effect.at_most)
    return max(highest, effect.at_least, 0)


def _number(value: Any) -> Fraction:
    """Read a number as people write it: 19.99 is 1999/100. What is none, or absurdly large, counts zero."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _ZERO
    if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        return _ZERO
    return Fraction(value if isinstance(value, int) else str(value))
