"""The one interface of everything that recommends items."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from recommendations.ml.arrays import Integers, Singles
from recommendations.ml.topk import NONE, TopK, top_k


class Recommender(BaseEstimator, ABC):
    """Fitted on a CSR matrix of customers by items; asked by row numbers of that matrix."""

    interactions_: Any

    @abstractmethod
    def fit(self, interactions: Any, y: object = None) -> Self:
        """Learn from a CSR matrix (customers, items) with positive weights."""

    @abstractmethod
    def scores(self, rows: Integers) -> Singles:
        """Dense (rows, items) scores; higher is better."""

    def recommend(self, rows: Integers, k: int, exclude: Any = None) -> TopK:
        """Exact top k per row; the stored entries of `exclude` (CSR, one row per row asked) are left out."""
        return top_k(self.scores, rows, k, items=self.interactions_.shape[1], exclude=exclude)

    def sources(self, rows: Integers, found: Integers) -> Integers:
        """For each found item the liked item that gave most of its score, -1 where no single one did."""
        return np.full(found.shape, NONE, dtype=np.int64)
