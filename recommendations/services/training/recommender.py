"""Which items to show to whom: both slots, precomputed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from recommendations.ml.recommender_training import (
    RECENT_DAYS,
    RecommendationLists,
    SlotLists,
    train_recommender,
)
from recommendations.ml.topk import NONE
from recommendations.models import ModelVersion, Slot
from recommendations.queries.training_data import (
    ItemInteractions,
    day_after_last_order,
    item_interactions,
)
from recommendations.services import recommendation_lists
from recommendations.services.recommendation_lists import StoredList
from recommendations.services.training.runs import Fitted
from tenants.models import Tenant


def read(tenant: Tenant) -> ItemInteractions:
    """Read who bought what, up to the day after the tenant's last order."""
    return item_interactions(tenant, today=day_after_last_order(tenant))


def fit(tenant: Tenant, data: ItemInteractions, current: ModelVersion | None) -> Fitted:
    """Choose and fit; publishing replaces every customer's lists."""
    trained, lists = train_recommender(data.interactions, data.today, current.parameters if current else None)
    popular = [
        {"item_id": int(data.item_ids[item]), "customers": customers} for item, customers in lists.popular
    ]
    trained = dataclasses.replace(trained, parameters={**trained.parameters, "popular": popular})

    def publish(version: ModelVersion, at: datetime) -> dict[str, Any]:
        written = recommendation_lists.replace_all(
            lists=stored_lists(data, lists), model_version=version, at=at
        )
        return {"lists": written}

    return Fitted(trained, data.cut_off_on, publish)


def stored_lists(data: ItemInteractions, lists: RecommendationLists) -> Iterator[StoredList]:
    """One row per customer and slot that has something to say, with a reason per item."""
    item_ids = data.item_ids.tolist()
    recent = lists.recent_customers.tolist()
    slots = ((Slot.NEW_FOR_YOU, lists.new_for_you), (Slot.BUY_AGAIN, lists.buy_again))
    times, every = lists.times.tolist(), lists.every_days.tolist()
    for slot, found in slots:
        for row, (items, scores, sources) in enumerate(_rows(found)):
            kept = [number for number, item in enumerate(items) if item != NONE]
            if not kept:
                continue
            if slot == Slot.BUY_AGAIN:
                reasons = [_bought(times[row][number], every[row][number]) for number in kept]
            else:
                reasons = [_liked(item_ids, sources[number], recent[items[number]]) for number in kept]
            yield StoredList(
                customer_id=int(data.customer_ids[row]),
                slot=slot,
                item_ids=[item_ids[items[number]] for number in kept],
                scores=[scores[number] for number in kept],
                reasons=reasons,
            )


def _rows(found: SlotLists) -> Iterator[tuple[list[int], list[float], list[int]]]:
    return zip(
        found.items.tolist(),
        found.scores.astype(float).round(5).tolist(),
        found.sources.tolist(),
        strict=True,
    )


def _bought(times: int, every_days: int) -> dict[str, Any]:
    return {"kind": "bought", "times": times, "every_days": every_days}


def _liked(item_ids: list[int], source: int, customers: int) -> dict[str, Any]:
    if source == NONE:
        return {"kind": "popular", "customers": customers, "days": RECENT_DAYS}
    return {"kind": "liked", "item_id": item_ids[source]}
