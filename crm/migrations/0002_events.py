"""Events: a table partitioned by month, and the function that makes partitions for a role without DDL."""

from __future__ import annotations

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base
from tenants.operations import IsolateTenantTable

TABLE = """
CREATE TABLE crm_event (
    tenant_id bigint NOT NULL,
    message_id varchar(200) COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    name varchar(100) NOT NULL,
    customer_id bigint NOT NULL,
    properties jsonb NOT NULL,
    PRIMARY KEY (tenant_id, message_id, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX crm_event_by_customer ON crm_event (tenant_id, customer_id, occurred_at DESC);
CREATE INDEX crm_event_occurred_brin ON crm_event USING brin (occurred_at);
"""

# Attached, not created, as a partition: CREATE ... PARTITION OF would lock readers of the whole table out.
# Partitions carry the policy too and get no grants, so that they cannot be read past the parent's policy.
PARTITIONS = """
CREATE FUNCTION crm_isolate_event_partition(partition regclass) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $body$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', partition);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', partition);
    EXECUTE format(
        'CREATE POLICY tenant_isolation ON %s'
        ' USING (tenant_id = NULLIF(current_setting(''app.tenant_id'', true), '''')::bigint)'
        ' WITH CHECK (tenant_id = NULLIF(current_setting(''app.tenant_id'', true), '''')::bigint)',
        partition
    );
    EXECUTE format('REVOKE ALL ON TABLE %s FROM PUBLIC, app_rw', partition);
END
$body$;
REVOKE ALL ON FUNCTION crm_isolate_event_partition(regclass) FROM PUBLIC;

CREATE TABLE crm_event_default PARTITION OF crm_event DEFAULT;
SELECT crm_isolate_event_partition('crm_event_default');

CREATE FUNCTION crm_ensure_event_partitions(first_month date, last_month date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $body$
DECLARE
    month_start date := date_trunc('month', first_month);
    partition text;
    created integer := 0;
BEGIN
    IF month_start < date '2000-01-01' OR last_month > (now() + interval '400 days')::date THEN
        RAISE EXCEPTION 'event partitions may be made for 2000-01 to 400 days ahead only'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    WHILE month_start <= last_month LOOP
        partition := 'crm_event_' || to_char(month_start, 'YYYY_MM');
        IF to_regclass('public.' || partition) IS NULL THEN
            PERFORM pg_advisory_xact_lock(hashtext('crm_event partitions'));
            -- to_regclass may still remember that there was none before we waited; the catalogue does not.
            IF NOT EXISTS (
                SELECT FROM pg_class WHERE relname = partition AND relnamespace = 'public'::regnamespace
            ) THEN
                BEGIN
                    EXECUTE format('CREATE TABLE public.%I (LIKE crm_event INCLUDING ALL)', partition);
                    EXECUTE format(
                        'ALTER TABLE crm_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                        partition, month_start::timestamptz, (month_start + interval '1 month')::timestamptz
                    );
                    PERFORM crm_isolate_event_partition(partition::regclass);
                    created := created + 1;
                EXCEPTION WHEN check_violation THEN
                    -- The default partition already holds rows of this month: they stay there, readable.
                    RAISE NOTICE 'partition % not made: its rows are in the default partition', partition;
                END;
            END IF;
        END IF;
        month_start := month_start + interval '1 month';
    END LOOP;
    RETURN created;
END
$body$;
REVOKE ALL ON FUNCTION crm_ensure_event_partitions(date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION crm_ensure_event_partitions(date, date) TO app_rw;
SELECT crm_ensure_event_partitions(current_date - 31, current_date + 92);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(TABLE, "DROP TABLE crm_event")],
            state_operations=[
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "tenant_id",
                                "message_id",
                                "occurred_at",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "message_id",
                            models.CharField(db_collation="C", max_length=200, verbose_name="message id"),
                        ),
                        ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                        ("received_at", models.DateTimeField(verbose_name="received at")),
                        ("name", models.CharField(max_length=100, verbose_name="name")),
                        ("properties", models.JSONField(blank=True, default=dict, verbose_name="properties")),
                        (
                            "customer",
                            tenants.models.base.TenantForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="events",
                                to="crm.customer",
                                verbose_name="customer",
                            ),
                        ),
                        (
                            "tenant",
                            models.ForeignKey(
                                db_index=False,
                                editable=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="tenants.tenant",
                                verbose_name="tenant",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "event",
                        "verbose_name_plural": "events",
                        "abstract": False,
                        "base_manager_name": "objects",
                        "default_manager_name": "objects",
                        "indexes": [
                            models.Index(
                                models.F("tenant"),
                                models.F("customer"),
                                models.OrderBy(models.F("occurred_at"), descending=True),
                                name="crm_event_by_customer",
                            ),
                            django.contrib.postgres.indexes.BrinIndex(
                                fields=["occurred_at"], name="crm_event_occurred_brin"
                            ),
                        ],
                    },
                ),
            ],
        ),
        IsolateTenantTable("Event", primary_key=("tenant_id", "message_id", "occurred_at")),
        migrations.RunSQL(
            PARTITIONS,
            """
            DROP FUNCTION crm_ensure_event_partitions(date, date);
            DROP FUNCTION crm_isolate_event_partition(regclass);
            """,
        ),
    ]
