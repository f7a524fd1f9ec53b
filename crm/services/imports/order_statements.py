"""The SQL of the order import, one constant a step; every step is a set, never a row.

``staged`` holds the file, ``verdict`` only the rows that are not loaded, with the reason. Temporary tables
have no row-level security; every statement on a real table names the tenant besides.
"""

from __future__ import annotations

from crm.services import tombstones

# The planner takes tables that this transaction filled for nearly empty until they are analysed.
ANALYZE = "SELECT crm_analyze_loaded_tables()"

STAGE = """
CREATE TEMPORARY TABLE staged (
    row_number bigint NOT NULL,
    order_ref text COLLATE "C", customer_ref text COLLATE "C", sku text COLLATE "C", label text, channel text,
    quantity bigint, unit_price_minor bigint, gross_minor bigint,
    store_discount_minor bigint NOT NULL, coupon_discount_minor bigint NOT NULL,
    placed_local timestamp, placed_offset text, problem text
) ON COMMIT DROP;
CREATE TEMPORARY TABLE verdict (
    row_number bigint PRIMARY KEY, outcome text NOT NULL, reason text NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE flagged (row_number bigint, outcome text, reason text) ON COMMIT DROP
"""

_CANCELS = "(%(prefix)s <> '' AND starts_with(s.order_ref, %(prefix)s))"
_GROSS = "coalesce(s.gross_minor, s.quantity * s.unit_price_minor)"
_UNDECIDED = "NOT EXISTS (SELECT FROM verdict v WHERE v.row_number = s.row_number)"
_PLACED_AT = "coalesce(s.placed_offset::timestamptz, s.placed_local AT TIME ZONE %(zone)s)"

# What is wrong with a row in itself, the first reason found.
REJECT_ROWS = f"""
INSERT INTO verdict (row_number, outcome, reason)
SELECT row_number, 'quarantined', reason FROM (
    SELECT s.row_number, CASE
        WHEN s.problem IS NOT NULL THEN s.problem
        WHEN s.order_ref IS NULL THEN 'order_missing'
        WHEN %(order_pattern)s <> '' AND s.order_ref !~ %(order_pattern)s THEN 'not_an_order'
        WHEN s.sku IS NULL THEN 'sku_missing'
        WHEN s.quantity IS NULL THEN 'quantity_missing'
        WHEN s.placed_local IS NULL AND s.placed_offset IS NULL THEN 'time_missing'
        WHEN s.gross_minor IS NULL AND s.unit_price_minor IS NULL THEN 'price_missing'
        WHEN greatest(length(s.order_ref), length(s.sku), length(s.customer_ref)) > 200 THEN 'id_too_long'
        WHEN s.quantity = 0 THEN 'quantity_zero'
        WHEN {_CANCELS} AND s.quantity > 0 THEN 'cancellation_of_nothing'
        WHEN NOT {_CANCELS} AND s.quantity < 0 THEN 'quantity_negative'
        WHEN s.unit_price_minor < 0 OR s.gross_minor < 0 THEN 'price_negative'
        WHEN NOT %(allows_free)s AND coalesce(s.unit_price_minor, s.gross_minor) = 0 THEN 'price_zero'
        WHEN s.store_discount_minor < 0 OR s.coupon_discount_minor < 0 THEN 'discount_negative'
        WHEN abs(coalesce(s.gross_minor::float8, s.quantity::float8 * s.unit_price_minor)) > 1e15
             THEN 'amount_invalid'
        WHEN NOT {_CANCELS} AND s.store_discount_minor > {_GROSS} THEN 'discount_above_price'
    END AS reason FROM staged s
) judged WHERE reason IS NOT NULL
"""  # noqa: S608 - joined from constants

_CONTENT = """s.order_ref, s.customer_ref, s.sku, s.label, s.channel, s.quantity, s.unit_price_minor,
    s.gross_minor, s.store_discount_minor, s.coupon_discount_minor, s.placed_local, s.placed_offset"""

# Few pairs of order and article repeat; only those rows are compared whole.
MERGE_DUPLICATES = f"""
WITH repeated AS MATERIALIZED (
    SELECT s.order_ref, s.sku FROM staged s GROUP BY s.order_ref, s.sku HAVING count(*) > 1
)
INSERT INTO verdict (row_number, outcome, reason)
SELECT row_number, 'merged', 'exact_duplicate' FROM (
    SELECT s.row_number, row_number() OVER (PARTITION BY {_CONTENT} ORDER BY s.row_number) AS copy
    FROM staged s JOIN repeated USING (order_ref, sku) WHERE {_UNDECIDED}
) numbered WHERE copy > 1
"""  # noqa: S608 - joined from constants

# Per item, the distance from the median of logarithms in robust deviations.
REJECT_OUTLIERS = f"""
WITH live AS (
    SELECT s.row_number, s.sku, s.quantity,
           ln(abs(s.quantity)::float8) AS size, ln(s.unit_price_minor::float8) AS price
    FROM staged s WHERE {_UNDECIDED} AND s.unit_price_minor > 0 AND NOT s.sku = ANY(%(charge_codes)s)
), middle AS (
    SELECT sku, count(*) AS lines, percentile_cont(0.5) WITHIN GROUP (ORDER BY size) AS size,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY price) AS price
    FROM live GROUP BY sku
), spread AS (
    SELECT l.sku,
           greatest(1.4826 * percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(l.size - m.size)),
                    %(least_spread)s) AS size,
           greatest(1.4826 * percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(l.price - m.price)),
                    %(least_spread)s) AS price
    FROM live l JOIN middle m USING (sku) GROUP BY l.sku
)
INSERT INTO {{table}} (row_number, outcome, reason)
SELECT row_number, 'quarantined', reason FROM (
    SELECT l.row_number, CASE
        WHEN abs(l.quantity) >= %(minimum_quantity)s
             AND abs(l.size - m.size) > %(deviations)s * d.size THEN 'quantity_absurd'
        WHEN abs(l.price - m.price) > %(deviations)s * d.price THEN 'price_absurd'
    END AS reason
    FROM live l JOIN middle m USING (sku) JOIN spread d USING (sku) WHERE m.lines >= %(least_lines)s
) judged WHERE reason IS NOT NULL
"""  # noqa: S608 - joined from constants

# Lines of orders that are here already: the same line is merged, another one contradicts the document.
SETTLE_KNOWN_ORDERS = f"""
INSERT INTO verdict (row_number, outcome, reason)
SELECT s.row_number,
       CASE WHEN known.id IS NOT NULL THEN 'merged' ELSE 'quarantined' END,
       CASE WHEN known.id IS NOT NULL THEN 'already_loaded' ELSE 'order_already_loaded' END
FROM staged s
JOIN crm_order o ON o.tenant_id = %(tenant)s AND o.external_id = s.order_ref
LEFT JOIN LATERAL (
    SELECT l.id FROM crm_orderline l
    WHERE l.tenant_id = %(tenant)s AND l.order_id = o.id AND l.sku = s.sku AND l.quantity = s.quantity
      AND l.gross_minor = {_GROSS} AND l.store_discount_minor = s.store_discount_minor
    LIMIT 1
) known ON true
WHERE {_UNDECIDED} AND NOT {_CANCELS}
"""  # noqa: S608 - joined from constants

COLLECT_ORDERS = f"""
CREATE TEMPORARY TABLE staged_order ON COMMIT DROP AS
SELECT nextval(pg_get_serial_sequence('crm_order', 'id')) AS id, grouped.* FROM (
    SELECT s.order_ref, min(s.customer_ref) AS customer_ref, max(s.customer_ref) AS other_customer_ref,
           min({_PLACED_AT}) AS placed_at, coalesce(min(s.channel), '') AS channel,
           sum({_GROSS})::bigint AS gross_minor, sum(s.store_discount_minor)::bigint AS store_discount_minor,
           sum(least(s.coupon_discount_minor, {_GROSS} - s.store_discount_minor))::bigint
               AS coupon_discount_minor
    FROM staged s WHERE {_UNDECIDED} AND NOT {_CANCELS}
    GROUP BY s.order_ref ORDER BY min({_PLACED_AT}), s.order_ref
) grouped
"""  # noqa: S608 - joined from constants

REJECT_CONTRADICTIONS = f"""
WITH contradictory AS (
    DELETE FROM staged_order WHERE customer_ref IS DISTINCT FROM other_customer_ref RETURNING order_ref
)
INSERT INTO verdict (row_number, outcome, reason)
SELECT s.row_number, 'quarantined', 'order_of_two_customers'
FROM staged s JOIN contradictory USING (order_ref) WHERE {_UNDECIDED}
"""  # noqa: S608 - joined from constants

# Somebody who was erased does not come back by an order; the order stays without a customer.
_ERASED = tombstones.EXTERNAL_ID_ERASED.format(value="w.customer_ref")

ADD_CUSTOMERS = f"""
WITH wanted AS (
    SELECT customer_ref, min(placed_at) AS first_at FROM staged_order WHERE customer_ref IS NOT NULL
    GROUP BY customer_ref
), known AS (
    SELECT i.value FROM crm_identity i WHERE i.tenant_id = %(tenant)s AND i.kind = 'external_id'
), added AS (
    INSERT INTO crm_customer
        (tenant_id, public_id, external_id, state, may_profile, attributes, created_at, updated_at)
    SELECT %(tenant)s, crm_new_public_id(), w.customer_ref, 'active', true, '{{}}', %(at)s, %(at)s
    FROM wanted w WHERE NOT EXISTS (SELECT FROM known k WHERE k.value = w.customer_ref)
      AND NOT {_ERASED}
    ORDER BY w.first_at, w.customer_ref
    RETURNING id, external_id
), journal AS (
    INSERT INTO crm_importchange
        (tenant_id, import_run_id, row_number, subject, subject_id, is_new, before, after)
    SELECT %(tenant)s, %(import_run)s, 0, 'customer', a.id, true, '{{}}', '{{}}' FROM added a
)
INSERT INTO crm_identity (tenant_id, customer_id, kind, value, created_at)
SELECT %(tenant)s, a.id, 'external_id', a.external_id, %(at)s FROM added a
"""  # noqa: S608 - joined from constants

COLLECT_ITEMS = f"""
CREATE TEMPORARY TABLE staged_item ON COMMIT DROP AS
SELECT coalesce(i.id, nextval(pg_get_serial_sequence('crm_item', 'id'))) AS id, i.id IS NULL AS is_new,
       wanted.sku, wanted.label, wanted.price_minor
FROM (
    SELECT s.sku, min(s.label) AS label, max(s.unit_price_minor) AS price_minor FROM staged s
    WHERE {_UNDECIDED} AND NOT {_CANCELS} AND NOT s.sku = ANY(%(charge_codes)s) GROUP BY s.sku
) wanted LEFT JOIN crm_item i ON i.tenant_id = %(tenant)s AND i.external_id = wanted.sku
"""  # noqa: S608 - joined from constants

ADD_ITEMS = """
INSERT INTO crm_item (id, tenant_id, public_id, external_id, name, category, subcategory, brand, price_minor,
                      attributes, is_active, created_at, updated_at)
SELECT id, %(tenant)s, crm_new_public_id(), sku, left(coalesce(label, sku), 300), '', '', '', price_minor,
       '{}', true, %(at)s, %(at)s
FROM staged_item WHERE is_new
"""

KEEP_ITEM_JOURNAL = """
INSERT INTO crm_importchange (tenant_id, import_run_id, row_number, subject, subject_id, is_new, before,
    after)
SELECT %(tenant)s, %(import_run)s, 0, 'item', id, true, '{}', '{}' FROM staged_item WHERE is_new
"""

ADD_ORDERS = """
INSERT INTO crm_order (id, tenant_id, public_id, external_id, customer_id, placed_at, currency, gross_minor,
                       store_discount_minor, coupon_discount_minor, total_minor, channel, import_run_id)
SELECT o.id, %(tenant)s, crm_new_public_id(), o.order_ref, i.customer_id, o.placed_at, %(currency)s,
       o.gross_minor, o.store_discount_minor, o.coupon_discount_minor,
       o.gross_minor - o.store_discount_minor - o.coupon_discount_minor, left(o.channel, 60), %(import_run)s
FROM staged_order o
LEFT JOIN crm_identity i ON i.tenant_id = %(tenant)s AND i.kind = 'external_id' AND i.value = o.customer_ref
ORDER BY o.id
"""

ADD_LINES = f"""
INSERT INTO crm_orderline (tenant_id, order_id, position, item_id, sku, kind, quantity, unit_price_minor,
                           gross_minor, store_discount_minor, coupon_discount_minor, total_minor)
SELECT %(tenant)s, order_id, row_number() OVER (PARTITION BY order_id ORDER BY row_number), item_id, sku,
       kind, quantity, coalesce(unit_price_minor, round(gross_minor::float8 / quantity)), gross_minor,
       store_discount_minor, coupon_discount_minor, gross_minor - store_discount_minor - coupon_discount_minor
FROM (
    SELECT s.row_number, o.id AS order_id, i.id AS item_id, s.sku,
           CASE WHEN i.id IS NULL THEN 'charge' ELSE 'product' END AS kind,
           s.quantity, s.unit_price_minor, {_GROSS} AS gross_minor, s.store_discount_minor,
           least(s.coupon_discount_minor, {_GROSS} - s.store_discount_minor) AS coupon_discount_minor
    FROM staged s JOIN staged_order o USING (order_ref) LEFT JOIN staged_item i USING (sku)
    WHERE {_UNDECIDED}
) line
"""  # noqa: S608 - joined from constants

COUNT_CAPPED_COUPONS = f"""
SELECT count(*), coalesce(sum(s.coupon_discount_minor - ({_GROSS} - s.store_discount_minor)), 0)::bigint
FROM staged s WHERE {_UNDECIDED} AND NOT {_CANCELS}
  AND s.coupon_discount_minor > {_GROSS} - s.store_discount_minor
"""  # noqa: S608 - joined from constants

COUNT_ANONYMOUS = f"""
SELECT count(*) FROM staged s WHERE s.customer_ref IS NULL AND {_UNDECIDED} AND NOT {_CANCELS}
"""  # noqa: S608 - joined from constants
