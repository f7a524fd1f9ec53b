from __future__ import annotations

import numpy as np

from recommendations.ml.history import PurchaseHistory


def history(*entries: tuple[int, int, int], customers: int | None = None) -> PurchaseHistory:
    """(customer, day, total) entries, one order a day, without discounts."""
    table = np.array(sorted(entries), dtype=np.int64).reshape(-1, 3)
    count = customers if customers is not None else int(table[:, 0].max(initial=-1)) + 1
    zeros = np.zeros(len(table), dtype=np.int64)
    return PurchaseHistory(table[:, 0], table[:, 1], zeros + 1, table[:, 2], zeros, count)


def simulated(customers: int, days: int, seed: int) -> PurchaseHistory:
    """Buyers with rates of their own; about half of them leave for good somewhere in between."""
    rng = np.random.default_rng(seed)
    entries = []
    for customer in range(customers):
        gap = rng.gamma(4.0, 5.0) + 2.0
        end = days if rng.random() < 0.5 else rng.integers(30, days)
        day = float(rng.integers(0, 30))
        while day < end:
            entries.append((customer, int(day), int(rng.integers(500, 9_000))))
            day += max(1.0, rng.exponential(gap))
    unique = {(customer, day): total for customer, day, total in entries}
    return history(
        *((customer, day, total) for (customer, day), total in unique.items()), customers=customers
    )
