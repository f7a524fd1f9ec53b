"""What many customers bought lately: the baseline, and the list of those we know nothing about."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from recommendations.ml.arrays import Integers, Singles, as_csr
from recommendations.ml.recommender import Recommender


class Popularity(Recommender):
    """Scores an item by its number of customers in the interactions it was fitted on (the recent window)."""

    def fit(self, interactions: Any, y: object = None) -> Self:
        self.interactions_ = as_csr(interactions)
        items = self.interactions_.shape[1]
        self.customers_per_item_ = np.bincount(self.interactions_.indices, minlength=items).astype(np.float32)
        return self

    def scores(self, rows: Integers) -> Singles:
        return np.broadcast_to(self.customers_per_item_, (len(rows), self.customers_per_item_.size))
