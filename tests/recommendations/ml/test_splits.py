from __future__ import annotations

import numpy as np

from recommendations.ml.splits import Interactions, pair_times, random_split, time_split, without


def bought() -> Interactions:
    customer, item, day = np.array([(0, 1, 5), (0, 1, 9), (0, 2, 12), (1, 0, 10), (1, 2, 40)]).T
    return Interactions(customer, item, day, customers=3, items=4)


def test_the_past_ends_before_the_cut_off_and_the_future_after_the_horizon() -> None:
    split = time_split(bought(), 10, 30)
    assert split.past.binary().toarray().tolist() == [[0, 1, 0, 0], [0] * 4, [0] * 4]
    assert split.future.binary().toarray().tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [0] * 4]


def test_counts_add_days() -> None:
    assert bought().counts().toarray().tolist() == [[0, 2, 1, 0], [1, 0, 1, 0], [0] * 4]


def test_pair_times_follow_the_matrix() -> None:
    times = pair_times(bought())
    assert times.counts.toarray().tolist() == [[0, 2, 1, 0], [1, 0, 1, 0], [0] * 4]
    assert times.first.tolist() == [5, 12, 10, 40]
    assert times.last.tolist() == [9, 12, 10, 40]
    assert times.ages(50).toarray().tolist() == [[0, 41, 38, 0], [40, 0, 10, 0], [0] * 4]


def test_pair_times_of_nothing() -> None:
    none = np.zeros(0, dtype=np.int64)
    times = pair_times(Interactions(none, none, none, customers=2, items=3))
    assert times.counts.shape == (2, 3)
    assert times.counts.nnz == 0


def test_without_removes_what_is_owned() -> None:
    split = bought()
    rest = without(split.counts(), split.before(10).counts())
    assert rest.toarray().tolist() == [[0, 0, 1, 0], [1, 0, 1, 0], [0] * 4]
    assert rest.nnz == 3


def test_random_split_is_a_partition_that_repeats() -> None:
    train, test = random_split(1_000, test_share=0.2, random_state=42)
    assert len(train) == 800
    assert sorted([*train, *test]) == list(range(1_000))
    assert np.array_equal(test, random_split(1_000, test_share=0.2, random_state=42)[1])
