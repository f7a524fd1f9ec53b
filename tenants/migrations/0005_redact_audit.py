"""The audit log stays append-only; erasing a customer empties what it says about the person, nothing else."""

from __future__ import annotations

from django.db import migrations

# Only the owner's function below can pass, and only with the columns that may name a person emptied.
REDACT = """
CREATE OR REPLACE FUNCTION tenants_auditentry_refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
BEGIN
    IF TG_OP = 'UPDATE' AND current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID)
       AND NEW.target_label = '' AND NEW.diff = '{}'::jsonb
       AND to_jsonb(NEW) - 'target_label' - 'diff' = to_jsonb(OLD) - 'target_label' - 'diff' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'tenants_auditentry is append-only' USING ERRCODE = 'restrict_violation';
END
$body$;

CREATE FUNCTION tenants_redact_customer_audit(public_ids text[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    asking_tenant bigint := NULLIF(current_setting('app.tenant_id', true), '')::bigint;
    redacted integer;
BEGIN
    UPDATE public.tenants_auditentry SET target_label = '', diff = '{}'
    WHERE tenant_id = asking_tenant AND target_type = 'crm.customer' AND target_id = ANY(public_ids)
      AND (target_label <> '' OR diff <> '{}'::jsonb);
    GET DIAGNOSTICS redacted = ROW_COUNT;
    RETURN redacted;
END
$body$;
REVOKE ALL ON FUNCTION tenants_redact_customer_audit(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_redact_customer_audit(text[]) TO app_rw;
"""
REFUSE_AGAIN = """
DROP FUNCTION tenants_redact_customer_audit(text[]);
CREATE OR REPLACE FUNCTION tenants_auditentry_refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
BEGIN RAISE EXCEPTION 'tenants_auditentry is append-only' USING ERRCODE = 'restrict_violation'; END $body$;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_api_key_origins")]

    operations = [migrations.RunSQL(REDACT, REFUSE_AGAIN)]
