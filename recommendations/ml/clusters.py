"""Groups of customers: how many, how stable, how to recognise them after a refit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.utils.validation import check_is_fitted

from recommendations.ml.arrays import Floats, Integers
from recommendations.ml.threads import threads_for

MATCH_DISTANCE = 1.5


@dataclass(frozen=True, slots=True)
class ClusterCount:
    """What one number of clusters achieved."""

    clusters: int
    silhouette: float
    stability: float


@dataclass(frozen=True, slots=True)
class Trait:
    """A feature that tells a cluster from the others: `deviation` is in standard deviations from the mean."""

    feature: str
    deviation: float


class CustomerClusters(ClusterMixin, BaseEstimator):
    """K-means on standardised log1p features; k by silhouette among the stable ones.

    Stability of k is the mean adjusted Rand index between the clustering of all rows and those of random 80 %
    subsamples. When no k reaches `stability`, the most stable one is taken and `is_stable_` is false.
    Fitted: `n_clusters_`, `labels_`, `centres_` (standardised), `mean_`, `scale_`, `candidates_`.
    """

    def __init__(
        self,
        *,
        smallest: int = 3,
        largest: int = 6,
        stability: float = 0.9,
        subsamples: int = 4,
        selection_rows: int = 20_000,
        silhouette_rows: int = 4_000,
        random_state: int = 0,
    ) -> None:
        self.smallest = smallest
        self.largest = largest
        self.stability = stability
        self.subsamples = subsamples
        self.selection_rows = selection_rows
        self.silhouette_rows = silhouette_rows
        self.random_state = random_state

    def fit(self, X: Floats, y: object = None) -> Self:
        logs = np.log1p(np.asarray(X, dtype=np.float64))
        if len(np.unique(logs, axis=0)) <= self.largest:
            raise ValueError(f"clustering needs more than {self.largest} different rows")
        self.mean_, deviation = logs.mean(axis=0), logs.std(axis=0)
        self.scale_ = np.where(deviation > 0, deviation, 1.0)
        standard = (logs - self.mean_) / self.scale_
        with threads_for(len(standard)):
            self.candidates_ = self._candidates(standard)
            chosen = self._chosen()
            fitted = self._k_means(chosen.clusters).fit(standard)
        self.n_clusters_ = chosen.clusters
        self.silhouette_, self.stability_ = chosen.silhouette, chosen.stability
        self.is_stable_ = chosen.stability >= self.stability
        self.centres_: Floats = fitted.cluster_centers_
        self.labels_: Integers = fitted.labels_.astype(np.int64)
        return self

    def predict(self, X: Floats) -> Integers:
        """Nearest centre of each row."""
        check_is_fitted(self, "centres_")
        return nearest(self.standardised(X), self.centres_)

    def standardised(self, X: Floats) -> Floats:
        return np.asarray((np.log1p(np.asarray(X, dtype=np.float64)) - self.mean_) / self.scale_)

    def log_centres(self) -> Floats:
        """Centres in log1p units, comparable between fits whose standardisation differs."""
        return np.asarray(self.centres_ * self.scale_ + self.mean_)

    def traits(self, names: tuple[str, ...], *, at_least: float = 0.35) -> list[tuple[Trait, ...]]:
        """Per cluster the features that distinguish it, strongest first; always at least one."""
        return [distinguishing(centre, names, at_least=at_least) for centre in self.centres_]

    def _k_means(self, clusters: int) -> KMeans:
        return KMeans(clusters, n_init=6, random_state=self.random_state)

    def _candidates(self, standard: Floats) -> list[ClusterCount]:
        rng = np.random.default_rng(self.random_state)
        rows = _sample(rng, standard, self.selection_rows)
        return [self._measure(rows, clusters, rng) for clusters in range(self.smallest, self.largest + 1)]

    def _measure(self, rows: Floats, clusters: int, rng: np.random.Generator) -> ClusterCount:
        labels = self._k_means(clusters).fit_predict(rows)
        agreements = []
        for _ in range(self.subsamples):
            drawn = rng.permutation(len(rows))[: max(clusters + 1, int(0.8 * len(rows)))]
            agreements.append(
                adjusted_rand_score(labels[drawn], self._k_means(clusters).fit_predict(rows[drawn]))
            )
        silhouette = sampled_silhouette(rows, labels, self.silhouette_rows, self.random_state)
        return ClusterCount(clusters, silhouette, float(np.mean(agreements)))

    def _chosen(self) -> ClusterCount:
        stable = [candidate for candidate in self.candidates_ if candidate.stability >= self.stability]
        if stable:
            return max(stable, key=lambda candidate: candidate.silhouette)
        return max(self.candidates_, key=lambda candidate: candidate.stability)


def distinguishing(centre: Floats, names: tuple[str, ...], *, at_least: float) -> tuple[Trait, ...]:
    """Features of a standardised centre at least so far from the mean; the farthest one in any case."""
    order = np.argsort(-np.abs(centre), kind="stable")
    far = [int(index) for index in order if abs(centre[index]) >= at_least] or [int(order[0])]
    return tuple(Trait(names[index], float(centre[index])) for index in far)


def nearest(points: Floats, centres: Floats) -> Integers:
    """Row number of the centre closest to each point."""
    squared = (centres * centres).sum(axis=1) - 2.0 * points @ centres.T
    return np.asarray(np.argmin(squared, axis=1), dtype=np.int64)


def sampled_silhouette(rows: Floats, labels: Integers, size: int, random_state: int) -> float:
    """Silhouette on at most `size` rows (its cost is quadratic); 0 when the sample holds a single cluster."""
    drawn = np.random.default_rng(random_state).permutation(len(rows))[:size]
    if not 1 < len(np.unique(labels[drawn])) < len(drawn):
        return 0.0
    return float(silhouette_score(rows[drawn], labels[drawn]))


def quintile_labels(recency: Floats, frequency: Floats) -> Integers:
    """RFM by hand, the baseline: customers split at the medians of recency and frequency into four groups."""
    recent = recency <= np.median(recency)
    frequent = frequency > np.median(frequency)
    return (2 * recent + frequent).astype(np.int64)


def stable_ids(log_centres: Floats, scale: Floats, previous: dict[int, Floats]) -> list[int]:
    """An id for each centre: that of the previous centre it continues (Hungarian matching), else a new one.

    Both sides are in log1p units; `scale` (standard deviations of this fit) makes the distances comparable.
    A pair farther apart than 1.5 standard deviations on average is not the same group. Ids are never reused.
    """
    ids = [0] * len(log_centres)
    next_id = max(previous, default=0) + 1
    if previous:
        known = list(previous)
        gap = (log_centres[:, None, :] - np.array([previous[key] for key in known])[None, :, :]) / scale
        distance = np.sqrt((gap * gap).mean(axis=2))
        for row, column in zip(*linear_sum_assignment(distance), strict=True):
            if distance[row, column] <= MATCH_DISTANCE:
                ids[row] = known[column]
    for row, assigned in enumerate(ids):
        if not assigned:
            ids[row], next_id = next_id, next_id + 1
    return ids


def _sample(rng: np.random.Generator, rows: Floats, size: int) -> Floats:
    return rows if len(rows) <= size else rows[rng.permutation(len(rows))[:size]]
