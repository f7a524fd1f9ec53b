from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from recommendations.ml.topk import NONE, top_k, top_k_of_block


@given(
    st.integers(1, 6),
    st.integers(1, 700),
    st.integers(1, 12),
    st.integers(0, 2**16),
    st.sampled_from([3, 10**6]),
)
def test_top_k_equals_a_full_sort(rows: int, items: int, k: int, seed: int, values: int) -> None:
    """With few distinct values ties are frequent: then the scores must agree, not the items."""
    block = np.random.default_rng(seed).integers(0, values, (rows, items)).astype(np.float32)
    found, scores = top_k_of_block(block, k)
    width = min(k, items)
    assert np.array_equal(scores[:, :width], -np.sort(-block, axis=1)[:, :width])
    assert np.array_equal(np.take_along_axis(block, found[:, :width], axis=1), scores[:, :width])
    assert all(len(set(row[:width])) == width for row in found.tolist())
    assert np.all(found[:, width:] == NONE)


def test_the_chunked_path_is_taken_and_exact() -> None:
    block = np.random.default_rng(0).normal(size=(20, 64 * 40 + 17)).astype(np.float32)
    found, _ = top_k_of_block(block, 5)
    assert np.array_equal(found, np.argsort(-block, axis=1)[:, :5])


@pytest.mark.parametrize("block_bytes", [1, 4 * 50 * 3, 10**6])
def test_blocks_do_not_change_the_answer(block_bytes: int) -> None:
    scores = np.random.default_rng(1).normal(size=(10, 50)).astype(np.float32)
    rows = np.array([9, 2, 4, 4])
    exclude = sparse.csr_matrix(scores[rows] > 0.5)
    found = top_k(lambda asked: scores[asked], rows, 60, items=50, exclude=exclude, block_bytes=block_bytes)
    for number, row in enumerate(rows):
        allowed = [item for item in np.argsort(-scores[row]) if scores[row, item] <= 0.5]
        assert found.items[number].tolist() == allowed + [NONE] * (60 - len(allowed))
        assert np.all(np.isneginf(found.scores[number][len(allowed) :]))


def test_the_scores_given_are_not_written_to() -> None:
    scores = np.ones((2, 5), dtype=np.float32)
    scores.flags.writeable = False
    top_k(
        lambda asked: scores[asked],
        np.array([0, 1]),
        2,
        items=5,
        exclude=sparse.identity(5, format="csr")[:2],
    )
    assert scores.sum() == 10


def test_nobody_asked() -> None:
    found = top_k(lambda asked: np.zeros((0, 5), dtype=np.float32), np.zeros(0, dtype=int), 3, items=5)
    assert found.items.shape == (0, 3)
