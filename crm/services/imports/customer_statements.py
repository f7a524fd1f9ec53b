"""The SQL of the import of customers: a block of staged rows at a time, every step a set.

Fields are flat: ``person.email``, ``attribute.size``, ``identity.card``. ``chunk`` holds the rows of a block
with the customer each is about, ``change`` what differs from what is there.
"""

from __future__ import annotations

from typing import Final

from crm.models import Person

_FIELDS: Final = tuple(Person.PERSONAL_FIELDS)

COLLECT = """
DROP TABLE IF EXISTS chunk;
CREATE TEMPORARY TABLE chunk ON COMMIT DROP AS
SELECT s.row_number, s.match_kind, s.key, s.fields, i.customer_id IS NULL AS is_new,
       CASE WHEN i.customer_id IS NOT NULL THEN i.customer_id
            WHEN %(writes)s THEN nextval(pg_get_serial_sequence('crm_customer', 'id')) END AS customer_id
FROM crm_stagedrow s
LEFT JOIN crm_identity i ON i.tenant_id = %(tenant)s AND i.kind = s.match_kind AND i.value = s.key
WHERE s.tenant_id = %(tenant)s AND s.import_run_id = %(run)s AND s.outcome = ''
  AND s.row_number BETWEEN %(first)s AND %(last)s;
ANALYZE chunk
"""
IDENTITIES = """
SELECT k.row_number, substr(e.key, 10), e.value FROM chunk k CROSS JOIN LATERAL jsonb_each_text(k.fields) e
WHERE starts_with(e.key, 'identity.') AND e.value IS NOT NULL
"""
# The row's values go as well: a quarantine that kept them would undo the erasure.
REFUSE_ERASED = """
DELETE FROM chunk WHERE row_number = ANY(%(numbers)s);
UPDATE crm_stagedrow SET outcome = 'quarantined', reason = 'identity_erased', key = '', fields = '{"raw": {}}'
WHERE tenant_id = %(tenant)s AND import_run_id = %(run)s AND row_number = ANY(%(numbers)s)
"""
_WAS = """
CROSS JOIN LATERAL (
    SELECT coalesce(CASE WHEN starts_with(e.key, 'person.')
        THEN nullif(to_jsonb(p) -> substr(e.key, 8), '""') ELSE c.attributes -> substr(e.key, 11) END,
            'null') AS value
) was
"""
_IS_VALUE = "(starts_with(e.key, 'person.') OR starts_with(e.key, 'attribute.'))"

COMPARE = f"""
DROP TABLE IF EXISTS change;
CREATE TEMPORARY TABLE change ON COMMIT DROP AS
SELECT k.row_number, k.customer_id, jsonb_object_agg(e.key, was.value) AS before,
       jsonb_object_agg(e.key, e.value) AS after
FROM chunk k
JOIN crm_customer c ON c.tenant_id = %(tenant)s AND c.id = k.customer_id
LEFT JOIN crm_person p ON p.tenant_id = %(tenant)s AND p.customer_id = k.customer_id
CROSS JOIN LATERAL jsonb_each(k.fields) e {_WAS}
WHERE NOT k.is_new AND {_IS_VALUE} AND was.value <> e.value
GROUP BY k.row_number, k.customer_id;
ANALYZE change
"""  # noqa: S608 - joined from constants

_NEW_IDENTITIES = """
FROM chunk k CROSS JOIN LATERAL jsonb_each_text(k.fields) e
LEFT JOIN crm_identity i ON i.tenant_id = %(tenant)s AND i.kind = substr(e.key, 10) AND i.value = e.value
WHERE starts_with(e.key, 'identity.') AND e.value IS NOT NULL
"""
COUNT = f"""
SELECT count(*) FILTER (WHERE k.is_new),
       count(*) FILTER (WHERE NOT k.is_new AND (ch.row_number IS NOT NULL OR fresh.row_number IS NOT NULL)),
       count(*) FILTER (WHERE NOT k.is_new AND ch.row_number IS NULL AND fresh.row_number IS NULL)
FROM chunk k LEFT JOIN change ch USING (row_number)
LEFT JOIN (SELECT DISTINCT k.row_number {_NEW_IDENTITIES} AND NOT k.is_new AND i.id IS NULL) fresh
    USING (row_number)
"""  # noqa: S608 - joined from constants
COUNT_TAKEN = f"""
SELECT count(*) {_NEW_IDENTITIES} AND i.customer_id IS DISTINCT FROM k.customer_id AND i.id IS NOT NULL
"""  # noqa: S608 - joined from constants

ADD_CUSTOMERS = """
INSERT INTO crm_customer (id, tenant_id, public_id, external_id, state, may_profile, attributes,
    created_at, updated_at)
SELECT k.customer_id, %(tenant)s, crm_new_public_id(), k.fields->>'identity.external_id', 'active', true,
       coalesce((SELECT jsonb_object_agg(substr(e.key, 11), e.value) FROM jsonb_each(k.fields) e
                 WHERE starts_with(e.key, 'attribute.') AND e.value <> 'null'), '{}'), %(at)s, %(at)s
FROM chunk k WHERE k.is_new ORDER BY k.row_number
"""
ADD_PERSONS = f"""
INSERT INTO crm_person (tenant_id, customer_id, {", ".join(_FIELDS)})
SELECT %(tenant)s, k.customer_id, {
    ", ".join(
        "(k.fields->>'person.birth_on')::date"
        if name == "birth_on"
        else f"coalesce(k.fields->>'person.{name}', '')"
        for name in _FIELDS
    )
}
FROM chunk k WHERE (k.is_new OR EXISTS (SELECT FROM change ch WHERE ch.row_number = k.row_number))
  AND EXISTS (SELECT FROM jsonb_each(k.fields) e WHERE starts_with(e.key, 'person.') AND e.value <> 'null')
ORDER BY k.row_number
ON CONFLICT (tenant_id, customer_id) DO NOTHING
"""  # noqa: S608 - joined from constants


def patch_persons(table: str, values: str) -> str:
    """Return the statement that sets the personal fields named in ``table``'s JSON column ``values``."""
    cases = ", ".join(
        f"{name} = CASE WHEN t.{values} ? 'person.{name}' THEN "
        + (
            f"(t.{values}->>'person.birth_on')::date"
            if name == "birth_on"
            else f"coalesce(t.{values}->>'person.{name}', '')"
        )
        + f" ELSE p.{name} END"
        for name in _FIELDS
    )
    return f"""
UPDATE crm_person p SET {cases} FROM {table} t
WHERE p.tenant_id = %(tenant)s AND p.customer_id = t.customer_id
  AND EXISTS (SELECT FROM jsonb_object_keys(t.{values}) k WHERE starts_with(k, 'person.'))
"""  # noqa: S608 - joined from constants


def patch_customers(table: str, values: str) -> str:
    """Return the statement that sets the attributes named in ``values``; null removes one."""
    return f"""
UPDATE crm_customer c SET updated_at = %(at)s,
    attributes = (c.attributes || coalesce(set_to.given, '{{}}')) - coalesce(set_to.gone, '{{}}')
FROM {table} t CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(substr(e.key, 11), e.value) FILTER (WHERE e.value <> 'null') AS given,
           array_agg(substr(e.key, 11)) FILTER (WHERE e.value = 'null') AS gone
    FROM jsonb_each(t.{values}) e WHERE starts_with(e.key, 'attribute.')
) set_to
WHERE c.tenant_id = %(tenant)s AND c.id = t.customer_id
"""  # noqa: S608 - joined from constants


# An address that already points to somebody else keeps pointing there.
ADD_IDENTITIES = """
WITH added AS (
    INSERT INTO crm_identity (tenant_id, customer_id, kind, value, created_at)
    SELECT %(tenant)s, k.customer_id, substr(e.key, 10), e.value, %(at)s
    FROM chunk k CROSS JOIN LATERAL jsonb_each_text(k.fields) e
    WHERE starts_with(e.key, 'identity.') AND e.value IS NOT NULL
    ORDER BY (substr(e.key, 10), e.value) <> (k.match_kind, k.key), k.row_number
    ON CONFLICT (tenant_id, kind, value) DO NOTHING RETURNING id, customer_id
)
INSERT INTO crm_importchange (tenant_id, import_run_id, row_number, subject, subject_id, is_new, before,
    after)
SELECT %(tenant)s, %(run)s, k.row_number, 'identity', a.id, true, '{}', '{}'
FROM added a JOIN chunk k USING (customer_id) WHERE NOT k.is_new
"""
# Somebody else has just made the customer of a row that found none.
COUNT_RACED = """
SELECT count(*) FROM chunk k WHERE k.is_new AND NOT EXISTS (
    SELECT FROM crm_identity i WHERE i.tenant_id = %(tenant)s AND i.kind = k.match_kind AND i.value = k.key
      AND i.customer_id = k.customer_id)
"""
NAME_CUSTOMERS = """
UPDATE crm_customer c SET external_id = k.fields->>'identity.external_id'
FROM chunk k WHERE NOT k.is_new AND c.tenant_id = %(tenant)s AND c.id = k.customer_id AND c.external_id
    IS NULL
  AND EXISTS (SELECT FROM crm_identity i WHERE i.tenant_id = %(tenant)s AND i.kind = 'external_id'
              AND i.value = k.fields->>'identity.external_id' AND i.customer_id = c.id)
"""
KEEP_JOURNAL = """
INSERT INTO crm_importchange (tenant_id, import_run_id, row_number, subject, subject_id, is_new, before,
    after)
SELECT %(tenant)s, %(run)s, row_number, 'customer', customer_id, true, '{}'::jsonb, '{}'::jsonb FROM
    chunk WHERE is_new
UNION ALL
SELECT %(tenant)s, %(run)s, row_number, 'customer', customer_id, false, before, after FROM change
"""

# --- Undo -----------------------------------------------------------------------------------------

REMOVE_IDENTITIES = """
DELETE FROM crm_identity i USING undone u
WHERE i.tenant_id = %(tenant)s AND u.subject = 'identity' AND i.id = u.subject_id
"""
FIND_RESTORABLE = f"""
DROP TABLE IF EXISTS restored;
CREATE TEMPORARY TABLE restored ON COMMIT DROP AS
SELECT u.subject_id AS customer_id,
       coalesce(jsonb_object_agg(e.key, u.before->e.key) FILTER (WHERE was.value = e.value), '{{}}') AS back,
       count(*) FILTER (WHERE was.value <> e.value) AS changed_since
FROM undone u
JOIN crm_customer c ON c.tenant_id = %(tenant)s AND c.id = u.subject_id
LEFT JOIN crm_person p ON p.tenant_id = %(tenant)s AND p.customer_id = u.subject_id
CROSS JOIN LATERAL jsonb_each(u.after) e {_WAS}
WHERE u.subject = 'customer' AND NOT u.is_new GROUP BY u.subject_id
"""  # noqa: S608 - joined from constants
COUNT_RESTORED = """
SELECT count(*) FILTER (WHERE back <> '{}'), count(*) FILTER (WHERE changed_since > 0) FROM restored
"""
