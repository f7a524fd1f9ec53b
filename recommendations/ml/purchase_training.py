"""Train, judge and apply the purchase process of one tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy import special
from sklearn.linear_model import LogisticRegression

from recommendations.ml.arrays import Floats, Integers
from recommendations.ml.artefacts import Contents
from recommendations.ml.evaluation import mean_absolute_error, probability_quality, ranking_auc
from recommendations.ml.gate import judge
from recommendations.ml.history import PurchaseHistory
from recommendations.ml.purchase import BetaGeometricNBD, GammaGamma
from recommendations.ml.rfm import mean_repeat_value, recency_frequency_age
from recommendations.ml.trained import Trained, require, rounded

HORIZON_DAYS = 90
LEAST_CUSTOMERS = 10
LEAST_REPEATS = 5
LEAST_VALUES = 30
LEAST_OF_EACH = 20
TINY = 1e-4
Calibration: TypeAlias = list[float] | None
LOSS_TOLERANCE = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class PurchaseForecast:
    """Per customer row of the history, for the next 90 days."""

    rows: Integers
    probability: Floats
    expected: Floats
    alive: Floats
    value_minor: Floats


def train_purchase(
    history: PurchaseHistory, today: int, current: dict[str, Any] | None
) -> tuple[Trained, PurchaseForecast]:
    """Fit on all history; judge a fit on the days before the newest closed window by that window.

    `current` holds the parameters of the version in use. Raises NotEnoughData.
    """
    rows, triples = recency_frequency_age(history, today)
    require(len(rows), LEAST_CUSTOMERS, "customers with an order")
    require(int((triples[:, 0] > 0).sum()), LEAST_REPEATS, "customers with a second purchase day")
    model = BetaGeometricNBD().fit(triples)
    spending, mean_value = _spending(history, today)
    metrics, baselines, evaluated, current_loss = _evaluate(history, today, current)
    calibration = _calibration(history, today - HORIZON_DAYS)
    parameters = {
        "horizon_days": HORIZON_DAYS,
        "calibration": calibration,
        "process": process_parameters(model),
        "evaluated": evaluated,
        "spending": None if spending is None else {"p": spending.p_, "q": spending.q_, "v": spending.v_},
    }
    # The product shows probabilities, so the proper score decides; ranking is reported beside it.
    verdict = judge(
        measure="log_loss",
        candidate=metrics.get("log_loss"),
        baseline=baselines.get("log_loss"),
        current=current_loss,
        higher_is_better=False,
        tolerance=LOSS_TOLERANCE,
    )
    trained = Trained(
        method="bg_nbd",
        rows=len(history.day),
        customers=len(rows),
        parameters=parameters,
        metrics=metrics | {"log_likelihood": round(model.log_likelihood_, 3)},
        baselines=baselines,
        verdict=verdict,
        contents=Contents({"kind": "purchase", **parameters}),
    )
    return trained, _forecast(history, rows, triples, model, calibration, spending, mean_value, today)


def process_parameters(model: BetaGeometricNBD) -> dict[str, float]:
    return {"r": model.r_, "alpha": model.alpha_, "a": model.a_, "b": model.b_}


def _evaluate(
    history: PurchaseHistory, today: int, current: dict[str, Any] | None
) -> tuple[dict[str, float], dict[str, float], dict[str, Any] | None, float | None]:
    """Metrics and baselines on the newest closed window, what was judged, the current version's loss."""
    cut_off = today - HORIZON_DAYS
    rows, triples = recency_frequency_age(history, cut_off)
    if len(rows) < LEAST_CUSTOMERS or (triples[:, 0] > 0).sum() < LEAST_REPEATS:
        return {}, {}, None, None
    later = history.purchase_days_between(cut_off, today)[rows]
    bought = later > 0
    model = BetaGeometricNBD().fit(triples)
    calibration = _calibration(history, cut_off - HORIZON_DAYS)
    quality = probability_quality(bought, calibrated(model, triples, calibration))
    own_rate = (triples[:, 0] + 1.0) / np.maximum(triples[:, 2], 1.0) * HORIZON_DAYS
    metrics = rounded({**quality, "mae": mean_absolute_error(later, model.predict(triples, HORIZON_DAYS))})
    recency = triples[:, 2] - triples[:, 1]
    alone = probability_quality(bought, _by_recency_alone(history, cut_off, recency, float(bought.mean())))
    baselines = rounded(
        {**alone, "auc": ranking_auc(bought, -recency), "mae": mean_absolute_error(later, own_rate)}
    )
    current_loss = None
    if current and current.get("evaluated"):
        in_use = BetaGeometricNBD.with_parameters(**current["evaluated"]["process"])
        probability = calibrated(in_use, triples, current["evaluated"]["calibration"])
        current_loss = probability_quality(bought, probability).get("log_loss")
    evaluated = {"process": process_parameters(model), "calibration": calibration}
    return metrics, baselines, evaluated, current_loss


def calibrated(process: BetaGeometricNBD, triples: Floats, calibration: Calibration) -> Floats:
    """P(purchase in the horizon): the process, its log odds corrected by what a closed window showed."""
    if calibration is None:
        return process.probability_of_purchase(triples, HORIZON_DAYS)
    *weights, intercept = calibration
    return np.asarray(special.expit(_evidence(process, triples) @ np.array(weights) + intercept))


def _calibration(history: PurchaseHistory, cut_off: int) -> Calibration:
    """Weights of the process' log odds and of recency, and an intercept, from the window at `cut_off`.

    None without enough customers of both kinds in it: then the process speaks for itself.
    """
    rows, triples = recency_frequency_age(history, cut_off)
    bought = history.purchase_days_between(cut_off, cut_off + HORIZON_DAYS)[rows] > 0
    fewest = min(bought.sum(), (~bought).sum())
    if fewest < LEAST_OF_EACH or (triples[:, 0] > 0).sum() < LEAST_REPEATS:
        return None
    evidence = _evidence(BetaGeometricNBD().fit(triples), triples)
    found = LogisticRegression().fit(evidence, bought)
    return [*found.coef_[0].tolist(), float(found.intercept_[0])]


def _evidence(process: BetaGeometricNBD, triples: Floats) -> Floats:
    probability = np.clip(process.probability_of_purchase(triples, HORIZON_DAYS), TINY, 1.0 - TINY)
    return np.column_stack([special.logit(probability), np.log1p(triples[:, 2] - triples[:, 1])])


def _by_recency_alone(history: PurchaseHistory, cut_off: int, recency: Floats, share: float) -> Floats:
    """The baseline: a curve over recency learnt from the window before; without one, the base rate."""
    rows, triples = recency_frequency_age(history, cut_off - HORIZON_DAYS)
    bought = history.purchase_days_between(cut_off - HORIZON_DAYS, cut_off)[rows] > 0
    if bought.size == 0 or bought.all() or not bought.any():
        return np.full(len(recency), share)
    earlier = np.log1p(triples[:, 2] - triples[:, 1]).reshape(-1, 1)
    curve = LogisticRegression().fit(earlier, bought)
    return np.asarray(curve.predict_proba(np.log1p(recency).reshape(-1, 1))[:, 1])


def _spending(history: PurchaseHistory, today: int) -> tuple[GammaGamma | None, float]:
    """The spend model where enough customers came back, and the mean spend of a purchase day."""
    mean = float(history.total_minor.mean()) if history.total_minor.size else 0.0
    _, values = mean_repeat_value(history, today)
    if len(values) < LEAST_VALUES:
        return None, mean
    model = GammaGamma().fit(values)
    # With q <= 1 the population's mean spend does not exist.
    return (model, mean) if model.q_ > 1.0 else (None, mean)


def _forecast(  # noqa: PLR0917 - the pieces of one fit
    history: PurchaseHistory,
    rows: Integers,
    triples: Floats,
    model: BetaGeometricNBD,
    calibration: Calibration,
    spending: GammaGamma | None,
    mean_value: float,
    today: int,
) -> PurchaseForecast:
    expected = model.predict(triples, HORIZON_DAYS)
    value = np.full(len(rows), mean_value)
    if spending is not None:
        known, values = mean_repeat_value(history, today)
        per_day = np.zeros((history.customers, 2))
        per_day[known] = values
        value = spending.predict(per_day[rows])
    return PurchaseForecast(
        rows=rows,
        probability=calibrated(model, triples, calibration),
        expected=expected,
        alive=model.probability_alive(triples),
        value_minor=np.round(expected * value),
    )
