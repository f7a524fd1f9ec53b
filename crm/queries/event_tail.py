"""The newest events and rejects together, as the event debugger shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet, Sum

from crm.domain.event_schemas import masked
from crm.models import Customer, Event, EventReject, EventTally, Identity
from crm.queries import sensitive

MOST_ROWS: Final = 100
# From the newest backwards until there are enough: a busy tenant never reads more than its last minute.
_WINDOWS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 15, 60, 1440, 10_080, 43_200))


@dataclass(frozen=True, slots=True)
class TailFilter:
    """What to show; empty means everything of the last thirty days."""

    name: str = ""
    status: str = ""
    customer: str = ""
    reason: str = ""
    source: str = ""
    within: timedelta = _WINDOWS[-1]


@dataclass(frozen=True, slots=True)
class TailRow:
    """One event or reject. ``payload`` is masked; ``reject_id`` is None for what was accepted."""

    received_at: datetime
    status: str
    name: str
    message_id: str
    payload: Any
    occurred_at: datetime | None = None
    customer: Customer | None = None
    identity: str = ""
    reason: str = ""
    detail: str = ""
    reject_id: UUID | None = None

    @property
    def late(self) -> timedelta | None:
        """How long after it occurred the event was received, if more than a minute."""
        late = self.received_at - self.occurred_at if self.occurred_at else timedelta()
        return late if late > timedelta(minutes=1) else None


def newest(wanted: TailFilter, *, at: datetime) -> list[TailRow]:
    """Return the newest rows, at most ``MOST_ROWS``, the newest first; sensitive values are masked."""
    hidden = sensitive.property_keys()
    rows: list[TailRow] = []
    if wanted.status in {"", "accepted"} and not wanted.reason:
        rows += [_of_event(each, hidden) for each in _events(wanted, at)]
    if wanted.status in {"", "invalid", "replayed"}:
        rows += [_of_reject(each, hidden) for each in rejects(wanted, at=at)[:MOST_ROWS]]
    return sorted(rows, key=lambda row: (row.received_at, row.message_id), reverse=True)[:MOST_ROWS]


def rejects(wanted: TailFilter, *, at: datetime) -> QuerySet[EventReject]:
    """Return the rejects that match, the newest first."""
    found = EventReject.objects.filter(received_at__gte=at - wanted.within)
    if wanted.name:
        found = found.filter(name=wanted.name)
    if wanted.reason:
        found = found.filter(reason=wanted.reason)
    if wanted.source:
        found = found.filter(source=wanted.source)
    if wanted.customer:
        found = found.filter(identity=wanted.customer)
    if wanted.status:
        found = found.filter(replayed_at__isnull=wanted.status != "replayed")
    rows: QuerySet[EventReject] = found.order_by("-received_at", "-pk")
    return rows


def _events(wanted: TailFilter, at: datetime) -> list[Event]:
    found = Event.objects.select_related("customer").prefetch_related("customer__persons")
    if wanted.name:
        found = found.filter(name=wanted.name)
    if wanted.customer:
        ids = Identity.objects.filter(value__in={wanted.customer, wanted.customer.lower()})
        found = found.filter(customer__in=list(ids.values_list("customer_id", flat=True)[:50]))
    rows: list[Event] = []
    for window in (*(each for each in _WINDOWS if each < wanted.within), wanted.within):
        recent = found.filter(received_at__gte=at - window).order_by("-received_at", "-message_id")
        rows = list(recent[:MOST_ROWS])
        if len(rows) >= MOST_ROWS:
            break
    return rows


def _of_event(event: Event, hidden: frozenset[str]) -> TailRow:
    return TailRow(
        received_at=event.received_at,
        status="accepted",
        name=event.name,
        message_id=event.message_id,
        payload=masked(event.properties, hidden),
        occurred_at=event.occurred_at,
        customer=event.customer,
    )


def _of_reject(reject: EventReject, hidden: frozenset[str]) -> TailRow:
    return TailRow(
        received_at=reject.received_at,
        status="invalid" if reject.replayed_at is None else "replayed",
        name=reject.name,
        message_id=reject.message_id,
        payload=masked(reject.payload, hidden),
        identity=reject.identity,
        reason=reject.reason,
        detail=reject.detail,
        reject_id=reject.public_id,
    )


@dataclass(frozen=True, slots=True)
class NameCount:
    """How many events of a name came within the last days, by status."""

    name: str
    accepted: int
    invalid: int
    duplicate: int = 0

    @property
    def received(self) -> int:
        return self.accepted + self.invalid + self.duplicate


def counts(*, since: datetime) -> list[NameCount]:
    """Return the counts by name since the day of ``since``, the most frequent first."""
    found: dict[str, dict[str, int]] = {}
    rows = EventTally.objects.filter(received_on__gte=since.date()).values_list("name", "status", "count")
    for name, status, count in rows:
        by_status = found.setdefault(name, {})
        by_status[status] = by_status.get(status, 0) + count
    listed = [_count(name, each) for name, each in found.items()]
    return sorted(listed, key=lambda each: (-each.received, each.name))


def today(*, name: str, at: datetime) -> NameCount:
    """Return the counts of the day of ``at`` (UTC), of one name or, when it is empty, of all."""
    rows = EventTally.objects.filter(received_on=at.astimezone(UTC).date())
    if name:
        rows = rows.filter(name=name)
    summed = rows.values("status").annotate(events=Sum("count")).values_list("status", "events")
    return _count(name, dict(summed))


def _count(name: str, by_status: dict[str, int]) -> NameCount:
    return NameCount(
        name, by_status.get("accepted", 0), by_status.get("invalid", 0), by_status.get("duplicate", 0)
    )
