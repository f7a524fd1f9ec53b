"""Choose, judge and apply the recommender of one tenant: both slots."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from recommendations.ml.als import ImplicitALS
from recommendations.ml.arrays import Floats, Integers, as_csr
from recommendations.ml.artefacts import Contents
from recommendations.ml.buy_again import BuyAgain
from recommendations.ml.ease import EASE, LARGEST_SIDE
from recommendations.ml.gate import Reason, Verdict, judge
from recommendations.ml.popularity import Popularity
from recommendations.ml.ranking import RankingQuality, quality
from recommendations.ml.recommender import Recommender
from recommendations.ml.splits import Interactions, PairTimes, TimeSplit, pair_times, time_split, without
from recommendations.ml.topk import NONE, TopK
from recommendations.ml.trained import Trained, require, rounded

LIST_LENGTH = 50
TEST_DAYS = 30
RECENT_DAYS, FALLBACK_DAYS = 30, 90
LEAST_BUYERS = 3
LEAST_CUSTOMERS, LEAST_ITEMS = 20, 20
HALF_LIVES = (30.0, 60.0, 120.0)
NDCG_TOLERANCE = 0.002
POPULARITY = "popularity"
EVALUATED = 20
# Candidates by method and parameters: what wins on groceries, gifts and films lies among them.
EASE_GRID: tuple[dict[str, Any], ...] = ({"regularization": 200.0}, {"regularization": 1000.0})
ALS_GRID: tuple[dict[str, Any], ...] = (
    {"factors": 64, "regularization": 30.0, "alpha": 1.0, "iterations": 8},
)


@dataclass(frozen=True, slots=True, eq=False)
class SlotLists:
    """Lists of one slot, one row per customer row; -1 fills the end."""

    items: Integers
    scores: Any
    sources: Integers


@dataclass(frozen=True, slots=True, eq=False)
class RecommendationLists:
    """Both slots, with what the reasons need."""

    new_for_you: SlotLists
    buy_again: SlotLists
    times: Integers
    every_days: Integers
    recent_customers: Integers
    popular: list[tuple[int, int]]


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """A candidate with what it achieved on the time split."""

    method: str
    parameters: dict[str, Any]
    found: RankingQuality


def train_recommender(
    interactions: Interactions, today: int, current: dict[str, Any] | None, *, random_state: int = 0
) -> tuple[Trained, RecommendationLists]:
    """Pick among EASE and ALS by what the newest 30 days would have confirmed; popularity is to be beaten.

    `current` holds method and parameters of the version in use, which is fitted on the same split to compare.
    Raises NotEnoughData when nobody bought anything.
    """
    require(len(interactions.day), 1, "purchases of an active item")
    frequent = _frequent_items(interactions)
    split = time_split(interactions, today - TEST_DAYS, TEST_DAYS)
    judged, baselines, verdict = _compare(split, current, random_state)
    again, half_life = _best_half_life(split)
    if verdict.accepted and judged is not None:
        method, parameters = judged.method, judged.parameters
    else:
        method, parameters = POPULARITY, {"days": RECENT_DAYS}
    lists, contents = _apply(interactions, today, (method, parameters), frequent, half_life, random_state)
    measured = asdict(judged.found) if judged else {}
    trained = Trained(
        method=method,
        rows=len(interactions.day),
        customers=interactions.customers,
        items=interactions.items,
        parameters={
            "method": method,
            "parameters": parameters,
            "half_life_days": half_life,
            "modelled_items": int(frequent.sum()),
        },
        metrics=rounded({**measured, **again}),
        baselines=baselines,
        verdict=verdict,
        contents=contents,
    )
    return trained, lists


def build(method: str, parameters: dict[str, Any], random_state: int) -> Recommender:
    """An unfitted collaborative model."""
    if method == "ease":
        return EASE(**parameters)
    return ImplicitALS(random_state=random_state, **parameters)


def _frequent_items(interactions: Interactions) -> Any:
    """Items with at least three customers: fewer say nothing about what goes with what."""
    buyers = np.bincount(interactions.binary().indices, minlength=interactions.items)
    return buyers >= LEAST_BUYERS


def _weighted(interactions: Interactions, frequent: Any) -> Any:
    """log1p of purchase days of the frequent items, in their own numbering."""
    matrix = interactions.counts()[:, np.flatnonzero(frequent)]
    matrix.data = np.log1p(matrix.data)
    return as_csr(matrix)


def _compare(
    split: TimeSplit, current: dict[str, Any] | None, random_state: int
) -> tuple[_Judged | None, dict[str, float], Verdict]:
    """The best candidate, the figures of popularity, and the gate's answer."""
    past, future = split.past.binary(), split.future.binary()
    truth = without(future, past)
    known = np.flatnonzero((np.diff(past.indptr) > 0) & (np.diff(truth.indptr) > 0))
    frequent = _frequent_items(split.past)
    candidates = _candidates(split, frequent, known, current)
    if not candidates:
        return None, {}, _baseline_verdict(None, None)
    baseline = max(
        (_popularity_quality(split, past, truth, known, days) for days in (RECENT_DAYS, FALLBACK_DAYS)),
        key=lambda found: found.ndcg_at_10,
    )
    weighted = _weighted(split.past, frequent)
    columns = np.flatnonzero(frequent)
    owned, wanted = past[known][:, columns], truth[known]

    def judge_one(method: str, parameters: dict[str, Any]) -> _Judged:
        model = build(method, parameters, random_state).fit(weighted)
        found = model.recommend(known, EVALUATED, exclude=owned).items
        return _Judged(method, parameters, quality(_renumbered(found, columns), wanted))

    judged = [judge_one(method, parameters) for method, parameters in candidates]
    best = max(judged, key=lambda entry: entry.found.ndcg_at_10)
    in_use = _quality_in_use(current, judged)
    verdict = judge(
        measure="ndcg_at_10",
        candidate=best.found.ndcg_at_10,
        baseline=baseline.ndcg_at_10,
        current=in_use,
        tolerance=NDCG_TOLERANCE,
    )
    if verdict.reason == Reason.NOT_ABOVE_BASELINE:
        verdict = _baseline_verdict(best.found.ndcg_at_10, baseline.ndcg_at_10)
    return best, rounded(asdict(baseline)), verdict


def _candidates(
    split: TimeSplit, frequent: Any, known: Integers, current: dict[str, Any] | None
) -> list[tuple[str, dict[str, Any]]]:
    """The grid and the choice in use, so that a change must beat it on the same window."""
    if len(known) < LEAST_CUSTOMERS or frequent.sum() < LEAST_ITEMS:
        return []
    small = min(split.past.customers, int(frequent.sum())) <= LARGEST_SIDE
    candidates: list[tuple[str, dict[str, Any]]] = [("ease", entry) for entry in EASE_GRID] if small else []
    candidates += [("als", entry) for entry in ALS_GRID]
    if current and current["method"] != POPULARITY:
        in_use = (current["method"], current["parameters"])
        if in_use not in candidates and (small or in_use[0] != "ease"):
            candidates.append(in_use)
    return candidates


def _baseline_verdict(candidate: float | None, baseline: float | None) -> Verdict:
    """Popularity serves: nothing collaborative could be measured, or nothing beat it."""
    return Verdict(
        accepted=True,
        reason=Reason.BASELINE_SERVES,
        measure="ndcg_at_10",
        candidate=candidate,
        baseline=baseline,
        current=None,
    )


def _quality_in_use(current: dict[str, Any] | None, judged: list[_Judged]) -> float | None:
    for entry in judged:
        if current and (entry.method, entry.parameters) == (current["method"], current["parameters"]):
            return entry.found.ndcg_at_10
    return None


def _popularity_quality(
    split: TimeSplit, past: Any, truth: Any, known: Integers, days: int
) -> RankingQuality:
    recent = split.past.between(split.cut_off - days, split.cut_off).binary()
    found = Popularity().fit(recent).recommend(known, EVALUATED, exclude=past[known])
    return quality(found.items, truth[known])


def _best_half_life(split: TimeSplit) -> tuple[dict[str, float | None], float]:
    """The half-life whose repeat lists were confirmed most, and its figures."""
    times, future = pair_times(split.past), split.future.binary()
    known = np.flatnonzero((np.diff(times.counts.indptr) > 0) & (np.diff(future.indptr) > 0))
    if len(known) < LEAST_CUSTOMERS:
        return {}, HALF_LIVES[1]
    truth, best, found = future[known], HALF_LIVES[1], RankingQuality(-1.0, 0.0, 0.0, 0)
    for half_life in HALF_LIVES:
        model = BuyAgain(half_life_days=half_life).fit(times.counts, age_days=times.ages(split.cut_off))
        reached = quality(model.recommend(known, EVALUATED).items, truth)
        if reached.ndcg_at_10 > found.ndcg_at_10:
            best, found = half_life, reached
    return {"buy_again_ndcg_at_10": found.ndcg_at_10, "buy_again_recall_at_20": found.recall_at_20}, best


def _apply(  # noqa: PLR0917 - the choices of one run
    interactions: Interactions,
    today: int,
    chosen: tuple[str, dict[str, Any]],
    frequent: Any,
    half_life: float,
    random_state: int,
) -> tuple[RecommendationLists, Contents]:
    """Fit the choice on everything and list both slots for every customer."""
    rows, owned = np.arange(interactions.customers), interactions.binary()
    recent = interactions.between(today - RECENT_DAYS, today).binary()
    popular = Popularity().fit(interactions.between(today - FALLBACK_DAYS, today).binary())
    arrays: dict[str, Any] = {}
    if chosen[0] == POPULARITY:
        found = Popularity().fit(recent).recommend(rows, LIST_LENGTH, exclude=owned)
        sources = np.full(found.items.shape, NONE, dtype=np.int64)
        # An item that nobody bought lately is not popular.
        found = _only_positive(found)
    else:
        columns = np.flatnonzero(frequent)
        weighted = _weighted(interactions, frequent)
        model = build(*chosen, random_state).fit(weighted)
        found = model.recommend(rows, LIST_LENGTH, exclude=weighted)
        sources = _renumbered(model.sources(rows, found.items), columns)
        found = TopK(_renumbered(found.items, columns), found.scores)
        arrays = _state(model, columns)
    times = pair_times(interactions)
    again_model = BuyAgain(half_life_days=half_life).fit(times.counts, age_days=times.ages(today))
    again = again_model.recommend(rows, LIST_LENGTH)
    counts, every = _rhythm(times, again.items)
    top = _only_positive(popular.recommend(np.zeros(1, dtype=np.int64), LIST_LENGTH))
    lists = RecommendationLists(
        new_for_you=SlotLists(found.items, found.scores, sources),
        buy_again=SlotLists(again.items, again.scores, again.items),
        times=counts,
        every_days=every,
        recent_customers=np.bincount(recent.indices, minlength=interactions.items),
        popular=[
            (int(item), int(score))
            for item, score in zip(top.items[0], top.scores[0], strict=True)
            if item != NONE
        ],
    )
    return lists, Contents({"method": chosen[0], "parameters": chosen[1]}, arrays)


def _state(model: Recommender, columns: Integers) -> dict[str, Any]:
    """ALS keeps its item factors; EASE is a closed form of its data, so the data is its state."""
    if isinstance(model, ImplicitALS):
        return {"columns": columns, "item_factors": model.item_factors_}
    matrix = model.interactions_
    return {"columns": columns, "data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}


def _renumbered(found: Integers, columns: Integers) -> Integers:
    """Item numbers of the frequent items as numbers of all items."""
    return np.where(found == NONE, NONE, columns[np.maximum(found, 0)])


def _only_positive(found: TopK) -> TopK:
    return TopK(np.where(found.scores > 0, found.items, NONE), found.scores)


def _rhythm(times: PairTimes, found: Integers) -> tuple[Integers, Integers]:
    """For each listed pair: days on which it was bought, and the mean days between them (0 for one day)."""
    counts = times.counts
    every = counts.copy()
    gaps: Floats = np.maximum(counts.data - 1.0, 1.0)
    every.data = np.where(counts.data > 1, np.round((times.last - times.first) / gaps), 0.0) + 1.0
    rows = np.arange(len(found))[:, None]
    place = np.maximum(found, 0)
    number, mean = counts[rows, place].toarray(), every[rows, place].toarray() - 1.0
    return number.astype(np.int64), mean.astype(np.int64)
