"""What this app does when orders, returns and events have been recorded."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rewards.services import challenges, earning, tiers
from tenants.domain.actors import SYSTEM
from tenants.queue import consumes


@consumes("crm.orders_recorded")
def award_orders(*, payload: Any, at: datetime) -> None:
    earning.award_orders(payload["order_ids"], by=SYSTEM, at=at)


@consumes("crm.returns_recorded")
def take_back_returns(*, payload: Any, at: datetime) -> None:
    earning.take_back_returns(payload["return_ids"], by=SYSTEM, at=at)


@consumes("crm.orders_recorded")
def count_orders(*, payload: Any, at: datetime) -> None:
    challenges.record_orders(payload["order_ids"], by=SYSTEM, at=at)


@consumes("crm.returns_recorded")
def count_returns(*, payload: Any, at: datetime) -> None:
    challenges.record_returns(payload["return_ids"], by=SYSTEM, at=at)


@consumes("crm.events_recorded")
def count_events(*, payload: Any, at: datetime) -> None:
    challenges.record_events(**payload["batch"], by=SYSTEM, at=at)


@consumes("crm.events_recorded")
def refresh_tiers(*, payload: Any, at: datetime) -> None:
    tiers.refresh_after_events(**payload["batch"], at=at)
