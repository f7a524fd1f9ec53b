"""What many customers bought lately: the baseline, and the list of those we know nothing about."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from recommendations.ml.arrays import Integers, Singles, as_csr
from recommendations.ml.recommender import Recommender
from recommendations.ml.topk import NONE, TopK, top_k


class Popularity(Recommender):
    """Scores an item by its number of customers in the interactions it was fitted on (the recent window)."""

    def fit(self, interactions: Any, y: object = None) -> Self:
        self.interactions_ = as_csr(interactions)
        items = self.interactions_.shape[1]
        self.customers_per_item_ = np.bincount(self.interactions_.indices, minlength=items).astype(np.float32)
        return self

    def scores(self, rows: Integers) -> Singles:
        return np.broadcast_to(self.customers_per_item_, (len(rows), self.customers_per_item_.size))

    def recommend(self, rows: Integers, k: int, exclude: Any = None) -> TopK:
        """Exact top k per row, among the k most popular items and as many as an exclusion may remove."""
        spare = int(np.diff(exclude.indptr).max(initial=0)) if exclude is not None else 0
        best = np.argsort(-self.customers_per_item_, kind="stable")[: k + spare]
        scores = self.customers_per_item_[best]
        found = top_k(
            lambda asked: np.broadcast_to(scores, (len(asked), scores.size)),
            rows,
            k,
            items=scores.size,
            exclude=None if exclude is None else as_csr(exclude[:, best]),
        )
        return TopK(np.where(found.items == NONE, NONE, best[np.maximum(found.items, 0)]), found.scores)
