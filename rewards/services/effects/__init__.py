"""Carrying out effects: one module a kind, called with all the effects of that kind of a batch.

A carrier runs in the transaction that stores the decisions, so it happens exactly once an event. It answers
with the numbers of the events it refuses (a frozen account), whose decisions are not stored, so that the next
run finds them again; and with single effects that it could not carry out, which their decisions tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from rewards.domain.effects import (
    AdvanceChallenge,
    ChangeTier,
    Earn,
    GrantReward,
    IssueCoupon,
    SetTrait,
    TriggerMessage,
)
from rewards.queries.programs import PublishedRevision
from rewards.services.effects import (
    catalogue,
    challenges,
    coupons,
    messages,
    points,
    tier_changes,
    traits,
)
from rewards.services.effects.given import Given
from rewards.services.effects.refusals import NOTHING_REFUSED, Refused
from tenants.domain.actors import Actor


class Carrier(Protocol):
    """Carries out every effect of one kind of a batch; returns what was refused."""

    def __call__(
        self, given: Sequence[Given[Any]], *, published: PublishedRevision, by: Actor, at: datetime
    ) -> Refused: ...


# A capability whose effect is new adds its module here.
CARRIERS: Final[Mapping[type[Any], Carrier]] = {
    Earn: points.carry_out,
    SetTrait: traits.carry_out,
    ChangeTier: tier_changes.carry_out,
    IssueCoupon: coupons.carry_out,
    GrantReward: catalogue.carry_out,
    AdvanceChallenge: challenges.carry_out,
    TriggerMessage: messages.carry_out,
}


def carry_out(
    given: Sequence[Given[Any]], *, published: PublishedRevision, by: Actor, at: datetime
) -> Refused:
    """Carry out a batch's effects, kind by kind; returns the events and effects that were refused."""
    by_kind: dict[type[Any], list[Given[Any]]] = defaultdict(list)
    for item in given:
        by_kind[type(item.effect)].append(item)
    refused = NOTHING_REFUSED
    for kind, carrier in CARRIERS.items():
        allowed = [item for item in by_kind.get(kind, ()) if item.event_id not in refused.events]
        if allowed:
            refused += carrier(allowed, published=published, by=by, at=at)
    return refused
