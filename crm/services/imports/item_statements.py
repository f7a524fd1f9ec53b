"""The SQL of the import of items: a block of staged rows at a time, every step a set."""

from __future__ import annotations

COLLECT = """
DROP TABLE IF EXISTS chunk;
CREATE TEMPORARY TABLE chunk ON COMMIT DROP AS
SELECT s.row_number, s.key, s.fields, i.id IS NULL AS is_new,
       CASE WHEN i.id IS NOT NULL THEN i.id
            WHEN %(writes)s THEN nextval(pg_get_serial_sequence('crm_item', 'id')) END AS item_id
FROM crm_stagedrow s
LEFT JOIN crm_item i ON i.tenant_id = %(tenant)s AND i.external_id = s.key
WHERE s.tenant_id = %(tenant)s AND s.import_run_id = %(run)s AND s.outcome = ''
  AND s.row_number BETWEEN %(first)s AND %(last)s;
ANALYZE chunk
"""
_WAS = """
CROSS JOIN LATERAL (
    SELECT coalesce(CASE WHEN starts_with(e.key, 'item.')
        THEN nullif(to_jsonb(i) -> substr(e.key, 6), '""') ELSE i.attributes -> substr(e.key, 11) END,
            'null') AS value
) was
"""
COMPARE = f"""
DROP TABLE IF EXISTS change;
CREATE TEMPORARY TABLE change ON COMMIT DROP AS
SELECT k.row_number, k.item_id, jsonb_object_agg(e.key, was.value) AS before, jsonb_object_agg(e.key,
    e.value) AS after
FROM chunk k
JOIN crm_item i ON i.tenant_id = %(tenant)s AND i.id = k.item_id
CROSS JOIN LATERAL jsonb_each(k.fields) e {_WAS}
WHERE NOT k.is_new AND was.value <> e.value AND NOT (e.key IN ('item.name', 'item.is_active') AND e.value
    = 'null')
GROUP BY k.row_number, k.item_id
"""  # noqa: S608 - joined from constants
COUNT = """
SELECT count(*) FILTER (WHERE k.is_new), count(*) FILTER (WHERE ch.row_number IS NOT NULL),
       count(*) FILTER (WHERE NOT k.is_new AND ch.row_number IS NULL)
FROM chunk k LEFT JOIN change ch USING (row_number)
"""
ADD = """
INSERT INTO crm_item (id, tenant_id, public_id, external_id, name, category, subcategory, brand, price_minor,
                      attributes, is_active, created_at, updated_at)
SELECT k.item_id, %(tenant)s, crm_new_public_id(), k.key, coalesce(k.fields->>'item.name', k.key),
       coalesce(k.fields->>'item.category', ''), coalesce(k.fields->>'item.subcategory', ''),
       coalesce(k.fields->>'item.brand', ''), (k.fields->>'item.price_minor')::bigint,
       coalesce((SELECT jsonb_object_agg(substr(e.key, 11), e.value) FROM jsonb_each(k.fields) e
                 WHERE starts_with(e.key, 'attribute.') AND e.value <> 'null'), '{}'),
       coalesce((k.fields->>'item.is_active')::boolean, true), %(at)s, %(at)s
FROM chunk k WHERE k.is_new ORDER BY k.row_number
"""


def patch(table: str, values: str) -> str:
    """Return the statement that sets what ``table``'s JSON column ``values`` names; null clears."""
    texts = ", ".join(
        f"{name} = CASE WHEN t.{values} ? 'item.{name}' THEN coalesce(t.{values}->>'item.{name}', '')"
        f" ELSE i.{name} END"
        for name in ("category", "subcategory", "brand")
    )
    return f"""
UPDATE crm_item i SET updated_at = %(at)s, {texts},
    name = coalesce(t.{values}->>'item.name', i.name),
    price_minor = CASE WHEN t.{values} ? 'item.price_minor' THEN (t.{values}->>'item.price_minor')::bigint
                       ELSE i.price_minor END,
    is_active = coalesce((t.{values}->>'item.is_active')::boolean, i.is_active),
    attributes = (i.attributes || coalesce(set_to.given, '{{}}')) - coalesce(set_to.gone, '{{}}')
FROM {table} t CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(substr(e.key, 11), e.value) FILTER (WHERE e.value <> 'null') AS given,
           array_agg(substr(e.key, 11)) FILTER (WHERE e.value = 'null') AS gone
    FROM jsonb_each(t.{values}) e WHERE starts_with(e.key, 'attribute.')
) set_to
WHERE i.tenant_id = %(tenant)s AND i.id = t.item_id
"""  # noqa: S608 - joined from constants


KEEP_JOURNAL = """
INSERT INTO crm_importchange (tenant_id, import_run_id, row_number, subject, subject_id, is_new, before,
    after)
SELECT %(tenant)s, %(run)s, row_number, 'item', item_id, true, '{}'::jsonb, '{}'::jsonb FROM chunk WHERE
    is_new
UNION ALL
SELECT %(tenant)s, %(run)s, row_number, 'item', item_id, false, before, after FROM change
"""
FIND_RESTORABLE = f"""
DROP TABLE IF EXISTS restored;
CREATE TEMPORARY TABLE restored ON COMMIT DROP AS
SELECT u.subject_id AS item_id,
       coalesce(jsonb_object_agg(e.key, u.before->e.key) FILTER (WHERE was.value = e.value), '{{}}') AS back,
       count(*) FILTER (WHERE was.value <> e.value) AS changed_since
FROM undone u
JOIN crm_item i ON i.tenant_id = %(tenant)s AND i.id = u.subject_id
CROSS JOIN LATERAL jsonb_each(u.after) e {_WAS}
WHERE u.subject = 'item' AND NOT u.is_new GROUP BY u.subject_id
"""  # noqa: S608 - joined from constants
COUNT_RESTORED = """
SELECT count(*) FILTER (WHERE back <> '{}'), count(*) FILTER (WHERE changed_since > 0) FROM restored
"""
# An item cannot be deleted (docs/adr/0005): one that nothing was sold of is taken off the offer instead.
RETIRE = """
UPDATE crm_item i SET is_active = false, updated_at = %(at)s FROM undone u
WHERE i.tenant_id = %(tenant)s AND u.subject = 'item' AND u.is_new AND i.id = u.subject_id
  AND NOT EXISTS (SELECT FROM crm_orderline l WHERE l.tenant_id = %(tenant)s AND l.item_id = i.id)
"""
