from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from recommendations.ml.als import ImplicitALS
from recommendations.ml.buy_again import BuyAgain
from recommendations.ml.ease import EASE, TooLargeForEase
from recommendations.ml.popularity import Popularity
from recommendations.ml.recommender import Recommender
from recommendations.ml.topk import NONE, top_k


def two_tastes(customers: int, items: int, seed: int = 0) -> sparse.csr_matrix:
    """Even customers like the first half of the items, odd ones the second; a tenth is noise."""
    rng = np.random.default_rng(seed)
    likes = (np.arange(customers)[:, None] % 2) == (np.arange(items)[None, :] >= items // 2)
    chance = np.where(likes, 0.45, 0.04)
    return sparse.csr_matrix((rng.random((customers, items)) < chance).astype(np.float32))


def models() -> list[Recommender]:
    return [EASE(regularization=20.0), ImplicitALS(factors=8, regularization=2.0)]


@pytest.mark.parametrize("model", models(), ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("shape", [(60, 24), (30, 80)])
def test_each_taste_gets_its_half(model: Recommender, shape: tuple[int, int]) -> None:
    liked = two_tastes(*shape)
    rows = np.arange(shape[0])
    found = clone(model).fit(liked).recommend(rows, 3, exclude=liked)
    right = (found.items >= shape[1] // 2) == (rows[:, None] % 2 == 0) ^ True
    assert np.mean(right) > 0.85
    owned = liked.toarray()[rows[:, None], np.maximum(found.items, 0)]
    assert not owned.any()


@pytest.mark.parametrize("model", models(), ids=lambda model: type(model).__name__)
def test_recommend_is_the_exact_top_of_scores(model: Recommender) -> None:
    liked = two_tastes(40, 30)
    fitted = clone(model).fit(liked)
    rows = np.array([3, 17, 8])
    exact = top_k(fitted.scores, rows, 5, items=30, exclude=liked[rows])
    found = fitted.recommend(rows, 5, exclude=liked[rows])
    assert np.array_equal(found.items, exact.items)
    assert found.scores == pytest.approx(exact.scores, abs=1e-5)


@pytest.mark.parametrize("model", models(), ids=lambda model: type(model).__name__)
def test_sources_are_liked_items_of_the_same_taste(model: Recommender) -> None:
    liked = two_tastes(60, 24)
    fitted = clone(model).fit(liked)
    rows = np.arange(60)
    found = fitted.recommend(rows, 3, exclude=liked)
    sources = fitted.sources(rows, found.items)
    known = sources != NONE
    assert known.mean() > 0.95
    assert liked.toarray()[np.nonzero(known)[0], sources[known]].all()
    assert np.mean((sources[known] >= 12) == (found.items[known] >= 12)) > 0.9


@pytest.mark.parametrize("model", models(), ids=lambda model: type(model).__name__)
def test_a_customer_without_history_has_no_sources(model: Recommender) -> None:
    liked = two_tastes(20, 12).tolil()
    liked[4] = 0
    fitted = clone(model).fit(liked.tocsr())
    found = fitted.recommend(np.array([4]), 3)
    assert fitted.sources(np.array([4]), found.items).tolist() == [[NONE] * 3]


def test_ease_from_the_customers_side_equals_the_textbook_formula() -> None:
    liked = two_tastes(15, 40)
    dense = liked.toarray().astype(float)
    inverse = np.linalg.inv(dense.T @ dense + 20.0 * np.eye(40))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    model = EASE(regularization=20.0).fit(liked)
    assert model.by_customer_
    assert model.scores(np.arange(15)) == pytest.approx(dense @ weights, abs=1e-4)


def test_ease_from_the_items_side_equals_the_textbook_formula() -> None:
    liked = two_tastes(40, 15)
    dense = liked.toarray().astype(float)
    inverse = np.linalg.inv(dense.T @ dense + 20.0 * np.eye(15))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    model = EASE(regularization=20.0).fit(liked)
    assert not model.by_customer_
    assert model.scores(np.arange(40)) == pytest.approx(dense @ weights, abs=1e-4)


def test_ease_names_the_source_with_the_largest_share() -> None:
    liked = two_tastes(15, 40)
    dense = liked.toarray()
    model = EASE(regularization=20.0).fit(liked)
    inverse = np.linalg.inv(dense.T @ dense + 20.0 * np.eye(40))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    rows = np.array([2, 7])
    found = model.recommend(rows, 4, exclude=liked[rows]).items
    for number, row in enumerate(rows):
        share = np.where(dense[row][:, None] > 0, weights[:, found[number]], -np.inf)
        assert model.sources(rows, found)[number].tolist() == np.argmax(share, axis=0).tolist()


def test_ease_refuses_when_both_sides_are_too_large() -> None:
    with pytest.raises(TooLargeForEase):
        EASE(largest_side=10).fit(two_tastes(11, 12))
    EASE(largest_side=10).fit(two_tastes(10, 12))
    EASE(largest_side=10).fit(two_tastes(12, 10))


def test_als_repeats_with_its_seed() -> None:
    liked = two_tastes(30, 20)
    first = ImplicitALS(factors=4, random_state=1).fit(liked)
    assert np.array_equal(first.item_factors_, clone(first).fit(liked).item_factors_)


def test_als_fills_up_when_everything_is_owned() -> None:
    liked = two_tastes(12, 8).tolil()
    liked[0] = 1
    liked = liked.tocsr()
    found = ImplicitALS(factors=4).fit(liked).recommend(np.array([0]), 10, exclude=liked[[0]])
    assert found.items.tolist() == [[NONE] * 10]
    assert np.all(np.isneginf(found.scores))


def test_popularity_counts_customers_not_quantity() -> None:
    model = Popularity().fit(sparse.csr_matrix(np.array([[1, 0, 9], [1, 0, 0], [1, 1, 0], [0, 1, 0]])))
    found = model.recommend(np.array([0, 3]), 3)
    assert found.items.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert found.scores.tolist() == [[3, 2, 1], [3, 2, 1]]


def test_buy_again_halves_with_age_and_stays_with_the_owned() -> None:
    counts = sparse.csr_matrix(np.array([[4, 3, 0, 1], [0, 0, 0, 0]]))
    ages = sparse.csr_matrix((np.array([90.0, 0.0, 0.0]), counts.indices, counts.indptr), shape=(2, 4))
    found = BuyAgain(half_life_days=90).fit(counts, age_days=ages).recommend(np.array([0, 1]), 3)
    assert found.items.tolist() == [[1, 0, 3], [NONE] * 3]
    assert found.scores[0].tolist() == [3.0, 2.0, 1.0]


def test_buy_again_leaves_the_excluded_out() -> None:
    counts = sparse.csr_matrix(np.array([[4, 3, 0, 1]]))
    found = BuyAgain().fit(counts).recommend(np.array([0]), 2, exclude=sparse.csr_matrix([[1, 0, 0, 0]]))
    assert found.items.tolist() == [[1, 3]]
    dense = top_k(BuyAgain().fit(counts).scores, np.array([0]), 1, items=4)
    assert dense.items.tolist() == [[0]]
