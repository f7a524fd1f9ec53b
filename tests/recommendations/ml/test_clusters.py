from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

from recommendations.ml.clusters import CustomerClusters, distinguishing, quintile_labels, stable_ids


def groups(seed: int = 0, size: int = 150) -> tuple[np.ndarray, np.ndarray]:
    """Four groups that lie apart in log space."""
    rng = np.random.default_rng(seed)
    centres = np.array([[1, 1], [1, 5], [5, 1], [5, 5]], dtype=float)
    truth = np.repeat(np.arange(4), size)
    return np.expm1(np.maximum(centres[truth] + rng.normal(0, 0.3, (4 * size, 2)), 0)), truth


def test_four_groups_are_found_as_four() -> None:
    rows, truth = groups()
    model = CustomerClusters().fit(rows)
    assert model.n_clusters_ == 4
    assert model.is_stable_
    assert adjusted_rand_score(truth, model.labels_) == 1.0
    assert np.array_equal(model.predict(rows), model.labels_)
    assert [candidate.clusters for candidate in model.candidates_] == [3, 4, 5, 6]


def test_the_same_seed_gives_the_same_groups() -> None:
    rows, _ = groups()
    first = CustomerClusters(random_state=3).fit(rows)
    assert np.array_equal(first.centres_, clone(first).fit(rows).centres_)


def test_unstable_counts_are_taken_only_with_a_confession() -> None:
    noise = np.expm1(np.random.default_rng(5).normal(3, 0.5, (300, 5)).clip(0))
    model = CustomerClusters(stability=0.9999).fit(noise)
    assert not model.is_stable_
    assert model.stability_ == max(candidate.stability for candidate in model.candidates_)


def test_too_few_different_customers_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 6 different rows"):
        CustomerClusters().fit(np.tile(np.arange(6.0).reshape(-1, 1), (50, 1)))


def test_a_constant_feature_does_not_divide_by_zero() -> None:
    rows, truth = groups()
    model = CustomerClusters().fit(np.column_stack([rows, np.ones(len(rows))]))
    assert adjusted_rand_score(truth, model.labels_) == 1.0


def test_distinguishing_features_come_strongest_first() -> None:
    traits = distinguishing(np.array([0.1, -1.2, 0.6]), ("a", "b", "c"), at_least=0.35)
    assert [(trait.feature, trait.deviation) for trait in traits] == [("b", -1.2), ("c", 0.6)]
    (only,) = distinguishing(np.array([0.1, -0.2]), ("a", "b"), at_least=0.35)
    assert only.feature == "b"


def test_ids_survive_a_refit_in_another_order() -> None:
    centres = np.array([[1.0, 1.0], [1.0, 5.0], [5.0, 1.0]])
    previous = {7: centres[2] + 0.1, 3: centres[0] - 0.1, 5: centres[1]}
    assert stable_ids(centres, np.ones(2), previous) == [3, 5, 7]


def test_a_group_that_resembles_none_gets_an_id_never_used() -> None:
    previous = {1: np.array([1.0, 1.0]), 2: np.array([5.0, 5.0])}
    assert stable_ids(np.array([[20.0, 20.0], [1.1, 1.0]]), np.ones(2), previous) == [3, 1]
    assert stable_ids(np.array([[20.0, 20.0], [9.0, 9.0]]), np.ones(2), {}) == [1, 2]


def test_the_baseline_splits_at_the_medians() -> None:
    labels = quintile_labels(np.array([1.0, 9.0, 1.0, 9.0]), np.array([8.0, 8.0, 1.0, 1.0]))
    assert labels.tolist() == [3, 1, 2, 0]
