from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from crm.domain.events import NewEvent
from crm.models import Customer, Item, Order, Return, Segment
from crm.services import customers, ingest, items, orders, returns, segments, traits
from tenants.domain.actors import SYSTEM
from tests.conftest import NOW


def customer(external_id: str | None = None, *, at: datetime = NOW, **change: Any) -> Customer:
    return customers.create(
        external_id=external_id, change=customers.CustomerChange(**change), by=SYSTEM, at=at
    )


def item(external_id: str, **fields: Any) -> Item:
    return items.upsert(external_id=external_id, fields=fields, by=SYSTEM, at=NOW)[0]


def order(
    external_id: str,
    buyer: Customer | None,
    lines: list[tuple[str, int, int]] | None = None,
    *,
    placed_at: datetime = NOW - timedelta(days=1),
    **options: Any,
) -> Order:
    return orders.record(
        external_id=external_id,
        customer=buyer,
        placed_at=placed_at,
        lines=[orders.NewLine(*line) for line in (lines or [("sku", 1, 1000)])],
        by=SYSTEM,
        at=NOW,
        **options,
    )


def returned(
    external_id: str, of: Order, quantities: dict[int, int], *, returned_at: datetime = NOW
) -> Return:
    return returns.record(
        external_id=external_id,
        order=of,
        quantity_by_position=quantities,
        returned_at=returned_at,
        by=SYSTEM,
        at=NOW,
    )


def trait(of: Customer, name: str, value: float | str) -> None:
    traits.write_many(name=name, values={of.pk: value}, model_version="v1", at=NOW)


def event(of: Customer, message_id: str, *, occurred_at: datetime = NOW, name: str = "viewed") -> None:
    batch = [NewEvent(message_id, name, occurred_at, external_id=of.external_id, properties={"page": 1})]
    ingest.accept(batch=batch, by=SYSTEM, at=NOW)


def segment(key: str, **options: Any) -> Segment:
    kind = "rule" if "rule" in options else "static"
    return segments.create(key=key, name=key.upper(), kind=kind, by=SYSTEM, at=NOW, **options)
