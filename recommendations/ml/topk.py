"""The k best items of many customers, exactly, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommendations.ml.arrays import Integers, Singles
from recommendations.ml.threads import core_count, single_blas_thread

# Small enough that a block is still in the cache when it is searched.
BLOCK_BYTES = 8 * 2**20
CHUNK = 64
NONE = -1


@dataclass(frozen=True, slots=True, eq=False)
class TopK:
    """Item numbers by falling score, (rows, k); where fewer exist, item -1 and score -inf fill the end."""

    items: Integers
    scores: Singles


def top_k(
    scores: Callable[[Integers], Singles],
    rows: Integers,
    k: int,
    *,
    items: int,
    exclude: Any = None,
    block_bytes: int = BLOCK_BYTES,
) -> TopK:
    """Exact top k of `scores(rows)`, a dense (rows, items) block at a time, on every core.

    `exclude` is a CSR matrix with one row per entry of `rows`; its stored items never appear.
    Memory in use at once: one block of `block_bytes` and its copy per core.
    """
    size = max(1, block_bytes // max(4 * items, 1))
    found = TopK(
        np.full((len(rows), k), NONE, dtype=np.int64), np.full((len(rows), k), -np.inf, dtype=np.float32)
    )

    def one_block(start: int) -> None:
        block = np.array(scores(rows[start : start + size]), dtype=np.float32)
        if exclude is not None:
            part = exclude[start : start + size]
            block[np.repeat(np.arange(len(block)), np.diff(part.indptr)), part.indices] = -np.inf
        found.items[start : start + size], found.scores[start : start + size] = top_k_of_block(block, k)

    with single_blas_thread(), ThreadPoolExecutor(core_count()) as pool:
        list(pool.map(one_block, range(0, len(rows), size)))
    return found


def top_k_of_block(block: Singles, k: int) -> tuple[Integers, Singles]:
    """Exact top k of each row of a dense block; -inf entries do not count.

    Wide rows are cut into chunks: the k best items lie in the k chunks with the largest maxima, so that only
    those are partitioned, which is several times faster than partitioning the row.
    """
    rows, items = block.shape
    width = min(k, items)
    chunks = items // CHUNK
    if chunks <= 4 * k:
        candidates = _every(rows, items)
        if width < items:
            candidates = np.argpartition(-block, width - 1, axis=1)[:, :width]
    else:
        candidates = _candidates_by_chunk(block, k, chunks)
    values = np.take_along_axis(block, candidates, axis=1)
    # Equal scores fall in the order of the item numbers, so that two runs give one answer.
    order = np.lexsort((candidates, -values), axis=1)[:, :width]
    best = np.take_along_axis(candidates, order, axis=1)
    best_scores = np.take_along_axis(values, order, axis=1)
    best = np.where(np.isneginf(best_scores), NONE, best)
    if width < k:
        best = np.pad(best, ((0, 0), (0, k - width)), constant_values=NONE)
        best_scores = np.pad(best_scores, ((0, 0), (0, k - width)), constant_values=-np.inf)
    return best.astype(np.int64), best_scores.astype(np.float32)


def _candidates_by_chunk(block: Singles, k: int, chunks: int) -> Integers:
    rows, items = block.shape
    body = chunks * CHUNK
    maxima = block[:, :body].reshape(rows, chunks, CHUNK).max(axis=2)
    best_chunks = np.argpartition(-maxima, k - 1, axis=1)[:, :k]
    inside = (best_chunks[:, :, None] * CHUNK + np.arange(CHUNK)).reshape(rows, -1)
    inside = np.hstack([inside, np.broadcast_to(np.arange(body, items), (rows, items - body))])
    values = np.take_along_axis(block, inside, axis=1)
    best = np.argpartition(-values, k - 1, axis=1)[:, :k]
    return np.asarray(np.take_along_axis(inside, best, axis=1), dtype=np.int64)


def _every(rows: int, items: int) -> Integers:
    return np.tile(np.arange(items, dtype=np.int64), (rows, 1))
