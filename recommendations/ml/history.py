"""What customers bought on which day: the one input from which every behavioural feature is computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommendations.ml.arrays import Booleans, Integers


@dataclass(frozen=True, slots=True, eq=False)
class PurchaseHistory:
    """One entry per customer and day with a purchase, ordered by customer, then day.

    `customer` holds row numbers below `customers`; `day` counts days since 1970-01-01 in the tenant's zone.
    """

    customer: Integers
    day: Integers
    orders: Integers
    total_minor: Integers
    discount_minor: Integers
    customers: int

    def select(self, keep: Booleans) -> PurchaseHistory:
        """The entries where `keep` is true, for the same customers."""
        return PurchaseHistory(
            customer=self.customer[keep],
            day=self.day[keep],
            orders=self.orders[keep],
            total_minor=self.total_minor[keep],
            discount_minor=self.discount_minor[keep],
            customers=self.customers,
        )

    def before(self, cut_off: int) -> PurchaseHistory:
        """What was known when the day `cut_off` began."""
        return self.select(self.day < cut_off)

    def first_customers(self, count: int) -> PurchaseHistory:
        """The same history for the first `count` customers only."""
        kept = self.select(self.customer < count)
        return PurchaseHistory(
            kept.customer,
            kept.day,
            kept.orders,
            kept.total_minor,
            kept.discount_minor,
            min(count, self.customers),
        )

    def purchase_days_between(self, start: int, end: int) -> Integers:
        """Purchase days of each customer with `start <= day < end`."""
        inside = (self.day >= start) & (self.day < end)
        return np.bincount(self.customer[inside], minlength=self.customers).astype(np.int64)

    def first_day(self) -> int:
        return int(self.day.min()) if self.day.size else 0

    def last_day(self) -> int:
        return int(self.day.max()) if self.day.size else 0
