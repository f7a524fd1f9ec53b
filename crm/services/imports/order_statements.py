"""The SQL that loads a part of an order file, one constant a step; every step is a set, never a row.

``staged`` holds the part, ``verdict`` only the rows that are not loaded, with the reason. Temporary tables
have no row-level security; every statement on a real table names the tenant besides.
"""

from __future__ import annotations

from crm.services import tombstones

# A part of the file as it was kept; ``verdict`` again holds only what is not loaded.
TAKE_PART = """
CREATE TEMPORARY TABLE staged ON COMMIT DROP AS
SELECT s.row_number, f.* FROM crm_stagedrow s CROSS JOIN LATERAL jsonb_to_record(s.fields) AS f(
    order_ref text COLLATE "C", customer_ref text COLLATE "C", sku text COLLATE "C", label text, channel text,
    quantity bigint, unit_price_minor bigint, gross_minor bigint, store_discount_minor bigint,
    coupon_discount_minor bigint, placed_at timestamptz, price_minor bigint)
WHERE s.tenant_id = %(tenant)s AND s.import_run_id = %(import_run)s AND s.match_kind = 'part'
  AND s.key = %(part)s AND s.outcome = '';
CREATE TEMPORARY TABLE verdict (
    row_number bigint PRIMARY KEY, outcome text NOT NULL, reason text NOT NULL
) ON COMMIT DROP;
ANALYZE staged
"""

_CANCELS = "(%(prefix)s <> '' AND starts_with(s.order_ref, %(prefix)s))"
_GROSS = "coalesce(s.gross_minor, s.quantity * s.unit_price_minor)"
_UNDECIDED = "NOT EXISTS (SELECT FROM verdict v WHERE v.row_number = s.row_number)"

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
           min(s.placed_at) AS placed_at, coalesce(min(s.channel), '') AS channel,
           sum({_GROSS})::bigint AS gross_minor, sum(s.store_discount_minor)::bigint AS store_discount_minor,
           sum(least(s.coupon_discount_minor, {_GROSS} - s.store_discount_minor))::bigint
               AS coupon_discount_minor
    FROM staged s WHERE {_UNDECIDED} AND NOT {_CANCELS}
    GROUP BY s.order_ref ORDER BY min(s.placed_at), s.order_ref
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
), added AS (
    INSERT INTO crm_customer
        (tenant_id, public_id, external_id, state, may_profile, attributes, created_at, updated_at)
    SELECT %(tenant)s, crm_new_public_id(), w.customer_ref, 'active', true, '{{}}', %(at)s, %(at)s
    FROM wanted w WHERE NOT EXISTS (SELECT FROM crm_identity i WHERE i.tenant_id = %(tenant)s
                                    AND i.kind = 'external_id' AND i.value = w.customer_ref)
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
    SELECT s.sku, min(s.label) AS label, max(s.price_minor) AS price_minor FROM staged s
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

KEEP_VERDICTS = """
UPDATE crm_stagedrow s SET match_kind = '', outcome = v.outcome, reason = v.reason,
    "column" = coalesce(%(columns)s::jsonb ->> split_part(v.reason, '_', 1), '')
FROM verdict v
WHERE s.tenant_id = %(tenant)s AND s.import_run_id = %(import_run)s AND s.row_number = v.row_number
"""
