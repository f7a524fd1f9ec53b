"""Implicit alternating least squares: the recommender that scales."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from recommendations.ml.arrays import Integers, Singles, as_csr
from recommendations.ml.recommender import Recommender
from recommendations.ml.threads import core_count, single_blas_thread
from recommendations.ml.topk import NONE, TopK


class ImplicitALS(Recommender):
    """Hu, Koren and Volinsky 2008, "Collaborative Filtering for Implicit Feedback Datasets", by `implicit`.

    Its own default regularization of 0.01 loses a quarter of the ranking quality; 30 to 50 is right.
    """

    def __init__(
        self,
        *,
        factors: int = 128,
        regularization: float = 50.0,
        alpha: float = 3.33,
        iterations: int = 15,
        random_state: int = 0,
    ) -> None:
        self.factors = factors
        self.regularization = regularization
        self.alpha = alpha
        self.iterations = iterations
        self.random_state = random_state

    def fit(self, interactions: Any, y: object = None) -> Self:
        from implicit.cpu.als import AlternatingLeastSquares

        self.interactions_ = as_csr(interactions)
        with single_blas_thread():
            model = AlternatingLeastSquares(
                factors=min(self.factors, *self.interactions_.shape),
                regularization=self.regularization,
                alpha=self.alpha,
                iterations=self.iterations,
                random_state=self.random_state,
                num_threads=core_count(),
            )
            model.fit(self.interactions_, show_progress=False)
        self.customer_factors_: Singles = model.user_factors
        self.item_factors_: Singles = model.item_factors
        return self

    def scores(self, rows: Integers) -> Singles:
        return np.asarray(self.customer_factors_[rows] @ self.item_factors_.T, dtype=np.float32)

    def recommend(self, rows: Integers, k: int, exclude: Any = None) -> TopK:
        """Exact top k by the library's threaded search, five times faster than dense blocks."""
        from implicit.cpu.topk import topk

        width = min(k, self.item_factors_.shape[0])
        with single_blas_thread():
            items, scores = topk(
                self.item_factors_,
                np.ascontiguousarray(self.customer_factors_[rows]),
                width,
                filter_query_items=None if exclude is None else as_csr(exclude),
                num_threads=core_count(),
            )
        # Excluded items come back at the end with the lowest float instead of being left out.
        real = scores > np.finfo(np.float32).min
        found = np.full((len(rows), k), NONE, dtype=np.int64)
        values = np.full((len(rows), k), -np.inf, dtype=np.float32)
        found[:, :width], values[:, :width] = np.where(real, items, NONE), np.where(real, scores, -np.inf)
        return TopK(found, values)

    def sources(self, rows: Integers, found: Integers) -> Integers:
        """The owned item with the largest share of the score y_i' W_u y_j c_ui (section 5 of the paper)."""
        result = np.full(found.shape, NONE, dtype=np.int64)
        gram = self.item_factors_.T @ self.item_factors_
        gram[np.diag_indices_from(gram)] += self.regularization
        with single_blas_thread():
            for number, row in enumerate(rows):
                owned = self.interactions_[row]
                if owned.nnz:
                    result[number] = self._best_source(owned, found[number], gram)
        return result

    def _best_source(self, owned: Any, found: Integers, gram: Singles) -> Integers:
        factors, extra = self.item_factors_[owned.indices], self.alpha * owned.data
        weighted = gram + (factors.T * np.maximum(extra - 1.0, 0.0)) @ factors
        asked = self.item_factors_[np.maximum(found, 0)]
        share = (factors @ np.linalg.solve(weighted, asked.T)) * extra[:, None]
        share[owned.indices[:, None] == found[None, :]] = -np.inf
        best = np.argmax(share, axis=0)
        known = (found != NONE) & (share[best, np.arange(len(found))] > 0)
        return np.where(known, owned.indices[best], NONE)
