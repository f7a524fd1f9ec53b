"""Whether a feature knows what had not happened yet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recommendations.ml.history import PurchaseHistory
from recommendations.ml.rfm import FeatureTable


class FutureLeak(ValueError):
    """Features changed when the future changed."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"features depend on what happened after the cut-off: {', '.join(names)}")
        self.names = names


def with_another_future(history: PurchaseHistory, cut_off: int) -> PurchaseHistory:
    """The same past; every customer additionally buys, dearly, on the cut-off day and 45 days later."""
    past = history.before(cut_off)
    everyone = np.arange(history.customers, dtype=np.int64)
    customer = np.concatenate([past.customer, everyone, everyone])
    day = np.concatenate([past.day, np.full(everyone.size, cut_off), np.full(everyone.size, cut_off + 45)])
    order = np.lexsort((day, customer))

    def planted(column: np.ndarray, value: int) -> np.ndarray:
        return np.concatenate([column, np.full(2 * everyone.size, value, dtype=column.dtype)])[order]

    return PurchaseHistory(
        customer=customer[order],
        day=day[order],
        orders=planted(past.orders, 7),
        total_minor=planted(past.total_minor, 987_654),
        discount_minor=planted(past.discount_minor, 54_321),
        customers=history.customers,
    )


def refuse_future_leaks(
    compute: Callable[[PurchaseHistory, int], FeatureTable], history: PurchaseHistory, cut_off: int
) -> None:
    """Raise FutureLeak naming the features of `compute` that differ between two futures of one past."""
    past, planted = (
        compute(history.before(cut_off), cut_off),
        compute(with_another_future(history, cut_off), cut_off),
    )
    if not np.array_equal(past.rows, planted.rows):
        raise FutureLeak(("rows",))
    changed = ~np.all(np.isclose(past.values, planted.values), axis=0)
    if changed.any():
        raise FutureLeak(tuple(name for name, leaks in zip(past.names, changed, strict=True) if leaks))
