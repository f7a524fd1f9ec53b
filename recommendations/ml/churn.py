"""Will the customer stay away? Linear and tree models, averaged and calibrated."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import special
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.validation import check_is_fitted

from recommendations.ml.arrays import Booleans, Floats, Integers
from recommendations.ml.history import PurchaseHistory
from recommendations.ml.rfm import FeatureTable, features_as_of
from recommendations.ml.threads import threads_for

EVEN = 0.5


class ChurnModel(ClassifierMixin, BaseEstimator):
    """Mean of logistic regression and small boosted trees; `calibrate` re-fits the scale on newer labels.

    The trees are small on purpose: with library defaults they lose to the linear model on some thousand rows.
    """

    def __init__(
        self,
        *,
        log1p: bool = True,
        penalty_inverse: float = 1.0,
        depth: int = 3,
        leaf_rows: int = 60,
        trees: int = 120,
        learning_rate: float = 0.05,
        random_state: int = 0,
    ) -> None:
        self.log1p = log1p
        self.penalty_inverse = penalty_inverse
        self.depth = depth
        self.leaf_rows = leaf_rows
        self.trees = trees
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, X: Floats, y: Booleans) -> Self:
        labels = np.asarray(y, dtype=bool)
        if labels.all() or not labels.any():
            raise ValueError("churn needs customers who left and customers who stayed")
        self.classes_ = np.array([False, True])
        with threads_for(len(labels)):
            self.linear_: Pipeline = self._linear().fit(X, labels)
            self.boosted_ = self._boosted().fit(X, labels)
        self.slope_, self.intercept_ = 1.0, 0.0
        return self

    def calibrate(self, X: Floats, y: Booleans) -> Self:
        """Fit slope and intercept on the log odds (Platt 1999), on rows the model was not fitted to."""
        labels = np.asarray(y, dtype=bool)
        if labels.all() or not labels.any():
            return self
        log_odds = special.logit(self._mean(X)).reshape(-1, 1)
        platt = LogisticRegression(C=1e6).fit(log_odds, labels)
        slope = float(platt.coef_[0, 0])
        # A falling slope would turn the ranking round: too few labels to trust.
        if slope > 0:
            self.slope_, self.intercept_ = slope, float(platt.intercept_[0])
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Columns: P(stays), P(leaves)."""
        check_is_fitted(self, "linear_")
        leaves = special.expit(self.slope_ * special.logit(self._mean(X)) + self.intercept_)
        return np.column_stack([1.0 - leaves, leaves])

    def predict(self, X: Floats) -> Booleans:
        return np.asarray(self.predict_proba(X)[:, 1] >= EVEN)

    def _mean(self, X: Floats) -> Floats:
        with threads_for(len(X)):
            both = (self.linear_.predict_proba(X)[:, 1] + self.boosted_.predict_proba(X)[:, 1]) / 2.0
        return np.asarray(np.clip(both, 1e-6, 1.0 - 1e-6))

    def _linear(self) -> Pipeline:
        steps: list[Any] = [FunctionTransformer(np.log1p)] if self.log1p else []
        regression = LogisticRegression(
            C=self.penalty_inverse, max_iter=2_000, random_state=self.random_state
        )
        return make_pipeline(*steps, StandardScaler(), regression)

    def _boosted(self) -> HistGradientBoostingClassifier:
        return HistGradientBoostingClassifier(
            max_depth=self.depth,
            min_samples_leaf=self.leaf_rows,
            max_iter=self.trees,
            learning_rate=self.learning_rate,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=self.random_state,
        )


def closed_windows(first_day: int, today: int, horizon: int, *, step: int = 30, most: int = 6) -> list[int]:
    """Cut-offs whose next `horizon` days are over by `today`, newest first.

    Each keeps at least `horizon` days of history before it, so that the features have something to say.
    """
    newest = today - horizon
    return list(range(newest, first_day + horizon - 1, -step))[:most]


def labelled(history: PurchaseHistory, cut_off: int, horizon: int) -> tuple[FeatureTable, Booleans]:
    """Features as of `cut_off` and whether each customer bought nothing in the `horizon` days from it on."""
    table = features_as_of(history, cut_off)
    bought = history.purchase_days_between(cut_off, cut_off + horizon)
    return table, bought[table.rows] == 0


def stacked(history: PurchaseHistory, cut_offs: list[int], horizon: int) -> tuple[Floats, Booleans, Integers]:
    """Rows of several windows below one another; the third array says from which cut-off each row comes."""
    parts = [labelled(history, cut_off, horizon) for cut_off in cut_offs]
    values = np.vstack([table.values for table, _ in parts])
    labels = np.concatenate([left for _, left in parts])
    origin = np.concatenate(
        [np.full(len(table.rows), cut_off) for (table, _), cut_off in zip(parts, cut_offs, strict=True)]
    )
    return values, labels, origin
