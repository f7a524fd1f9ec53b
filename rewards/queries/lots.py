"""Lots as they are told to others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crm.models import Order
from rewards.models import DecisionEvent, Lot


@dataclass(frozen=True, slots=True)
class ToldLot:
    """A lot, with the event it waits for and the client's id of the order that the event must name."""

    lot: Lot
    awaits: str
    order: str | None


def told(rows: Sequence[Lot]) -> list[ToldLot]:
    """Return lots with what they wait for, in one query however many there are."""
    waits = {row.pk: row.awaits.split(":") for row in rows if row.awaits}
    ids = [int(wait[2]) for wait in waits.values() if wait[1:2] == [DecisionEvent.ORDER.value]]
    names = dict(Order.objects.filter(pk__in=ids).values_list("pk", "external_id")) if ids else {}
    return [_told(row, waits.get(row.pk, [""]), names) for row in rows]


def _told(row: Lot, wait: Sequence[str], names: dict[int, str]) -> ToldLot:
    is_order = wait[1:2] == [DecisionEvent.ORDER.value]
    return ToldLot(row, wait[0], names.get(int(wait[2])) if is_order else None)
