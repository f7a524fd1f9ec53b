"""Matching cancelled lines to the sales they cancel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Sale:
    """A line that was sold; ``remaining`` of it have not come back yet."""

    line_id: int
    order_id: int
    customer_id: int
    sku: str
    unit_price_minor: int
    remaining: int
    sold_at: datetime


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A line that takes ``quantity`` of an article back from a customer."""

    row_number: int
    customer_id: int
    sku: str
    unit_price_minor: int
    quantity: int
    cancelled_at: datetime


@dataclass(frozen=True, slots=True)
class Match:
    """``quantity`` of the sale's line come back because of the cancellation's row."""

    row_number: int
    order_id: int
    line_id: int
    quantity: int
    amount_minor: int


def match_cancellations(
    sales: Iterable[Sale], cancellations: Iterable[Cancellation]
) -> tuple[list[Match], dict[int, str]]:
    """Match each cancellation to earlier sales of the article to the customer at the price, the latest first.

    All or nothing: a cancellation that the remaining sales do not cover is refused whole. Returns the
    matches and the reason by row number of every refused one.
    """
    remaining = _Remaining(sales)
    matches: list[Match] = []
    refused: dict[int, str] = {}
    for cancellation in sorted(cancellations, key=lambda each: (each.cancelled_at, each.row_number)):
        found = remaining.take(cancellation)
        if found:
            matches.extend(found)
        else:
            refused[cancellation.row_number] = remaining.refusal(cancellation)
    return matches, refused


class _Remaining:
    """What can still come back, by customer, article and price; latest sale first."""

    def __init__(self, sales: Iterable[Sale]) -> None:
        self.sales_by_key: dict[tuple[int, str, int], list[Sale]] = defaultdict(list)
        for sale in sorted(sales, key=lambda each: (each.sold_at, each.line_id), reverse=True):
            self.sales_by_key[(sale.customer_id, sale.sku, sale.unit_price_minor)].append(sale)
        self.left_by_line = {
            sale.line_id: sale.remaining for each in self.sales_by_key.values() for sale in each
        }

    def take(self, cancellation: Cancellation) -> list[Match]:
        wanted = cancellation.quantity
        found: list[Match] = []
        for sale in self._earlier(cancellation):
            taken = min(wanted, self.left_by_line[sale.line_id])
            if taken > 0:
                amount = taken * cancellation.unit_price_minor
                found.append(Match(cancellation.row_number, sale.order_id, sale.line_id, taken, amount))
                wanted -= taken
            if not wanted:
                break
        if wanted:
            return []
        for match in found:
            self.left_by_line[match.line_id] -= match.quantity
        return found

    def refusal(self, cancellation: Cancellation) -> str:
        return "cancels_more_than_sold" if self._earlier(cancellation) else "cancels_unknown_sale"

    def _earlier(self, cancellation: Cancellation) -> list[Sale]:
        key = (cancellation.customer_id, cancellation.sku, cancellation.unit_price_minor)
        return [sale for sale in self.sales_by_key[key] if sale.sold_at <= cancellation.cancelled_at]
