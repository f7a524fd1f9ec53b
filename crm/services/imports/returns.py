"""Cancelled lines of an order file become returns of the orders they cancel."""

from __future__ import annotations

from typing import Any

from crm.domain.cancellations import Cancellation, Match, Sale, match_cancellations
from crm.services.imports import staging

_UNDECIDED = "NOT EXISTS (SELECT FROM verdict v WHERE v.row_number = s.row_number)"

# A cancellation document that another import loaded is not loaded again.
_SETTLE_KNOWN = f"""
INSERT INTO verdict (row_number, outcome, reason)
SELECT DISTINCT ON (s.row_number) s.row_number,
       CASE WHEN l.id IS NOT NULL THEN 'merged' ELSE 'quarantined' END,
       CASE WHEN l.id IS NOT NULL THEN 'already_loaded' ELSE 'return_already_loaded' END
FROM staged s
JOIN crm_return r ON r.tenant_id = %(tenant)s AND r.external_id >= s.order_ref || '/'
                 AND r.external_id < s.order_ref || '0' AND r.import_run_id IS DISTINCT FROM %(import_run)s
LEFT JOIN crm_returnline rl ON rl.tenant_id = %(tenant)s AND rl.parent_id = r.id
LEFT JOIN crm_orderline l ON l.tenant_id = %(tenant)s AND l.id = rl.order_line_id AND l.sku = s.sku
                         AND l.unit_price_minor = s.unit_price_minor
WHERE {_UNDECIDED} AND s.quantity < 0
ORDER BY s.row_number, l.id NULLS LAST
"""  # noqa: S608 - joined from constants
_REJECT_ANONYMOUS = f"""
INSERT INTO verdict (row_number, outcome, reason)
SELECT s.row_number, 'quarantined',
       CASE WHEN s.customer_ref IS NULL THEN 'cancels_without_customer' ELSE 'cancels_unknown_sale' END
FROM staged s
LEFT JOIN crm_identity i ON i.tenant_id = %(tenant)s AND i.kind = 'external_id' AND i.value = s.customer_ref
WHERE {_UNDECIDED} AND s.quantity < 0 AND i.id IS NULL
"""  # noqa: S608 - joined from constants
_CANCELLATIONS = f"""
CREATE TEMPORARY TABLE cancelled ON COMMIT DROP AS
SELECT s.row_number, i.customer_id, s.sku, s.unit_price_minor, -s.quantity AS quantity, s.order_ref,
       s.placed_at AS cancelled_at
FROM staged s
JOIN crm_identity i ON i.tenant_id = %(tenant)s AND i.kind = 'external_id' AND i.value = s.customer_ref
WHERE {_UNDECIDED} AND s.quantity < 0
"""  # noqa: S608 - joined from constants
_READ_CANCELLATIONS = """
SELECT row_number, customer_id, sku, unit_price_minor, quantity, cancelled_at FROM cancelled
"""
_READ_SALES = """
WITH buyers AS (SELECT DISTINCT customer_id, sku FROM cancelled)
SELECT l.id, l.order_id, o.customer_id, l.sku, l.unit_price_minor,
       l.quantity - coalesce((SELECT sum(rl.quantity) FROM crm_returnline rl
                              WHERE rl.tenant_id = %(tenant)s AND rl.order_line_id = l.id), 0), o.placed_at
FROM crm_order o
JOIN crm_orderline l ON l.tenant_id = %(tenant)s AND l.order_id = o.id
JOIN buyers b ON b.customer_id = o.customer_id AND b.sku = l.sku
WHERE o.tenant_id = %(tenant)s
"""
_ADD_RETURNS = """
WITH grouped AS (
    SELECT c.order_ref || '/' || o.external_id AS external_id, m.order_id, o.customer_id,
           min(c.cancelled_at) AS returned_at, sum(m.amount_minor)::bigint AS total_minor
    FROM matched m
    JOIN cancelled c USING (row_number)
    JOIN crm_order o ON o.tenant_id = %(tenant)s AND o.id = m.order_id
    GROUP BY c.order_ref, o.external_id, m.order_id, o.customer_id
), added AS (
    INSERT INTO crm_return (tenant_id, public_id, external_id, order_id, customer_id, returned_at,
                            total_minor, import_run_id)
    SELECT %(tenant)s, crm_new_public_id(), external_id, order_id, customer_id, returned_at, total_minor,
           %(import_run)s
    FROM grouped ORDER BY returned_at, external_id
    RETURNING id, external_id, order_id
), lines AS (
INSERT INTO crm_returnline (tenant_id, parent_id, order_line_id, quantity, amount_minor)
SELECT %(tenant)s, a.id, m.line_id, sum(m.quantity), sum(m.amount_minor)
FROM matched m
JOIN cancelled c USING (row_number)
JOIN crm_order o ON o.tenant_id = %(tenant)s AND o.id = m.order_id
JOIN added a ON a.order_id = o.id AND a.external_id = c.order_ref || '/' || o.external_id
GROUP BY a.id, m.line_id
)
SELECT count(*) FROM added
"""


def load_returns(params: dict[str, Any]) -> int:
    """Match the staged cancellations and write their returns; the rest gets a verdict. Returns how many.

    The cancellations of a customer must be staged together: an earlier sale is given back once.
    """
    staging.run(_SETTLE_KNOWN, params)
    staging.run(_REJECT_ANONYMOUS, params)
    staging.run(_CANCELLATIONS, params)
    staging.run("ANALYZE cancelled")
    cancellations = [Cancellation(*row) for row in staging.rows(_READ_CANCELLATIONS)]
    if not cancellations:
        return 0
    sales = [Sale(*row) for row in staging.rows(_READ_SALES, params)]
    matches, refused = match_cancellations(sales, cancellations)
    _write(matches, refused)
    staging.run("ANALYZE matched")
    [(returns,)] = staging.rows(_ADD_RETURNS, params)
    return int(returns)


def _write(matches: list[Match], refused: dict[int, str]) -> None:
    staging.run(
        """CREATE TEMPORARY TABLE matched (
               row_number bigint, order_id bigint, line_id bigint, quantity bigint, amount_minor bigint
           ) ON COMMIT DROP"""
    )
    staging.copy_rows(
        "matched",
        ("row_number", "order_id", "line_id", "quantity", "amount_minor"),
        ((m.row_number, m.order_id, m.line_id, m.quantity, m.amount_minor) for m in matches),
    )
    staging.copy_rows(
        "verdict",
        ("row_number", "outcome", "reason"),
        ((number, "quarantined", reason) for number, reason in refused.items()),
    )
