"""Recency, frequency, money and rhythm of each customer as of a cut-off day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommendations.ml.arrays import Floats, Integers
from recommendations.ml.history import PurchaseHistory

FEATURES = (
    "recency_days",
    "purchase_days",
    "tenure_days",
    "orders",
    "spend_minor",
    "mean_day_minor",
    "largest_day_minor",
    "purchase_days_30",
    "purchase_days_90",
    "purchase_days_180",
    "spend_minor_30",
    "spend_minor_90",
    "mean_gap_days",
    "gap_deviation_days",
    "overdue",
    "discount_share",
)
SEGMENT_FEATURES = ("recency_days", "purchase_days", "mean_day_minor", "discount_share")


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """Features of the customers who had bought before the cut-off; `rows` are their row numbers."""

    rows: Integers
    names: tuple[str, ...]
    values: Floats

    def columns(self, names: tuple[str, ...]) -> Floats:
        return self.values[:, [self.names.index(name) for name in names]]


def features_as_of(history: PurchaseHistory, cut_off: int) -> FeatureTable:
    """Features from the days before `cut_off` only; customers without such a day are left out."""
    known = history.before(cut_off)
    rows, start, days = np.unique(known.customer, return_index=True, return_counts=True)
    if rows.size == 0:
        return FeatureTable(rows, FEATURES, np.zeros((0, len(FEATURES))))
    group = np.repeat(np.arange(rows.size), days)
    age = cut_off - known.day
    last, first = known.day[start + days - 1], known.day[start]
    recency, tenure = cut_off - last, cut_off - first
    mean_gap, deviation = _gaps(known.day, start, days, group)
    spend = _sums(group, known.total_minor, rows.size)
    gross = spend + _sums(group, known.discount_minor, rows.size)
    columns = (
        recency,
        days,
        tenure,
        _sums(group, known.orders, rows.size),
        spend,
        spend / days,
        np.maximum.reduceat(known.total_minor, start),
        *(_sums(group, age <= window, rows.size) for window in (30, 90, 180)),
        *(_sums(group, np.where(age <= window, known.total_minor, 0), rows.size) for window in (30, 90)),
        mean_gap,
        deviation,
        recency / np.where(days > 1, np.maximum(mean_gap, 1.0), tenure),
        _sums(group, known.discount_minor, rows.size) / np.maximum(gross, 1.0),
    )
    # Refunds larger than sales make spend negative, which a logarithm cannot take.
    values = np.maximum(np.column_stack(columns).astype(np.float64), 0.0)
    return FeatureTable(rows, FEATURES, values)


def recency_frequency_age(history: PurchaseHistory, cut_off: int) -> tuple[Integers, Floats]:
    """Rows of customers and their (x, t_x, T): repeat purchase days, days until the last, age in days."""
    known = history.before(cut_off)
    rows, start, days = np.unique(known.customer, return_index=True, return_counts=True)
    if rows.size == 0:
        return rows, np.zeros((0, 3))
    first, last = known.day[start], known.day[start + days - 1]
    return rows, np.column_stack([days - 1, last - first, cut_off - first]).astype(np.float64)


def mean_repeat_value(history: PurchaseHistory, cut_off: int) -> tuple[Integers, Floats]:
    """Rows of customers with a repeat purchase day and (x, mean minor units of those x days)."""
    known = history.before(cut_off)
    rows, start, days = np.unique(known.customer, return_index=True, return_counts=True)
    if rows.size == 0:
        return rows, np.zeros((0, 2))
    totals = np.add.reduceat(known.total_minor, start) - known.total_minor[start]
    values = np.column_stack([days - 1, totals / np.maximum(days - 1, 1)]).astype(np.float64)
    repeat = (days > 1) & (totals > 0)
    return rows[repeat], values[repeat]


def _sums(group: Integers, weights: object, size: int) -> Floats:
    sums = np.bincount(group, weights=np.asarray(weights, dtype=np.float64), minlength=size)
    return sums.astype(np.float64)


def _gaps(day: Integers, start: Integers, days: Integers, group: Integers) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the days between purchases; 0 for a single purchase."""
    gap = np.diff(day, prepend=day[:1]).astype(np.float64)
    gap[start] = 0.0
    gaps = np.maximum(days - 1, 1)
    mean = _sums(group, gap, days.size) / gaps
    square = _sums(group, gap * gap, days.size) / gaps
    return mean, np.sqrt(np.maximum(square - mean * mean, 0.0))
