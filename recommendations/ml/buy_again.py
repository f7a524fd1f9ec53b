"""What the customer bought before and will want again."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from recommendations.ml.arrays import Integers, Singles, as_csr
from recommendations.ml.recommender import Recommender
from recommendations.ml.topk import NONE, TopK


class BuyAgain(Recommender):
    """Own purchase days per item, halved for every `half_life_days` since the last one.

    `interactions` count purchase days; `age_days`, of the same pattern, says how long ago the last one was.
    """

    def __init__(self, *, half_life_days: float = 90.0) -> None:
        self.half_life_days = half_life_days

    def fit(self, interactions: Any, y: object = None, *, age_days: Any = None) -> Self:
        self.interactions_ = as_csr(interactions)
        weighted = self.interactions_.copy()
        if age_days is not None:
            ages = as_csr(age_days + self.interactions_.sign()).data - 1.0
            weighted.data = self.interactions_.data * np.exp2(-ages / self.half_life_days, dtype=np.float32)
        self.weighted_ = weighted
        return self

    def scores(self, rows: Integers) -> Singles:
        return np.asarray(self.weighted_[rows].toarray(), dtype=np.float32)

    def recommend(self, rows: Integers, k: int, exclude: Any = None) -> TopK:
        """Only owned items, so the rows stay sparse: one sort of the stored entries."""
        part = self.weighted_[rows]
        if exclude is not None:
            part = as_csr(part - part.multiply(as_csr(exclude).sign()))
            part.eliminate_zeros()
        row = np.repeat(np.arange(len(rows)), np.diff(part.indptr))
        order = np.lexsort((part.indices, -part.data, row))
        rank = np.arange(part.nnz) - np.repeat(part.indptr[:-1], np.diff(part.indptr))
        kept = rank < k
        items = np.full((len(rows), k), NONE, dtype=np.int64)
        scores = np.full((len(rows), k), -np.inf, dtype=np.float32)
        items[row[kept], rank[kept]] = part.indices[order][kept]
        scores[row[kept], rank[kept]] = part.data[order][kept]
        return TopK(items, scores)
