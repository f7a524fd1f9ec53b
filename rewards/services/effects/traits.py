"""Traits: written through the customer's side, a trait at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from crm.services import traits
from rewards.domain.effects import SetTrait
from rewards.queries.programs import PublishedRevision
from rewards.services.effects.given import Given
from rewards.services.effects.refusals import NOTHING_REFUSED, Refused
from tenants.domain.actors import Actor


def carry_out(
    given: Sequence[Given[SetTrait]],
    *,
    published: PublishedRevision,
    by: Actor,
    at: datetime,
) -> Refused:
    """Write the traits; of two values for one customer in a batch the later event's stays."""
    values: dict[str, dict[int, float | str]] = defaultdict(dict)
    for item in given:
        values[item.effect.trait][item.customer_id] = item.effect.value
    for name, value_by_customer in values.items():
        traits.write_many(
            name=name, values=value_by_customer, model_version=f"program-{published.number}", at=at
        )
    return NOTHING_REFUSED
