"""What this app does when orders and returns have been recorded."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rewards.services import earning
from tenants.domain.actors import SYSTEM
from tenants.queue import consumes


@consumes("crm.orders_recorded")
def award_orders(*, payload: Any, at: datetime) -> None:
    earning.award_orders(payload["order_ids"], by=SYSTEM, at=at)


@consumes("crm.returns_recorded")
def take_back_returns(*, payload: Any, at: datetime) -> None:
    earning.take_back_returns(payload["return_ids"], by=SYSTEM, at=at)
