"""EASE: an item-to-item linear model in closed form."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import linalg

from recommendations.ml.arrays import Integers, Singles, as_csr
from recommendations.ml.recommender import Recommender
from recommendations.ml.threads import single_blas_thread
from recommendations.ml.topk import NONE

LARGEST_SIDE = 15_000
# A reason names something the customer buys much; the rest of a long history is not searched for it.
MOST_SOURCES = 100


class TooLargeForEase(ValueError):
    """Both customers and items exceed what the cubic solution affords."""


class EASE(Recommender):
    """Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data", equation 8.

    With P = (X'X + lambda I)^-1 the weights are B = I - P / diag(P). Where customers are fewer than items the
    same scores come from their side, M = (XX' + lambda I)^-1, through XP = MX (push-through identity):
    scores = X - MX / diag(P) with diag(P)_j = (1 - x_j' M x_j) / lambda. So the cap binds the smaller side.
    """

    def __init__(self, *, regularization: float = 500.0, largest_side: int = LARGEST_SIDE) -> None:
        self.regularization = regularization
        self.largest_side = largest_side

    def fit(self, interactions: Any, y: object = None) -> Self:
        matrix = as_csr(interactions)
        if min(matrix.shape) > self.largest_side:
            raise TooLargeForEase(f"{matrix.shape[0]} customers and {matrix.shape[1]} items")
        self.interactions_ = matrix
        self.by_customer_ = matrix.shape[0] < matrix.shape[1]
        with single_blas_thread():
            if self.by_customer_:
                self._fit_customers(matrix)
            else:
                self._fit_items(matrix)
        return self

    def scores(self, rows: Integers) -> Singles:
        own = self.interactions_[rows]
        if not self.by_customer_:
            return np.asarray(own @ self.weights_, dtype=np.float32)
        # Row of MX = X' times the (symmetric) row of M, a sparse product.
        block = np.asarray((self.items_by_customer_ @ self.inverse_[:, rows]).T, dtype=np.float32)
        block = -block / self.diagonal_
        block[np.repeat(np.arange(len(rows)), np.diff(own.indptr)), own.indices] += own.data
        return block

    def sources(self, rows: Integers, found: Integers) -> Integers:
        """Among the hundred owned items of most weight, the i with the largest x_ui * B_ij."""
        result = np.full(found.shape, NONE, dtype=np.int64)
        needed = np.unique(found[found != NONE])
        columns = self._weight_columns(needed)
        place = np.searchsorted(needed, np.maximum(found, needed[0] if needed.size else 0))
        for number, row in enumerate(rows):
            start, end = self.interactions_.indptr[row : row + 2]
            if start == end:
                continue
            weight = self.interactions_.data[start:end]
            most = np.argsort(-weight, kind="stable")[:MOST_SOURCES]
            owned = self.interactions_.indices[start:end][most]
            share = self._weights_between(owned, columns, place[number]) * weight[most][:, None]
            share[owned[:, None] == found[number][None, :]] = -np.inf
            best = np.argmax(share, axis=0)
            known = (found[number] != NONE) & (share[best, np.arange(share.shape[1])] > 0)
            result[number] = np.where(known, owned[best], NONE)
        return result

    def _fit_items(self, matrix: Any) -> None:
        inverse = _regularised_inverse((matrix.T @ matrix).toarray(), self.regularization)
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0.0)
        self.weights_: Singles = weights.astype(np.float32)

    def _fit_customers(self, matrix: Any) -> None:
        self.inverse_ = _regularised_inverse((matrix @ matrix.T).toarray(), self.regularization)
        self.items_by_customer_ = matrix.T.tocsr()
        diagonal = np.empty(matrix.shape[1])
        # x_j' M x_j for every item, without the dense customers-by-items product at once.
        for start in range(0, matrix.shape[1], 2_048):
            part = self.items_by_customer_[start : start + 2_048]
            diagonal[start : start + 2_048] = np.asarray(
                part.multiply(part @ self.inverse_).sum(axis=1)
            ).ravel()
        self.diagonal_: Singles = np.maximum((1.0 - diagonal) / self.regularization, 1e-12).astype(np.float32)

    def _weight_columns(self, needed: Integers) -> Singles:
        """What `_weights_between` needs of the found items: weights, or M x_j / (lambda * P_jj)."""
        if not self.by_customer_:
            return self.weights_[:, needed]
        scale = self.regularization * self.diagonal_[needed]
        return np.asarray((self.items_by_customer_[needed] @ self.inverse_).T / scale, dtype=np.float32)

    def _weights_between(self, owned: Integers, columns: Singles, place: Integers) -> Singles:
        if not self.by_customer_:
            return columns[np.ix_(owned, place)]
        return np.asarray(self.items_by_customer_[owned] @ columns[:, place], dtype=np.float32)


def _regularised_inverse(gram: Any, regularization: float) -> Singles:
    """Inverse of a symmetric positive definite matrix, in place and through Cholesky: a third of the work."""
    gram = np.asfortranarray(gram, dtype=np.float32)
    gram[np.diag_indices_from(gram)] += regularization
    factor, failed = linalg.lapack.spotrf(gram, lower=1, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError("the Gram matrix is not positive definite")
    inverse, failed = linalg.lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise np.linalg.LinAlgError("the Gram matrix cannot be inverted")
    lower = np.tril(inverse)
    return np.asarray(lower + np.tril(inverse, -1).T, dtype=np.float32)
