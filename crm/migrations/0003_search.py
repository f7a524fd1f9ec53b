"""Prefix search over customers that row-level security cannot slow down, and time-ordered ids made in SQL."""

from __future__ import annotations

from django.db import migrations

# Under row-level security a non-leakproof operator cannot use an index, so the search runs as the owner
# app_search (BYPASSRLS) and reads the tenant from the setting alone: no argument can name another tenant.
SEARCH = """
CREATE FUNCTION crm_search_customers(query text, max_rows integer) RETURNS TABLE (customer_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    asking_tenant bigint := NULLIF(current_setting('app.tenant_id', true), '')::bigint;
    wanted integer := least(greatest(max_rows, 0), 1000);
    -- A prefix is a range of the B-tree: from itself up to itself followed by the last code point.
    exact_from text := btrim(query);
    exact_to text := exact_from || chr(1114111);
    lower_from text := lower(exact_from);
    lower_to text := lower_from || chr(1114111);
    first_word text := split_part(lower_from, ' ', 1);
    rest_from text := btrim(substr(lower_from, length(first_word) + 1));
    rest_to text := rest_from || chr(1114111);
BEGIN
    IF exact_from = '' OR asking_tenant IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT found.id FROM (
        (SELECT c.id, 1 AS rank FROM public.crm_customer c
          WHERE c.tenant_id = asking_tenant AND c.external_id >= exact_from AND c.external_id < exact_to
          ORDER BY c.external_id LIMIT wanted)
        UNION ALL
        (SELECT p.customer_id, 2 FROM public.crm_person p
          WHERE p.tenant_id = asking_tenant AND p.email_lower >= lower_from AND p.email_lower < lower_to
          ORDER BY p.email_lower LIMIT wanted)
        UNION ALL
        (SELECT p.customer_id, 2 FROM public.crm_person p
          WHERE rest_from <> '' AND p.tenant_id = asking_tenant
            AND p.given_name_lower = first_word
            AND p.family_name_lower >= rest_from AND p.family_name_lower < rest_to
          LIMIT wanted)
        UNION ALL
        (SELECT p.customer_id, 3 FROM public.crm_person p
          WHERE p.tenant_id = asking_tenant
            AND p.family_name_lower >= lower_from AND p.family_name_lower < lower_to
          ORDER BY p.family_name_lower LIMIT wanted)
        UNION ALL
        (SELECT p.customer_id, 4 FROM public.crm_person p
          WHERE p.tenant_id = asking_tenant
            AND p.given_name_lower >= lower_from AND p.given_name_lower < lower_to
          ORDER BY p.given_name_lower LIMIT wanted)
        UNION ALL
        (SELECT i.customer_id, 5 FROM public.crm_identity i
          WHERE i.tenant_id = asking_tenant AND i.kind IN ('card', 'phone')
            AND i.value >= exact_from AND i.value < exact_to
          LIMIT wanted)
    ) found
    GROUP BY found.id ORDER BY min(found.rank), found.id LIMIT wanted;
END
$body$;
"""

OWNERSHIP = """
GRANT SELECT ON crm_customer, crm_person, crm_identity TO app_search;
REVOKE ALL ON FUNCTION crm_search_customers(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION crm_search_customers(text, integer) TO app_rw;
ALTER FUNCTION crm_search_customers(text, integer) OWNER TO app_search;
"""

# Version 7 as RFC 9562 section 5.7 lays it out: 48 bits of milliseconds, then random bits. Names are qualified
# instead of a pinned search path, which would keep the planner from inlining it into bulk loads.
UUID7 = """
CREATE FUNCTION crm_new_public_id() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE AS $body$
    SELECT pg_catalog.encode(
        pg_catalog.set_bit(pg_catalog.set_bit(
            overlay(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
                    PLACING substring(pg_catalog.int8send(
                        (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int8) FROM 3)
                    FROM 1 FOR 6),
            52, 1), 53, 1),
        'hex')::pg_catalog.uuid
$body$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0002_events"),
    ]

    operations = [
        migrations.RunSQL(SEARCH, "DROP FUNCTION crm_search_customers(text, integer)"),
        migrations.RunSQL(OWNERSHIP, "REVOKE ALL ON crm_customer, crm_person, crm_identity FROM app_search"),
        migrations.RunSQL(UUID7, "DROP FUNCTION crm_new_public_id()"),
    ]
