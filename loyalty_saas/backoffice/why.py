"""Decision records in words: the answer to “why did I not get points?”."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from crm.models import Customer, Order, Return
from rewards.admin.reasons import Outcome, outcomes
from rewards.domain.programs import Revision
from rewards.models import DecisionEvent, DecisionRecord
from rewards.queries import reports

SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Why:
    decision: DecisionRecord
    source: str
    url_id: Any
    outcomes: list[Outcome]


def decisions(customer: Customer, revision: Revision | None, currency: str) -> list[Why]:
    """Return the newest decisions about one customer, in words."""
    rows = list(reports.decisions_of(customer.pk)[:SHOWN])
    sources = _sources(rows)
    names = {rule.key: rule.name for rule in revision.rules} if revision else {}
    found = []
    for row in rows:
        unnamed: tuple[str, Any] = (row.record.get("event", ""), None)
        source, url_id = sources.get((row.event_type, row.event_id), unnamed)
        found.append(Why(row, source, url_id, outcomes(row.record, names, currency)))
    return found


def _sources(rows: list[DecisionRecord]) -> dict[tuple[str, int], tuple[str, Any]]:
    """Return (external id, public id of the order) of what each record decided about."""
    ids: dict[str, list[int]] = {kind: [] for kind in DecisionEvent.values}
    for row in rows:
        ids[row.event_type].append(row.event_id)
    orders = Order.objects.filter(pk__in=ids["order"]).values_list("pk", "external_id", "public_id")
    numbers = [*ids["return"], *ids["returned"]]
    returns = Return.objects.filter(pk__in=numbers).values_list("pk", "external_id", "order__public_id")
    found = {("order", pk): (external_id, public_id) for pk, external_id, public_id in orders}
    return found | {
        (kind, pk): (external_id, public_id)
        for pk, external_id, public_id in returns
        for kind in ("return", "returned")
    }
