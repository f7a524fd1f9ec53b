"""Charts drawn by the server: positions and labels for a template, no script."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

_STEPS: Final = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_LINES: Final = 4
_DENSE_FROM: Final = 7


@dataclass(frozen=True, slots=True)
class Series:
    """One row of values, a number for each label, with how they are written."""

    label: str
    values: Sequence[float]
    write: Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Column:
    """One label of the axis: heights in percent and values in words, a pair for each series."""

    label: str
    is_labelled: bool
    heights: tuple[float, ...]
    words: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A bar or line chart over equal columns; ``scale`` is (percent of the height, words).

    ``axis`` says what a column is; empty is a month.
    """

    title: str
    kind: str
    series: tuple[Series, ...]
    columns: tuple[Column, ...]
    scale: tuple[tuple[float, str], ...]
    axis: str = ""

    @property
    def is_empty(self) -> bool:
        return not any(value for series in self.series for value in series.values)

    @property
    def is_dense(self) -> bool:
        """Whether labels stand closer than they are wide, so that a narrow chart leaves some out."""
        return len(self.columns) >= _DENSE_FROM

    @property
    def line(self) -> str:
        """Return the points of the first series as an SVG path in a box of 100 by 100."""
        points = [
            f"{(index + 0.5) * 100 / len(self.columns):.2f} {100 - column.heights[0]:.2f}"
            for index, column in enumerate(self.columns)
        ]
        return "M" + " L".join(points)

    @property
    def area(self) -> str:
        half = 50 / len(self.columns)
        return f"{self.line} L{100 - half:.2f} 100 L{half:.2f} 100 Z"


def chart(
    *, title: str, labels: Sequence[str], series: Sequence[Series], write_scale: Callable[[float], str],
    kind: str = "bars", most_labels: int = 12, axis: str = "",
) -> Chart:  # fmt: skip
    """Lay out ``series`` over ``labels`` on a scale that ends on a round number."""
    top = _round_up(max((value for row in series for value in row.values), default=0))
    every = max(1, math.ceil(len(labels) / most_labels))
    columns = tuple(
        Column(
            label=label,
            is_labelled=(len(labels) - 1 - index) % every == 0,
            heights=tuple(max(0.0, row.values[index]) * 100 / top for row in series),
            words=tuple((row.label, row.write(row.values[index])) for row in series),
        )
        for index, label in enumerate(labels)
    )
    scale = tuple((line * 100 / _LINES, write_scale(top * line / _LINES)) for line in range(_LINES, -1, -1))
    # A line through one point is nothing to see.
    return Chart(title, "bars" if len(columns) == 1 else kind, tuple(series), columns, scale, axis)


def _round_up(value: float) -> float:
    """Return the smallest round number not below ``value`` that four lines divide well."""
    if value <= 0:
        return _LINES
    step = value / _LINES
    power = 10.0 ** math.floor(math.log10(step))
    factor = next(candidate for candidate in _STEPS if candidate * power >= step * (1 - 1e-9))
    return max(factor * power, 1.0) * _LINES
