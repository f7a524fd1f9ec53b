"""Several identities on one event: who was anonymous is known, a known customer has one more address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from crm.domain.events import NewEvent
from crm.domain.identities import normalise
from crm.models import Identity
from crm.services import identities, tombstones
from tenants.domain.actors import SYSTEM
from tenants.services import outbox

Pair = tuple[str, str]
_ANONYMOUS: Final = ("anonymous_id", "device")
_NAMED: Final = ("email", "phone", "card")


def publish(*, events: Iterable[NewEvent], spelled: dict[Pair, Pair], at: datetime) -> None:
    """Publish ``crm.identities_linked`` when events of a batch carry more than their customer's identity."""
    given = {(other, event.identity) for event in events if _may_have_more(event) for other in _others(event)}
    if not given:
        return
    spelling = identities.spelling_of({kind for (kind, _), _ in given})
    links = sorted(
        ((kind, other), spelled[known])
        for (kind, value), known in given
        if known is not None and (other := normalise(kind, value, spelling))
    )
    outbox.publish(topic="crm.identities_linked", payload={"links": links}, at=at)


def _may_have_more(event: NewEvent) -> bool:
    """Tell most events from the others without building anything: this runs for every event."""
    return not (event.anonymous_id is event.email is event.phone is event.device is event.card is None)


def _others(event: NewEvent) -> list[Pair]:
    """Return the identities beside the first; none where the first is anonymous itself."""
    pairs = [
        ("anonymous_id", event.anonymous_id), ("device", event.device), ("email", event.email),
        ("phone", event.phone), ("card", event.card),
    ]  # fmt: skip
    found = [(kind, value) for kind, value in pairs if value is not None]
    if not found or event.identity is None or event.identity[0] in _ANONYMOUS:
        return []
    return [pair for pair in found if pair[0] != event.identity[0]]


def follow(*, links: Sequence[Sequence[Sequence[str]]], at: datetime) -> None:
    """Join anonymous histories to their customers; give customers the addresses that nobody has."""
    pairs = [((other[0], other[1]), (known[0], known[1])) for other, known in links]
    identities.identify(links=[each for each in pairs if each[0][0] in _ANONYMOUS], by=SYSTEM, at=at)
    named = [each for each in pairs if each[0][0] in _NAMED]
    erased = tombstones.erased({pair for link in named for pair in link})
    named = [link for link in named if erased.isdisjoint(link)]
    found = identities.resolve({known for _, known in named})
    Identity.objects.bulk_create(
        [
            Identity(customer_id=found[known], kind=kind, value=value, created_at=at)
            for (kind, value), known in named
            if known in found
        ],
        ignore_conflicts=True,
    )
