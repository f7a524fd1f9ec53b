"""What events look like, how many came, how long they are kept; rejects that can be found and sent again."""

from __future__ import annotations

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base
from tenants.operations import IsolateTenantTable

# Retention deletes a tenant's rows; a month that all have let go is dropped. Emptiness is asked with the security
# of the rows switched off, under the lock that keeps everybody out: the owner would see no row of a full one.
DROP_EMPTY = """
CREATE FUNCTION crm_drop_empty_event_partitions(before date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '5s' AS $body$
DECLARE
    partition regclass;
    is_empty boolean;
    dropped integer := 0;
BEGIN
    IF before > (now() - interval '2 months')::date THEN
        RAISE EXCEPTION 'only old partitions are dropped' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('crm_event partitions'));
    FOR partition IN
        SELECT c.oid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'crm_event'::regclass AND c.relname ~ '^crm_event_\\d{4}_\\d{2}$'
          AND c.relname < 'crm_event_' || to_char(before, 'YYYY_MM') AND pg_relation_size(c.oid) = 0
    LOOP
        LOCK TABLE crm_event IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', partition);
        EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', partition) INTO is_empty;
        IF is_empty THEN
            EXECUTE format('DROP TABLE %s', partition);
            dropped := dropped + 1;
        ELSE
            EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', partition);
        END IF;
    END LOOP;
    RETURN dropped;
END
$body$;
REVOKE ALL ON FUNCTION crm_drop_empty_event_partitions(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION crm_drop_empty_event_partitions(date) TO app_rw;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0012_feedback"),
        ("tenants", "0003_stale_jobs"),
    ]

    operations = [
        migrations.CreateModel(
            name="EventSchema",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "public_id",
                    models.UUIDField(
                        default=tenants.models.base.new_public_id, editable=False, verbose_name="id"
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("first_seen_at", models.DateTimeField(verbose_name="first seen")),
                ("last_seen_at", models.DateTimeField(verbose_name="last seen")),
                ("count", models.BigIntegerField(default=0, verbose_name="events")),
                ("is_locked", models.BooleanField(default=False, verbose_name="locked")),
                (
                    "on_violation",
                    models.CharField(
                        choices=[("reject", "Reject the event"), ("flag", "Accept and count it")],
                        default="reject",
                        max_length=6,
                        verbose_name="what does not match",
                    ),
                ),
                ("flagged_count", models.BigIntegerField(default=0, verbose_name="flagged")),
            ],
            options={
                "verbose_name": "event schema",
                "verbose_name_plural": "event schemas",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="EventTally",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("received_on", models.DateField(verbose_name="day")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "status",
                    models.CharField(
                        choices=[("accepted", "Accepted"), ("invalid", "Rejected")],
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                ("count", models.BigIntegerField(default=0, verbose_name="events")),
            ],
            options={
                "verbose_name": "event count",
                "verbose_name_plural": "event counts",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="PropertySchema",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.CharField(db_collation="C", max_length=120, verbose_name="property")),
                (
                    "value_type",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("text", "Text"),
                            ("number", "Number"),
                            ("yes_no", "Yes or no"),
                            ("moment", "Date or time"),
                            ("list", "List"),
                            ("object", "Object"),
                        ],
                        default="",
                        max_length=8,
                        verbose_name="declared type",
                    ),
                ),
                ("types", models.JSONField(default=dict, verbose_name="types seen")),
                ("present_count", models.BigIntegerField(default=0, verbose_name="present")),
                ("examples", models.JSONField(default=list, verbose_name="examples")),
                ("first_seen_at", models.DateTimeField(verbose_name="first seen")),
                ("last_seen_at", models.DateTimeField(verbose_name="last seen")),
                (
                    "sensitivity",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Not sensitive"),
                            ("email", "E-mail"),
                            ("phone", "Phone"),
                            ("birth_date", "Date of birth"),
                            ("card", "Card or account number"),
                            ("health", "Health"),
                            ("personal", "Other personal data"),
                        ],
                        default="",
                        max_length=10,
                        verbose_name="sensitive data",
                    ),
                ),
                ("is_sensitivity_set", models.BooleanField(default=False, verbose_name="decided by staff")),
            ],
            options={
                "verbose_name": "event property",
                "verbose_name_plural": "event properties",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
            },
        ),
        migrations.AddField(
            model_name="eventreject",
            name="identity",
            field=models.CharField(blank=True, default="", max_length=254, verbose_name="customer as sent"),
        ),
        migrations.AddField(
            model_name="eventreject",
            name="name",
            field=models.CharField(blank=True, default="", max_length=100, verbose_name="name"),
        ),
        # The default is drawn for every row by the database itself: a data migration would see none of them.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    """ALTER TABLE crm_eventreject ADD COLUMN public_id uuid NOT NULL DEFAULT crm_new_public_id();
                       ALTER TABLE crm_eventreject ALTER COLUMN public_id DROP DEFAULT""",
                    "ALTER TABLE crm_eventreject DROP COLUMN public_id",
                )
            ],
            state_operations=[
                migrations.AddField(
                    model_name="eventreject",
                    name="public_id",
                    field=models.UUIDField(
                        default=tenants.models.base.new_public_id, editable=False, verbose_name="id"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="eventreject",
            name="replayed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="replayed"),
        ),
        migrations.AddField(
            model_name="eventreject",
            name="source",
            field=models.CharField(blank=True, default="native", max_length=20, verbose_name="source"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=django.contrib.postgres.indexes.BrinIndex(
                fields=["received_at"], name="crm_event_received_brin", pages_per_range=16
            ),
        ),
        migrations.AddConstraint(
            model_name="eventreject",
            constraint=models.UniqueConstraint(
                fields=("tenant", "public_id"), name="crm_event_reject_public_id"
            ),
        ),
        migrations.AddField(
            model_name="eventschema",
            name="tenant",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tenants.tenant",
                verbose_name="tenant",
            ),
        ),
        migrations.AddField(
            model_name="eventtally",
            name="tenant",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tenants.tenant",
                verbose_name="tenant",
            ),
        ),
        migrations.AddField(
            model_name="propertyschema",
            name="schema",
            field=tenants.models.base.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="properties",
                to="crm.eventschema",
                verbose_name="event schema",
            ),
        ),
        migrations.AddField(
            model_name="propertyschema",
            name="tenant",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tenants.tenant",
                verbose_name="tenant",
            ),
        ),
        migrations.AddIndex(
            model_name="eventschema",
            index=models.Index(
                condition=models.Q(("is_locked", True)),
                fields=["tenant", "name"],
                name="crm_event_schema_locked",
            ),
        ),
        migrations.AddConstraint(
            model_name="eventschema",
            constraint=models.UniqueConstraint(
                fields=("tenant", "public_id"), name="crm_event_schema_public_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="eventschema",
            constraint=models.UniqueConstraint(fields=("tenant", "name"), name="crm_event_schema_name"),
        ),
        migrations.AddConstraint(
            model_name="eventtally",
            constraint=models.UniqueConstraint(
                fields=("tenant", "received_on", "name", "status"), name="crm_event_tally_day"
            ),
        ),
        migrations.AddIndex(
            model_name="propertyschema",
            index=models.Index(
                condition=models.Q(("sensitivity", ""), _negated=True),
                fields=["tenant", "key"],
                name="crm_property_schema_sensitive",
            ),
        ),
        migrations.AddConstraint(
            model_name="propertyschema",
            constraint=models.UniqueConstraint(
                fields=("tenant", "schema", "key"), name="crm_property_schema_key"
            ),
        ),
        IsolateTenantTable("EventSchema"),
        IsolateTenantTable("EventTally"),
        IsolateTenantTable("PropertySchema"),
        migrations.RunSQL(DROP_EMPTY, "DROP FUNCTION crm_drop_empty_event_partitions(date)"),
    ]
