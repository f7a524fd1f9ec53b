"""Money of orders in the tenant's own currency, by the rates of a revision."""

from __future__ import annotations

import json
from typing import Any

from rewards.domain.exchange import Exchange
from rewards.queries import programs
from tenants.scope import active_tenant


def current() -> Exchange:
    """Return what they are worth under the revision in force; without one only the own currency counts."""
    published = programs.published()
    return published.revision.exchange if published else Exchange(active_tenant().currency)


def own_minor(amount: str, currency: str = "o.currency") -> str:
    """Return an amount's SQL in minor units of the own currency; it asks for ``parameters``.

    What has no rate is worth nothing. Agrees with ``Exchange.minor``.
    """
    is_own = f"%(own_currency)s IN ('', {currency})"
    exchanged = f"ROUND(({amount}) * (%(factors)s::jsonb ->> {currency})::numeric)"
    return f"CASE WHEN {is_own} THEN {amount} ELSE COALESCE({exchanged}, 0)::bigint END"


def parameters(exchange: Exchange) -> dict[str, Any]:
    """Return the parameters of ``own_minor``."""
    return {"own_currency": exchange.own, "factors": json.dumps(exchange.factors)}
