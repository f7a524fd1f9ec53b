"""How a text feels: a linear model over hashed n-grams that needs no vocabulary and fits in a megabyte."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse, special
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from recommendations.ml.arrays import Booleans, Floats
from recommendations.ml.artefacts import Contents

# A view is (unit, shortest, longest n-gram); English reads words with their shapes, Chinese characters.
View = tuple[str, int, int]
VIEWS_BY_LANGUAGE: dict[str, tuple[View, ...]] = {
    "en": (("word", 1, 2), ("char_wb", 2, 5)),
    "zh": (("char", 1, 2),),
}
_WORD = r"[^\W_]+(?:'\w+)?|[!?]"
EVEN = 0.5


class TextSentiment(ClassifierMixin, BaseEstimator):
    """Logistic regression on sublinear TF-IDF of hashed n-grams (Wang and Manning 2012 for the baseline).

    Each view is weighted and normalised on its own, so that the many character n-grams do not drown the
    words. Hashing keeps no text of the training set in the artefact.
    """

    def __init__(
        self,
        *,
        views: Sequence[View] = VIEWS_BY_LANGUAGE["en"],
        bits: int = 17,
        penalty_inverse: float = 2.0,
        random_state: int = 0,
    ) -> None:
        self.views = views
        self.bits = bits
        self.penalty_inverse = penalty_inverse
        self.random_state = random_state

    def fit(self, X: Sequence[str], y: Booleans) -> Self:
        """Learn from texts and whether each is positive; ValueError without both kinds."""
        labels = np.asarray(y, dtype=bool)
        if labels.all() or not labels.any():
            raise ValueError("sentiment needs positive and negative texts")
        counts = [vectorizer.transform(X) for vectorizer in self._vectorizers()]
        self.idf_ = np.vstack([_idf(each) for each in counts]).astype(np.float32)
        regression = LogisticRegression(
            C=self.penalty_inverse, solver="liblinear", random_state=self.random_state
        ).fit(self._weighted(counts), labels)
        self.coef_ = regression.coef_[0].astype(np.float32)
        self.intercept_ = float(regression.intercept_[0])
        self.classes_ = np.array([False, True])
        return self

    def features(self, X: Sequence[str]) -> sparse.csr_matrix:
        """Weighted n-grams, (texts, views x 2^bits)."""
        check_is_fitted(self, "coef_")
        return self._weighted([vectorizer.transform(X) for vectorizer in self._vectorizers()])

    def decision_function(self, X: Sequence[str]) -> Floats:
        """Log odds of being positive."""
        return np.asarray(self.features(X) @ self.coef_ + self.intercept_, dtype=np.float64)

    def predict_proba(self, X: Sequence[str]) -> Floats:
        """Columns: P(negative), P(positive)."""
        positive = special.expit(self.decision_function(X))
        return np.column_stack([1.0 - positive, positive])

    def predict(self, X: Sequence[str]) -> Booleans:
        return np.asarray(self.predict_proba(X)[:, 1] >= EVEN)

    def to_contents(self) -> Contents:
        """What the artefact holds; half precision moves no probability by more than a thousandth."""
        check_is_fitted(self, "coef_")
        document: dict[str, Any] = {
            "views": [list(view) for view in self.views],
            "bits": self.bits,
            "penalty_inverse": self.penalty_inverse,
            "intercept": self.intercept_,
        }
        arrays = {"idf": self.idf_.astype(np.float16), "coef": self.coef_.astype(np.float16)}
        return Contents(document, arrays)

    @classmethod
    def from_contents(cls, contents: Contents) -> Self:
        document = contents.document
        views = tuple((str(unit), int(low), int(high)) for unit, low, high in document["views"])
        model = cls(views=views, bits=document["bits"], penalty_inverse=document["penalty_inverse"])
        model.idf_ = contents.arrays["idf"].astype(np.float32)
        model.coef_ = contents.arrays["coef"].astype(np.float32)
        model.intercept_ = float(document["intercept"])
        model.classes_ = np.array([False, True])
        return model

    def _vectorizers(self) -> list[HashingVectorizer]:
        return [
            HashingVectorizer(
                n_features=2**self.bits,
                analyzer=unit,
                ngram_range=(low, high),
                token_pattern=_WORD if unit == "word" else None,
                alternate_sign=False,
                norm=None,
                dtype=np.float32,
            )
            for unit, low, high in self.views
        ]

    def _weighted(self, counts: Sequence[Any]) -> sparse.csr_matrix:
        parts = [_normalised(each, idf) for each, idf in zip(counts, self.idf_, strict=True)]
        return sparse.hstack(parts, format="csr")


def _idf(counts: Any) -> Floats:
    """Smoothed inverse document frequency: ln((1 + n) / (1 + df)) + 1."""
    frequencies = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.asarray(np.log((1 + counts.shape[0]) / (1 + frequencies)) + 1.0)


def _normalised(counts: Any, idf: Floats) -> sparse.csr_matrix:
    """Rows of length one, each n-gram weighing (1 + ln count) x idf."""
    weights = (1.0 + np.log(counts.data)) * idf[counts.indices]
    weighted = sparse.csr_matrix((weights, counts.indices, counts.indptr), shape=counts.shape)
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return sparse.diags(1.0 / np.maximum(lengths, 1e-12)) @ weighted
