"""Group the customers of one tenant and recognise the groups of the last time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recommendations.ml.arrays import Floats, Integers
from recommendations.ml.artefacts import Contents
from recommendations.ml.clusters import (
    CustomerClusters,
    Trait,
    nearest,
    quintile_labels,
    sampled_silhouette,
    stable_ids,
)
from recommendations.ml.gate import Reason, Verdict, judge
from recommendations.ml.history import PurchaseHistory
from recommendations.ml.rfm import SEGMENT_FEATURES, features_as_of
from recommendations.ml.trained import Trained, require, rounded

LEAST_CUSTOMERS = 30
SILHOUETTE_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class CustomerGroup:
    """A group by its lasting id, with what distinguishes it.

    `rows` are customer rows of the history and `values` their features, in the order of `SEGMENT_FEATURES`.
    """

    id: int
    traits: tuple[Trait, ...]
    rows: Integers
    medians: dict[str, float]
    values: Floats


def train_segments(
    history: PurchaseHistory, today: int, current: dict[str, Any] | None, *, random_state: int = 0
) -> tuple[Trained, list[CustomerGroup]]:
    """Choose the number of groups, fit, and give each group the id it had. Raises NotEnoughData."""
    table = features_as_of(history, today)
    require(len(table.rows), LEAST_CUSTOMERS, "customers with an order")
    values = table.columns(SEGMENT_FEATURES)
    model = CustomerClusters(random_state=random_state)
    require(len(np.unique(values, axis=0)), model.largest + 1, "customers who differ")
    model.fit(values)
    standard = model.standardised(values)
    log_centres = model.log_centres()
    previous = _centres(current)
    ids = stable_ids(log_centres, model.scale_, previous)
    groups = [
        CustomerGroup(
            ids[number],
            traits,
            table.rows[model.labels_ == number],
            _medians(values, model, number),
            values[model.labels_ == number],
        )
        for number, traits in enumerate(model.traits(SEGMENT_FEATURES))
    ]
    baseline = sampled_silhouette(
        standard, quintile_labels(values[:, 0], values[:, 1]), model.silhouette_rows, random_state
    )
    parameters = {
        "features": list(SEGMENT_FEATURES),
        "scale": model.scale_.tolist(),
        "mean": model.mean_.tolist(),
        "groups": {str(ids[number]): log_centres[number].tolist() for number in range(model.n_clusters_)},
        "candidates": [
            {"groups": found.clusters, "silhouette": found.silhouette, "stability": found.stability}
            for found in model.candidates_
        ],
    }
    trained = Trained(
        method="k_means",
        rows=len(history.day),
        customers=len(table.rows),
        parameters=parameters,
        metrics=rounded({"silhouette": model.silhouette_, "stability": model.stability_}),
        baselines=rounded({"silhouette": baseline}),
        verdict=_verdict(model, baseline, _current_silhouette(model, standard, previous, random_state)),
        contents=Contents({"kind": "segments", **parameters}, {"centres": model.centres_}),
    )
    return trained, groups


def _verdict(model: CustomerClusters, baseline: float, current: float | None) -> Verdict:
    """Unstable groups replace nothing; on the first day they are better than none, and the report says so."""
    verdict = judge(
        measure="silhouette",
        candidate=model.silhouette_,
        baseline=baseline,
        current=current,
        tolerance=SILHOUETTE_TOLERANCE,
    )
    if verdict.accepted and not model.is_stable_:
        return Verdict(
            accepted=current is None,
            reason=Reason.UNSTABLE,
            measure="stability",
            candidate=model.stability_,
            baseline=model.stability,
            current=None,
        )
    return verdict


def _current_silhouette(
    model: CustomerClusters, standard: Any, previous: dict[int, Any], random_state: int
) -> float | None:
    """How well the groups in use still separate today's customers."""
    if not previous:
        return None
    centres = (np.array(list(previous.values())) - model.mean_) / model.scale_
    return sampled_silhouette(standard, nearest(standard, centres), model.silhouette_rows, random_state)


def _centres(current: dict[str, Any] | None) -> dict[int, Any]:
    if not current or current.get("features") != list(SEGMENT_FEATURES):
        return {}
    return {int(key): np.array(centre) for key, centre in current["groups"].items()}


def _medians(values: Any, model: CustomerClusters, number: int) -> dict[str, float]:
    middle = np.median(values[model.labels_ == number], axis=0)
    return {name: float(value) for name, value in zip(SEGMENT_FEATURES, middle, strict=True)}
