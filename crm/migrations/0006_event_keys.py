"""Events: their customers checked a statement at a time, and stray months moved out of the default partition."""

from __future__ import annotations

from django.db import migrations

# The check of a foreign key a row took more than the insert itself (8 of 14 ms of a batch of 1,000), and its row
# locks on the customers made batches wait for each other. A statement trigger makes the same promise: an event
# names a customer that exists, and a customer with events is not deleted. The advisory lock of the tenant stands
# in for the row locks: any number of inserts go together, a deletion of customers waits for them and they for it.
CUSTOMER_KEY = """
ALTER TABLE crm_event DROP CONSTRAINT crm_event_customer_id_fk;

CREATE FUNCTION crm_event_check_customers() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off SET jit = off AS $body$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7201453, (tenant_id % 2147483647)::integer)
    FROM (SELECT DISTINCT tenant_id FROM added) a;
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT tenant_id, customer_id FROM added) a
        WHERE NOT EXISTS (SELECT FROM crm_customer c WHERE c.tenant_id = a.tenant_id AND c.id = a.customer_id)
    ) THEN
        RAISE EXCEPTION 'an event names a customer that does not exist'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'crm_event_customer_id_fk';
    END IF;
    RETURN NULL;
END
$body$;
CREATE TRIGGER crm_event_customer_id_fk_insert AFTER INSERT ON crm_event
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION crm_event_check_customers();
CREATE TRIGGER crm_event_customer_id_fk_update AFTER UPDATE ON crm_event
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION crm_event_check_customers();

CREATE FUNCTION crm_customer_keep_with_events() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $body$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'the key of a customer never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM pg_advisory_xact_lock(7201453, (OLD.tenant_id % 2147483647)::integer);
    IF EXISTS (SELECT FROM crm_event e WHERE e.tenant_id = OLD.tenant_id AND e.customer_id = OLD.id) THEN
        RAISE EXCEPTION 'the customer has events'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'crm_event_customer_id_fk';
    END IF;
    RETURN OLD;
END
$body$;
CREATE TRIGGER crm_customer_keep_with_events BEFORE DELETE ON crm_customer
    FOR EACH ROW EXECUTE FUNCTION crm_customer_keep_with_events();
CREATE TRIGGER crm_customer_keep_key BEFORE UPDATE ON crm_customer
    FOR EACH ROW WHEN (OLD.id <> NEW.id OR OLD.tenant_id <> NEW.tenant_id)
    EXECUTE FUNCTION crm_customer_keep_with_events();
"""

CUSTOMER_KEY_BACK = """
DROP TRIGGER crm_customer_keep_key ON crm_customer;
DROP TRIGGER crm_customer_keep_with_events ON crm_customer;
DROP FUNCTION crm_customer_keep_with_events();
DROP TRIGGER crm_event_customer_id_fk_update ON crm_event;
DROP TRIGGER crm_event_customer_id_fk_insert ON crm_event;
DROP FUNCTION crm_event_check_customers();
ALTER TABLE crm_event ADD CONSTRAINT crm_event_customer_id_fk FOREIGN KEY (tenant_id, customer_id)
    REFERENCES crm_customer (tenant_id, id) DEFERRABLE INITIALLY IMMEDIATE;
"""

# No request makes a partition: events of a month without one go to the default partition. A nightly job gives the
# months that have enough of them one of their own; the others stay where they are, as readable as any.
# The owner sees rows of a table under forced row-level security only while it is not forced.
STRAY_MONTHS = """
CREATE FUNCTION crm_move_stray_events(least_rows integer, most_rows integer, most_months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' SET lock_timeout = '5s'
AS $body$
DECLARE
    stray record;
    partition text;
    moved integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('crm_event partitions'));
    ALTER TABLE crm_event_default NO FORCE ROW LEVEL SECURITY;
    FOR stray IN
        SELECT date_trunc('month', occurred_at)::date AS month FROM crm_event_default
        GROUP BY 1 HAVING count(*) BETWEEN least_rows AND most_rows ORDER BY count(*) DESC LIMIT most_months
    LOOP
        partition := 'crm_event_' || to_char(stray.month, 'YYYY_MM');
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_class WHERE relname = partition AND relnamespace = 'public'::regnamespace
        );
        EXECUTE format('CREATE TABLE public.%I (LIKE crm_event INCLUDING ALL)', partition);
        EXECUTE format(
            'WITH stray AS (DELETE FROM crm_event_default WHERE occurred_at >= %L AND occurred_at < %L RETURNING *)'
            ' INSERT INTO public.%I SELECT * FROM stray',
            stray.month::timestamptz, (stray.month + interval '1 month')::timestamptz, partition
        );
        EXECUTE format(
            'ALTER TABLE crm_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            partition, stray.month::timestamptz, (stray.month + interval '1 month')::timestamptz
        );
        PERFORM crm_isolate_event_partition(partition::regclass);
        moved := moved + 1;
    END LOOP;
    ALTER TABLE crm_event_default FORCE ROW LEVEL SECURITY;
    RETURN moved;
END
$body$;
REVOKE ALL ON FUNCTION crm_move_stray_events(integer, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION crm_move_stray_events(integer, integer, integer) TO app_rw;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0005_customer_merges"),
    ]

    operations = [
        migrations.RunSQL(CUSTOMER_KEY, CUSTOMER_KEY_BACK),
        migrations.RunSQL(STRAY_MONTHS, "DROP FUNCTION crm_move_stray_events(integer, integer, integer)"),
    ]
