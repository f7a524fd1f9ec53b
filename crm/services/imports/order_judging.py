"""The SQL that reads an order file as a whole: what is wrong in itself, what repeats, what is out of the way.

``staged`` holds the file, ``verdict`` only the rows that are not loaded, with the reason; both end with their
transaction. What is left is cut into parts of whole orders (of whole customers for cancellations) and kept.
"""

from __future__ import annotations

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

# Whole orders, in the order of the file, up to so many lines; a larger order is a part of its own.
_NUMBERED = "dense_rank() OVER (ORDER BY (before / %(lines_of_part)s)) - 1 AS part"
_BEFORE = "(sum(count(*)) OVER (ORDER BY min(s.row_number)) - count(*))::bigint AS before"
SEE_ITEMS = f"""
CREATE TEMPORARY TABLE seen_item ON COMMIT DROP AS
SELECT s.sku, min(s.label) AS label, max(s.unit_price_minor) AS price_minor FROM staged s
WHERE {_UNDECIDED} AND NOT {_CANCELS} GROUP BY s.sku;
ANALYZE seen_item
"""  # noqa: S608 - joined from constants
CUT = f"""
CREATE TEMPORARY TABLE sale_part ON COMMIT DROP AS SELECT order_ref, {_NUMBERED} FROM (
    SELECT s.order_ref, {_BEFORE} FROM staged s WHERE {_UNDECIDED} AND NOT {_CANCELS} GROUP BY s.order_ref
) sale;
CREATE TEMPORARY TABLE return_part ON COMMIT DROP AS SELECT customer_ref, {_NUMBERED} FROM (
    SELECT coalesce(s.customer_ref, '') AS customer_ref, {_BEFORE} FROM staged s
    WHERE {_UNDECIDED} AND {_CANCELS} GROUP BY coalesce(s.customer_ref, '')
) cancelled;
ANALYZE sale_part; ANALYZE return_part
"""  # noqa: S608 - joined from constants
COUNT_PARTS = """
SELECT coalesce((SELECT max(part) + 1 FROM sale_part), 0),
       coalesce((SELECT max(part) + 1 FROM return_part), 0)
"""

# An item is named and priced after all of its lines, whatever part meets it first.
KEEP = f"""
INSERT INTO crm_stagedrow
    (tenant_id, import_run_id, row_number, match_kind, key, fields, outcome, reason, "column")
SELECT %(tenant)s, %(import_run)s, s.row_number,
       CASE WHEN v.row_number IS NULL THEN 'part' ELSE '' END,
       CASE WHEN v.row_number IS NOT NULL THEN '' WHEN {_CANCELS} THEN 'return ' || r.part
            ELSE 'sale ' || o.part END,
       CASE WHEN v.row_number IS NULL THEN jsonb_strip_nulls(jsonb_build_object(
           'order_ref', s.order_ref, 'customer_ref', s.customer_ref, 'sku', s.sku, 'channel', s.channel,
           'quantity', s.quantity, 'unit_price_minor', s.unit_price_minor, 'gross_minor', s.gross_minor,
           'store_discount_minor', s.store_discount_minor, 'coupon_discount_minor', s.coupon_discount_minor,
           'placed_at', {_PLACED_AT}, 'label', i.label, 'price_minor', i.price_minor)) ELSE '{{}}' END,
       coalesce(v.outcome, ''), coalesce(v.reason, ''),
       coalesce(%(columns)s::jsonb ->> split_part(v.reason, '_', 1), '')
FROM staged s LEFT JOIN verdict v USING (row_number)
LEFT JOIN sale_part o ON o.order_ref = s.order_ref AND NOT {_CANCELS}
LEFT JOIN return_part r ON r.customer_ref = coalesce(s.customer_ref, '')
LEFT JOIN seen_item i ON i.sku = s.sku
"""  # noqa: S608 - joined from constants
COUNT_FLAGGED = "SELECT reason, count(*) FROM flagged GROUP BY reason"
# Loaded at once, the file is one part and stays where it is; the unique index lets the planner leave the join
# out of statements that name no item.
TAKE_ALL = f"""
ALTER TABLE staged RENAME TO staged_file;
CREATE UNIQUE INDEX ON seen_item (sku);
CREATE TEMPORARY VIEW staged AS
SELECT s.row_number, s.order_ref, s.customer_ref, s.sku, i.label, s.channel, s.quantity, s.unit_price_minor,
       s.gross_minor, s.store_discount_minor, s.coupon_discount_minor, {_PLACED_AT} AS placed_at,
       i.price_minor
FROM staged_file s LEFT JOIN seen_item i ON i.sku = s.sku
"""  # noqa: S608 - joined from constants
LET_GO = "DROP VIEW staged"
KEEP_VERDICTS = """
INSERT INTO crm_stagedrow
    (tenant_id, import_run_id, row_number, match_kind, key, fields, outcome, reason, "column")
SELECT %(tenant)s, %(import_run)s, row_number, '', '', '{}', outcome, reason,
       coalesce(%(columns)s::jsonb ->> split_part(reason, '_', 1), '')
FROM verdict
"""
