"""The two reads before a tenant is known. Each returns only the rows of the key or user it is asked for."""

from __future__ import annotations

from django.db import migrations

FIND_API_KEY = """
CREATE FUNCTION tenants_find_api_key(wanted text)
RETURNS TABLE (tenant_id bigint, id bigint, kind varchar, name varchar, digest varchar, scopes varchar[],
               expires_at timestamptz, revoked_at timestamptz, last_used_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT k.tenant_id, k.id, k.kind, k.name, k.digest, k.scopes, k.expires_at, k.revoked_at, k.last_used_at
    FROM public.tenants_apikey k JOIN public.tenants_tenant t ON t.id = k.tenant_id
    WHERE k.prefix = wanted AND t.status = 'active'
$$;
"""

MEMBERSHIPS_OF = """
CREATE FUNCTION tenants_memberships_of(wanted bigint)
RETURNS TABLE (tenant_id bigint, slug varchar, name varchar, role varchar)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT m.tenant_id, t.slug, t.name, m.role
    FROM public.tenants_membership m JOIN public.tenants_tenant t ON t.id = m.tenant_id
    WHERE m.user_id = wanted AND t.status = 'active'
    ORDER BY t.name, t.id
$$;
"""

GRANTS = """
GRANT SELECT ON tenants_apikey, tenants_membership, tenants_tenant TO app_search;
ALTER FUNCTION tenants_find_api_key(text) OWNER TO app_search;
ALTER FUNCTION tenants_memberships_of(bigint) OWNER TO app_search;
REVOKE ALL ON FUNCTION tenants_find_api_key(text), tenants_memberships_of(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_find_api_key(text), tenants_memberships_of(bigint) TO app_rw;
CREATE INDEX tenants_apikey_by_prefix ON tenants_apikey (prefix);
CREATE INDEX tenants_membership_by_user ON tenants_membership (user_id);
CREATE INDEX tenants_outbox_due ON tenants_outboxmessage (available_at, id) WHERE state = 'pending';
"""

UNDO = """
DROP FUNCTION tenants_find_api_key(text);
DROP FUNCTION tenants_memberships_of(bigint);
DROP INDEX tenants_apikey_by_prefix;
DROP INDEX tenants_membership_by_user;
DROP INDEX tenants_outbox_due;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [migrations.RunSQL(FIND_API_KEY + MEMBERSHIPS_OF + GRANTS, UNDO)]
