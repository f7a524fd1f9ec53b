"""How good a ranking is, over the full catalogue: sampled metrics reorder models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recommendations.ml.arrays import Booleans, Floats, Integers
from recommendations.ml.topk import NONE


@dataclass(frozen=True, slots=True)
class RankingQuality:
    """Means over the customers who have something in the test set."""

    ndcg_at_10: float
    recall_at_20: float
    coverage_at_10: float
    customers: int


def hits(found: Integers, truth: Any) -> Booleans:
    """Which found items are stored in the same row of `truth` (CSR)."""
    rows, k = found.shape
    row = np.repeat(np.arange(rows), np.diff(truth.indptr))
    keys = np.sort(row * truth.shape[1] + truth.indices)
    asked = np.arange(rows)[:, None] * truth.shape[1] + found
    place = np.minimum(np.searchsorted(keys, asked.ravel()), max(len(keys) - 1, 0))
    same = keys[place] == asked.ravel() if len(keys) else np.zeros(asked.size, dtype=bool)
    return np.asarray((same & (found.ravel() != NONE)).reshape(rows, k))


def ndcg(hit: Booleans, relevant: Integers, k: int) -> Floats:
    """Binary NDCG@k per row with the ideal of min(k, relevant) hits; rows without relevant items give 0."""
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    width = min(k, hit.shape[1])
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(relevant, k)]
    return np.where(ideal > 0, hit[:, :width] @ discount[:width] / np.where(ideal > 0, ideal, 1.0), 0.0)


def recall(hit: Booleans, relevant: Integers, k: int) -> Floats:
    """Hits among the first k over all relevant items, per row."""
    return np.asarray(hit[:, :k].sum(axis=1) / np.maximum(relevant, 1))


def coverage(found: Integers, items: int, k: int) -> float:
    """Share of the catalogue that appears in any first k."""
    shown = np.unique(found[:, :k])
    return float((shown != NONE).sum()) / max(items, 1)


def quality(found: Integers, truth: Any) -> RankingQuality:
    """NDCG@10, Recall@20 and coverage@10 of lists of at least 20; `truth` has one CSR row per list."""
    relevant = np.diff(truth.indptr)
    asked = relevant > 0
    if not asked.any():
        return RankingQuality(0.0, 0.0, 0.0, 0)
    hit = hits(found, truth)
    return RankingQuality(
        ndcg_at_10=float(ndcg(hit, relevant, 10)[asked].mean()),
        recall_at_20=float(recall(hit, relevant, 20)[asked].mean()),
        coverage_at_10=coverage(found[asked], truth.shape[1], 10),
        customers=int(asked.sum()),
    )
