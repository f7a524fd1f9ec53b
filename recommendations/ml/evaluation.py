"""Figures that describe predictions against what came true."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from recommendations.ml.arrays import Booleans, Floats, Integers


def probability_quality(truth: Booleans, probability: Floats) -> dict[str, float]:
    """AUC, average precision, Brier score and log loss; empty when only one outcome occurred."""
    if truth.size == 0 or truth.all() or not truth.any():
        return {}
    clipped = np.clip(probability, 1e-6, 1.0 - 1e-6)
    return {
        "auc": float(roc_auc_score(truth, probability)),
        "average_precision": float(average_precision_score(truth, probability)),
        "brier": float(brier_score_loss(truth, clipped)),
        "log_loss": float(log_loss(truth, clipped)),
    }


def ranking_auc(truth: Booleans, score: Floats) -> float | None:
    """AUC of any score; None when only one outcome occurred."""
    if truth.size == 0 or truth.all() or not truth.any():
        return None
    return float(roc_auc_score(truth, score))


def mean_absolute_error(truth: Floats | Integers, prediction: Floats) -> float:
    return float(np.abs(np.asarray(truth, dtype=np.float64) - prediction).mean()) if len(truth) else 0.0
