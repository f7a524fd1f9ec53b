"""What a model may see and what it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from recommendations.ml.arrays import Booleans, Integers, as_csr


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """One entry per customer, item and day; `customer` and `item` are row and column numbers."""

    customer: Integers
    item: Integers
    day: Integers
    customers: int
    items: int

    @classmethod
    def distinct(
        cls, customer: Integers, item: Integers, day: Integers, *, customers: int, items: int
    ) -> Interactions:
        """Sorted by customer, item and day, each combination once."""
        if not len(day):
            return cls(customer, item, day, customers, items)
        first, span = int(day.min()), int(day.max() - day.min()) + 1
        # One sort of one integer is several times faster than a sort by three columns.
        key = np.sort((customer * items + item) * span + (day - first))
        key = key[np.diff(key, prepend=-1) > 0]
        pair, day = np.divmod(key, span)
        customer, item = np.divmod(pair, items)
        return cls(customer, item, day + first, customers, items)

    def select(self, keep: Booleans) -> Interactions:
        return Interactions(self.customer[keep], self.item[keep], self.day[keep], self.customers, self.items)

    def before(self, cut_off: int) -> Interactions:
        return self.select(self.day < cut_off)

    def between(self, start: int, end: int) -> Interactions:
        return self.select((self.day >= start) & (self.day < end))

    def counts(self) -> Any:
        """CSR (customers, items) of the number of days."""
        ones = np.ones(len(self.customer), dtype=np.float32)
        return as_csr(
            sparse.coo_matrix((ones, (self.customer, self.item)), shape=(self.customers, self.items))
        )

    def binary(self) -> Any:
        """CSR (customers, items) of ones."""
        return self.counts().sign()


@dataclass(frozen=True, slots=True, eq=False)
class PairTimes:
    """First and last day of every stored (customer, item) pair, in the order of the CSR matrix `counts`."""

    counts: Any
    first: Integers
    last: Integers

    def ages(self, today: int) -> Any:
        """CSR with the pattern of `counts`: days since the last purchase."""
        ages = self.counts.copy()
        ages.data = (today - self.last).astype(np.float32)
        return ages


def pair_times(interactions: Interactions) -> PairTimes:
    """Counts of each pair with its first and last day."""
    key = interactions.customer * interactions.items + interactions.item
    order = np.lexsort((interactions.day, key))
    ordered = key[order]
    start = np.flatnonzero(np.diff(ordered, prepend=-1))
    end = np.concatenate([start[1:], [ordered.size]]) - 1 if ordered.size else start
    pairs = ordered[start]
    data = (end - start + 1).astype(np.float32)
    indptr = np.searchsorted(pairs, np.arange(interactions.customers + 1) * interactions.items)
    shape = (interactions.customers, interactions.items)
    counts = sparse.csr_matrix((data, pairs % max(interactions.items, 1), indptr), shape=shape)
    day = interactions.day[order]
    return PairTimes(counts, day[start], day[end])


@dataclass(frozen=True, slots=True, eq=False)
class TimeSplit:
    """Interactions before a day, and what the same customers did in the window from that day on."""

    past: Interactions
    future: Interactions
    cut_off: int


def time_split(interactions: Interactions, cut_off: int, horizon: int) -> TimeSplit:
    """Split at the day `cut_off`; the future ends `horizon` days later."""
    return TimeSplit(interactions.before(cut_off), interactions.between(cut_off, cut_off + horizon), cut_off)


def without(matrix: Any, owned: Any) -> Any:
    """Entries of `matrix` that `owned` (same shape) does not store."""
    remaining = as_csr(matrix - matrix.multiply(owned.sign()))
    remaining.eliminate_zeros()
    return remaining


def random_split(size: int, *, test_share: float, random_state: int) -> tuple[Integers, Integers]:
    """Positions of the training and the test entries of a random split of interactions."""
    order = np.random.default_rng(random_state).permutation(size)
    train = round(size * (1.0 - test_share))
    return order[:train], order[train:]
