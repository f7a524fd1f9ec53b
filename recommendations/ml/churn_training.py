"""Train, judge and apply the churn model of one tenant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommendations.ml.arrays import Booleans, Floats, Integers
from recommendations.ml.artefacts import Contents
from recommendations.ml.churn import ChurnModel, closed_windows, labelled, stacked
from recommendations.ml.evaluation import probability_quality, ranking_auc
from recommendations.ml.gate import judge
from recommendations.ml.history import PurchaseHistory
from recommendations.ml.leakage import refuse_future_leaks
from recommendations.ml.purchase import BetaGeometricNBD
from recommendations.ml.purchase_training import process_parameters
from recommendations.ml.rfm import FeatureTable, features_as_of, recency_frequency_age
from recommendations.ml.trained import Trained, require, rounded

HORIZON_DAYS = 60
LEAST_CUSTOMERS = 10
LEAST_REPEATS = 5
LEAST_OF_EACH = 20
LEAK_CHECK_CUSTOMERS = 500
AUC_TOLERANCE = 0.005
LABELS, PROCESS = "labels", "bg_nbd"

Scorer = Callable[[FeatureTable, Floats], Floats]


@dataclass(frozen=True, slots=True, eq=False)
class ChurnRisk:
    """Probability of no purchase in the next 60 days, per customer row of the history."""

    rows: Integers
    risk: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """The newest closed window: what was known when it began, and who left in it."""

    table: FeatureTable
    left: Booleans
    triples: Floats

    def auc(self, scorer: Scorer) -> float | None:
        return ranking_auc(self.left, scorer(self.table, self.triples))


def train_churn(
    history: PurchaseHistory, today: int, current: Contents | None, *, random_state: int = 0
) -> tuple[Trained, ChurnRisk]:
    """Learn from closed windows where they hold enough labels, else from the purchase process alone.

    The newest closed window judges and then recalibrates; the model never trains on it, so that a version can
    be compared with its successor on it. `current` is the stored version in use. Raises NotEnoughData.
    """
    rows, triples = recency_frequency_age(history, today)
    require(len(rows), LEAST_CUSTOMERS, "customers with an order")
    require(int((triples[:, 0] > 0).sum()), LEAST_REPEATS, "customers with a second purchase day")
    refuse_future_leaks(
        features_as_of, history.first_customers(LEAK_CHECK_CUSTOMERS), max(today - HORIZON_DAYS, 0)
    )
    windows = closed_windows(history.first_day(), today, HORIZON_DAYS)
    window = _newest(history, windows)
    model, rows_learnt = _supervised(history, windows, random_state)
    process = BetaGeometricNBD().fit(recency_frequency_age(history, windows[0])[1] if window else triples)
    method, figures = _choose(window, model, process)
    if method == LABELS and model is not None and window is not None:
        model.calibrate(window.table.values, window.left)
    else:
        model = None
    baseline = window.auc(_recency) if window else None
    verdict = judge(
        measure="auc",
        candidate=figures.get("auc"),
        baseline=baseline,
        current=window.auc(_scorer_of(current)) if window and current else None,
        tolerance=AUC_TOLERANCE,
    )
    contents = _contents(method, model, process)
    base_rate = (
        probability_quality(window.left, np.full(len(window.left), window.left.mean())) if window else {}
    )
    trained = Trained(
        method=method,
        rows=rows_learnt or len(history.day),
        customers=len(rows),
        parameters=contents.document | {"windows": windows[:1]},
        metrics=rounded(figures),
        baselines=rounded(
            {"auc": baseline, "brier": base_rate.get("brier"), "log_loss": base_rate.get("log_loss")}
        ),
        verdict=verdict,
        contents=contents,
    )
    now = features_as_of(history, today)
    served = BetaGeometricNBD().fit(triples) if method == PROCESS else process
    return trained, ChurnRisk(rows, _scorer(model, served)(now, triples))


def _newest(history: PurchaseHistory, windows: list[int]) -> _Window | None:
    """The newest closed window, if it has enough customers of both kinds to judge by."""
    if not windows:
        return None
    table, left = labelled(history, windows[0], HORIZON_DAYS)
    _, triples = recency_frequency_age(history, windows[0])
    enough = min(left.sum(), (~left).sum()) >= LEAST_REPEATS and (triples[:, 0] > 0).sum() >= LEAST_REPEATS
    return _Window(table, left, triples) if enough else None


def _supervised(
    history: PurchaseHistory, windows: list[int], random_state: int
) -> tuple[ChurnModel | None, int]:
    """Trained on windows that were closed when the newest began, calibrated on the newest of those."""
    closed = [cut_off for cut_off in windows if cut_off + HORIZON_DAYS <= windows[0]]
    if not closed:
        return None, 0
    learn = closed[1:] or closed
    values, left, _ = stacked(history, learn, HORIZON_DAYS)
    if min(left.sum(), (~left).sum()) < LEAST_OF_EACH:
        return None, 0
    model = ChurnModel(random_state=random_state).fit(values, left)
    if closed[1:]:
        table, newer = labelled(history, closed[0], HORIZON_DAYS)
        model.calibrate(table.values, newer)
    return model, len(left)


def _choose(
    window: _Window | None, model: ChurnModel | None, process: BetaGeometricNBD
) -> tuple[str, dict[str, float | None]]:
    """The method that ranks better in the window, with the figures of both."""
    if window is None:
        return PROCESS, {}
    by_process = probability_quality(window.left, _scorer(None, process)(window.table, window.triples))
    if model is None:
        return PROCESS, {**by_process, "auc_bg_nbd": by_process["auc"]}
    by_labels = probability_quality(window.left, _scorer(model, process)(window.table, window.triples))
    linear = ranking_auc(window.left, model.linear_.predict_proba(window.table.values)[:, 1])
    method = LABELS if by_labels["auc"] >= by_process["auc"] else PROCESS
    both = {"auc_bg_nbd": by_process["auc"], "auc_labels": by_labels["auc"], "auc_linear": linear}
    return method, {**(by_labels if method == LABELS else by_process), **both}


def _recency(table: FeatureTable, triples: Floats) -> Floats:
    return triples[:, 2] - triples[:, 1]


def _scorer(model: ChurnModel | None, process: BetaGeometricNBD) -> Scorer:
    def score(table: FeatureTable, triples: Floats) -> Floats:
        if model is not None:
            return np.asarray(model.predict_proba(table.values)[:, 1])
        return 1.0 - process.probability_of_purchase(triples, HORIZON_DAYS)

    return score


def _contents(method: str, model: ChurnModel | None, process: BetaGeometricNBD) -> Contents:
    document: dict[str, Any] = {
        "kind": "churn",
        "method": method,
        "horizon_days": HORIZON_DAYS,
        "process": process_parameters(process),
    }
    if model is None:
        return Contents(document)
    document |= {"slope": model.slope_, "intercept": model.intercept_}
    return Contents(document, estimators={"linear": model.linear_, "boosted": model.boosted_})


def _scorer_of(contents: Contents) -> Scorer:
    """The stored version in use, ready to score."""
    process = BetaGeometricNBD.with_parameters(**contents.document["process"])
    if contents.document["method"] != LABELS:
        return _scorer(None, process)
    model = ChurnModel()
    model.linear_, model.boosted_ = contents.estimators["linear"], contents.estimators["boosted"]
    model.slope_, model.intercept_ = contents.document["slope"], contents.document["intercept"]
    return _scorer(model, process)
