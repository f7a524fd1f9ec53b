from __future__ import annotations

import numpy as np
import pytest

from recommendations.ml.churn_training import train_churn
from recommendations.ml.gate import Reason
from recommendations.ml.history import PurchaseHistory
from recommendations.ml.purchase import BetaGeometricNBD
from recommendations.ml.purchase_training import calibrated, train_purchase
from recommendations.ml.recommender_training import train_recommender
from recommendations.ml.segment_training import train_segments
from recommendations.ml.splits import Interactions
from recommendations.ml.trained import NotEnoughData
from tests.recommendations.ml.histories import simulated


@pytest.fixture(scope="module")
def bought() -> PurchaseHistory:
    return simulated(150, 300, seed=1)


def test_purchase_is_judged_on_the_newest_closed_window_by_log_loss(bought: PurchaseHistory) -> None:
    trained, forecast = train_purchase(bought, 300, None)
    assert trained.verdict.measure == "log_loss"
    assert trained.verdict.reason == Reason.FIRST
    assert trained.metrics["log_loss"] < trained.baselines["log_loss"]
    assert len(forecast.rows) == 150
    assert np.all((forecast.probability > 0) & (forecast.probability < 1))
    assert np.all(forecast.value_minor >= 0)


def test_a_second_training_on_the_same_data_ties_with_the_first(bought: PurchaseHistory) -> None:
    first, _ = train_purchase(bought, 300, None)
    second, _ = train_purchase(bought, 300, first.parameters)
    assert second.verdict.accepted
    assert second.verdict.current == pytest.approx(second.verdict.candidate)


def test_purchase_without_a_closed_window_is_accepted_unmeasured_but_never_replaces(
    bought: PurchaseHistory,
) -> None:
    young, _ = train_purchase(bought.before(60), 60, None)
    assert (young.verdict.accepted, young.verdict.reason) == (True, Reason.UNMEASURED)
    assert "auc" not in young.metrics


def test_calibration_weights_the_log_odds() -> None:
    process = BetaGeometricNBD.with_parameters(r=0.243, alpha=4.414, a=0.793, b=2.426)
    triples = np.array([[3, 200.0, 210.0], [3, 20.0, 210.0]])
    plain = process.probability_of_purchase(triples, 90)
    assert calibrated(process, triples, None) == pytest.approx(plain)
    assert calibrated(process, triples, [1.0, 0.0, 0.0]) == pytest.approx(plain)
    assert calibrated(process, triples, [0.0, 0.0, 0.0]).tolist() == [0.5, 0.5]


def test_churn_compares_both_methods_with_recency(bought: PurchaseHistory) -> None:
    trained, risk = train_churn(bought, 300, None)
    assert trained.verdict.accepted == (trained.metrics["auc"] > trained.baselines["auc"])
    assert trained.metrics["auc"] == max(trained.metrics["auc_bg_nbd"], trained.metrics["auc_labels"])
    assert len(risk.rows) == 150
    assert np.all((risk.risk >= 0) & (risk.risk <= 1))


def test_churn_of_a_young_shop_comes_from_the_process(bought: PurchaseHistory) -> None:
    trained, _ = train_churn(bought.before(80), 80, None)
    assert trained.method == "bg_nbd"
    assert trained.verdict.reason == Reason.UNMEASURED


def test_groups_keep_their_ids(bought: PurchaseHistory) -> None:
    first, groups = train_segments(bought, 300, None)
    second, again = train_segments(bought, 300, first.parameters, random_state=5)
    ids = {group.id: len(group.rows) for group in groups}
    assert {group.id for group in again} <= set(ids) | set(range(max(ids) + 1, max(ids) + 7))
    same = train_segments(bought, 300, first.parameters)[1]
    assert {group.id: len(group.rows) for group in same} == ids
    assert sum(len(group.rows) for group in again) == 150
    assert set(second.metrics) == {"silhouette", "stability"}


@pytest.mark.parametrize("train", [train_purchase, train_churn, train_segments])
def test_three_customers_are_too_few(train: object) -> None:
    with pytest.raises(NotEnoughData, match="found 3"):
        train(simulated(3, 300, seed=1), 300, None)  # type: ignore[operator]


def test_popularity_serves_a_shop_without_a_closed_window() -> None:
    day = np.array([5, 5, 6])
    few = Interactions(np.array([0, 1, 1]), np.array([0, 0, 1]), day, customers=2, items=3)
    trained, lists = train_recommender(few, 7, None)
    assert trained.method == "popularity"
    assert trained.verdict.reason == Reason.BASELINE_SERVES
    assert lists.popular == [(0, 2), (1, 1)]
    assert lists.new_for_you.items[0, :2].tolist() == [1, -1]
    assert lists.buy_again.items[1, :3].tolist() == [1, 0, -1]
    assert lists.times[1, :2].tolist() == [1, 1]


def test_nobody_bought_anything() -> None:
    none = np.zeros(0, dtype=np.int64)
    with pytest.raises(NotEnoughData):
        train_recommender(Interactions(none, none, none, customers=0, items=0), 7, None)
