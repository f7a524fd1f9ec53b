"""What orders earned, as returns ask for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rewards.domain.pots import LinePoints, of_record
from rewards.domain.sources import source_id
from rewards.models import DecisionEvent, DecisionRecord, LedgerTransaction


def of_orders(order_ids: Collection[int]) -> dict[int, LinePoints]:
    """Return what decided orders earned, the points of rules with their own expiry apart."""
    rows = DecisionRecord.objects.filter(event_type=DecisionEvent.ORDER, event_id__in=order_ids)
    return {order_id: of_record(record) for order_id, record in rows.values_list("event_id", "record")}


def transactions(earned: Mapping[int, LinePoints]) -> dict[str, int]:
    """Return the postings of what orders earned, by their source."""
    sources = [source_id(order_id, pot) for order_id, pots in earned.items() for pot in pots]
    rows = LedgerTransaction.objects.filter(source_type=DecisionEvent.ORDER, source_id__in=sources)
    return dict(rows.values_list("source_id", "id"))
