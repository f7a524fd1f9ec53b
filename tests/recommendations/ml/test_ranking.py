from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from recommendations.ml.ranking import coverage, hits, ndcg, quality, recall
from recommendations.ml.topk import NONE

FOUND = np.array([[3, 1, 0], [2, NONE, NONE], [0, 1, 2]])
TRUTH = sparse.csr_matrix(np.array([[1, 0, 1, 1], [0, 0, 0, 0], [0, 0, 1, 0]]))


def test_hits_by_hand() -> None:
    assert hits(FOUND, TRUTH).tolist() == [[True, False, True], [False] * 3, [False, False, True]]


def test_ndcg_and_recall_by_hand() -> None:
    hit, relevant = hits(FOUND, TRUTH), np.diff(TRUTH.indptr)
    ideal = 1 + 1 / np.log2(3) + 1 / 2
    assert ndcg(hit, relevant, 3) == pytest.approx([(1 + 1 / 2) / ideal, 0.0, 1 / 2])
    assert ndcg(hit, relevant, 1) == pytest.approx([1.0, 0.0, 0.0])
    assert recall(hit, relevant, 2) == pytest.approx([1 / 3, 0.0, 0.0])


def test_coverage_counts_distinct_items_without_the_filler() -> None:
    assert coverage(FOUND, 4, 1) == 0.75
    assert coverage(np.array([[NONE]]), 4, 1) == 0.0


def test_quality_averages_over_customers_with_something_to_find() -> None:
    found = quality(FOUND, TRUTH)
    assert found.customers == 2
    assert found.recall_at_20 == pytest.approx((2 / 3 + 1) / 2)
    assert found.coverage_at_10 == 1.0


def test_nothing_to_find() -> None:
    empty = quality(FOUND, sparse.csr_matrix((3, 4)))
    assert (empty.customers, empty.ndcg_at_10) == (0, 0.0)
