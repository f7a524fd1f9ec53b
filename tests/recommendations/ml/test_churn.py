from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from recommendations.ml.churn import ChurnModel, closed_windows, labelled, stacked
from recommendations.ml.evaluation import mean_absolute_error, probability_quality, ranking_auc
from tests.recommendations.ml.histories import history, simulated


def test_windows_are_closed_and_newest_first() -> None:
    assert closed_windows(0, 365, 90) == [275, 245, 215, 185, 155, 125]
    assert closed_windows(0, 365, 90, most=2) == [275, 245]
    assert closed_windows(0, 200, 90) == [110]
    assert closed_windows(0, 179, 90) == []


def test_leaving_is_no_purchase_in_the_window() -> None:
    bought = history((0, 10, 1), (0, 129, 1), (1, 10, 1), (1, 130, 1), (2, 100, 1), (3, 99, 1), (3, 100, 1))
    table, left = labelled(bought, 100, 30)
    assert table.rows.tolist() == [0, 1, 3]
    assert left.tolist() == [False, True, False]


def test_stacked_windows_say_where_each_row_comes_from() -> None:
    values, left, origin = stacked(history((0, 10, 1), (1, 45, 1)), [60, 40], 20)
    assert origin.tolist() == [60, 60, 40]
    assert left.tolist() == [True, True, True]
    assert len(values) == 3


def test_model_ranks_leavers_of_a_later_window() -> None:
    bought = simulated(400, 400, seed=2)
    values, left, _ = stacked(bought, [180, 150, 120], 60)
    model = ChurnModel().fit(values, left)
    later, truth = labelled(bought, 260, 60)
    risk = model.predict_proba(later.values)
    assert risk.sum(axis=1) == pytest.approx(np.ones(len(later.rows)))
    assert roc_auc_score(truth, risk[:, 1]) > 0.85
    assert np.array_equal(model.predict(later.values), risk[:, 1] >= 0.5)


def test_calibration_moves_the_mean_to_the_newer_rate_and_keeps_the_order() -> None:
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, 30.0, (3_000, 3))
    old = values[:, 0] + rng.normal(0, 30, 3_000) > 90
    newer = values[:, 0] + rng.normal(0, 30, 3_000) > 40
    model = ChurnModel(log1p=False).fit(values, old)
    before = model.predict_proba(values)[:, 1]
    after = model.calibrate(values, newer).predict_proba(values)[:, 1]
    assert after.mean() == pytest.approx(newer.mean(), abs=0.01)
    assert np.array_equal(np.argsort(before, kind="stable"), np.argsort(after, kind="stable"))


def test_calibration_on_one_outcome_changes_nothing() -> None:
    values = np.random.default_rng(1).gamma(2.0, 30.0, (300, 2))
    model = ChurnModel().fit(values, values[:, 0] > 50).calibrate(values, np.ones(300, dtype=bool))
    assert (model.slope_, model.intercept_) == (1.0, 0.0)


@pytest.mark.parametrize("label", [True, False])
def test_one_outcome_cannot_be_learnt(label: bool) -> None:
    with pytest.raises(ValueError, match="who left and customers who stayed"):
        ChurnModel().fit(np.ones((5, 2)), np.full(5, label))


def test_quality_of_a_perfect_and_a_blind_forecast() -> None:
    truth = np.array([True, False, True, False])
    assert probability_quality(truth, truth.astype(float))["auc"] == 1.0
    assert probability_quality(truth, np.full(4, 0.5)) == {
        "auc": 0.5,
        "average_precision": 0.5,
        "brier": 0.25,
        "log_loss": pytest.approx(np.log(2)),
    }
    assert probability_quality(np.ones(3, dtype=bool), np.ones(3)) == {}
    assert ranking_auc(np.zeros(3, dtype=bool), np.ones(3)) is None
    assert ranking_auc(truth, np.array([3.0, 1.0, 2.0, 0.0])) == 1.0
    assert mean_absolute_error(np.array([1, 3]), np.array([2.0, 2.0])) == 1.0
    assert mean_absolute_error(np.array([]), np.array([])) == 0.0
