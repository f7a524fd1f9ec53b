"""Train, judge and apply the purchase process of one tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

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
AUC_TOLERANCE = 0.005


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
    metrics, baselines, evaluated, current_auc = _evaluate(history, today, current)
    parameters = {
        "horizon_days": HORIZON_DAYS,
        "process": process_parameters(model),
        "evaluated": evaluated,
        "spending": None if spending is None else {"p": spending.p_, "q": spending.q_, "v": spending.v_},
    }
    verdict = judge(
        measure="auc",
        candidate=metrics.get("auc"),
        baseline=baselines.get("auc"),
        current=current_auc,
        tolerance=AUC_TOLERANCE,
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
    return trained, _forecast(history, rows, triples, model, spending, mean_value, today)


def process_parameters(model: BetaGeometricNBD) -> dict[str, float]:
    return {"r": model.r_, "alpha": model.alpha_, "a": model.a_, "b": model.b_}


def _evaluate(
    history: PurchaseHistory, today: int, current: dict[str, Any] | None
) -> tuple[dict[str, float], dict[str, float], dict[str, float] | None, float | None]:
    """Metrics and baselines on the newest closed window, the parameters judged, the current version's AUC."""
    cut_off = today - HORIZON_DAYS
    rows, triples = recency_frequency_age(history, cut_off)
    if len(rows) < LEAST_CUSTOMERS or (triples[:, 0] > 0).sum() < LEAST_REPEATS:
        return {}, {}, None, None
    later = history.purchase_days_between(cut_off, today)[rows]
    bought = later > 0
    model = BetaGeometricNBD().fit(triples)
    quality = probability_quality(bought, model.probability_of_purchase(triples, HORIZON_DAYS))
    own_rate = (triples[:, 0] + 1.0) / np.maximum(triples[:, 2], 1.0) * HORIZON_DAYS
    share = np.full(len(rows), float(bought.mean()))
    metrics = rounded({**quality, "mae": mean_absolute_error(later, model.predict(triples, HORIZON_DAYS))})
    constant = probability_quality(bought, share)
    baselines = rounded(
        {
            "auc": ranking_auc(bought, triples[:, 1] - triples[:, 2]),
            "mae": mean_absolute_error(later, own_rate),
            "brier": constant.get("brier"),
            "log_loss": constant.get("log_loss"),
        }
    )
    current_auc = None
    if current and current.get("evaluated"):
        in_use = BetaGeometricNBD.with_parameters(**current["evaluated"])
        current_auc = ranking_auc(bought, in_use.probability_of_purchase(triples, HORIZON_DAYS))
    return metrics, baselines, process_parameters(model), current_auc


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
        probability=model.probability_of_purchase(triples, HORIZON_DAYS),
        expected=expected,
        alive=model.probability_alive(triples),
        value_minor=np.round(expected * value),
    )
