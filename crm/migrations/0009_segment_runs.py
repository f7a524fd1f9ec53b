"""Runs, history and touches of segments; profiles of customers; events by name."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base
from tenants.operations import IsolateTenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0008_identity_spelling"),
        ("tenants", "0003_stale_jobs"),
    ]

    operations = [
        migrations.CreateModel(
            name="CustomerProfile",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "average_basket_minor",
                    models.BigIntegerField(blank=True, null=True, verbose_name="average basket"),
                ),
                (
                    "days_between_orders",
                    models.FloatField(blank=True, null=True, verbose_name="days between orders"),
                ),
                (
                    "favourite_category",
                    models.CharField(
                        blank=True, max_length=120, null=True, verbose_name="favourite category"
                    ),
                ),
                (
                    "category_shares",
                    models.JSONField(blank=True, default=dict, verbose_name="shares of categories"),
                ),
                (
                    "favourite_channel",
                    models.CharField(blank=True, max_length=60, null=True, verbose_name="favourite channel"),
                ),
                ("events_count", models.PositiveIntegerField(default=0, verbose_name="events")),
                ("clicks_count", models.PositiveIntegerField(default=0, verbose_name="clicks")),
                ("sessions_count", models.PositiveIntegerField(default=0, verbose_name="sessions")),
                ("active_days", models.PositiveIntegerField(default=0, verbose_name="active days")),
                ("time_spent_seconds", models.BigIntegerField(default=0, verbose_name="time spent")),
                (
                    "first_touch",
                    models.CharField(blank=True, max_length=200, null=True, verbose_name="first touch"),
                ),
                (
                    "last_touch",
                    models.CharField(blank=True, max_length=200, null=True, verbose_name="last touch"),
                ),
                (
                    "rfm_recency",
                    models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="recency cell"),
                ),
                (
                    "rfm_frequency",
                    models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="frequency cell"),
                ),
                (
                    "rfm_monetary",
                    models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="monetary cell"),
                ),
                ("computed_at", models.DateTimeField(verbose_name="computed at")),
            ],
            options={
                "verbose_name": "customer profile",
                "verbose_name_plural": "customer profiles",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="CustomerTouch",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("touched_at", models.DateTimeField(verbose_name="touched at")),
            ],
            options={
                "verbose_name": "customer touch",
                "verbose_name_plural": "customer touches",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="SegmentDay",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day_on", models.DateField(verbose_name="day")),
                ("members", models.PositiveIntegerField(verbose_name="members")),
                ("entered", models.PositiveIntegerField(default=0, verbose_name="entered")),
                ("left", models.PositiveIntegerField(default=0, verbose_name="left")),
            ],
            options={
                "verbose_name": "segment day",
                "verbose_name_plural": "segment days",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="SegmentDeparture",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("joined_at", models.DateTimeField(verbose_name="joined at")),
                ("left_at", models.DateTimeField(verbose_name="left at")),
            ],
            options={
                "verbose_name": "segment departure",
                "verbose_name_plural": "segment departures",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="SegmentRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "Running"), ("done", "Done"), ("failed", "Failed")],
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("is_full", models.BooleanField(default=False, verbose_name="is full")),
                ("started_at", models.DateTimeField(verbose_name="started at")),
                ("lease_until", models.DateTimeField(verbose_name="lease until")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "duration_ms",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="duration, in milliseconds"
                    ),
                ),
                ("customers", models.PositiveIntegerField(default=0, verbose_name="customers")),
                ("segments", models.PositiveIntegerField(default=0, verbose_name="segments")),
                ("failed", models.PositiveIntegerField(default=0, verbose_name="failed segments")),
                ("error", models.TextField(blank=True, default="", verbose_name="error")),
            ],
            options={
                "verbose_name": "segment run",
                "verbose_name_plural": "segment runs",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
            },
        ),
        migrations.AddField(
            model_name="segment",
            name="depends_on_time",
            field=models.BooleanField(default=False, verbose_name="depends on time"),
        ),
        migrations.AddField(
            model_name="segment",
            name="failures",
            field=models.PositiveSmallIntegerField(default=0, verbose_name="failures in a row"),
        ),
        migrations.AddField(
            model_name="segment",
            name="fully_refreshed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="fully refreshed at"),
        ),
        migrations.AddField(
            model_name="segment",
            name="retry_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="retry at"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                fields=["tenant", "name", "occurred_at", "customer"], name="crm_event_by_name"
            ),
        ),
        migrations.AddIndex(
            model_name="segmentmember",
            index=models.Index(
                fields=["tenant", "segment", "joined_at", "id"], name="crm_segment_member_by_time"
            ),
        ),
        migrations.AddField(
            model_name="customerprofile",
            name="customer",
            field=tenants.models.base.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="profiles",
                to="crm.customer",
                verbose_name="customer",
            ),
        ),
        migrations.AddField(
            model_name="customerprofile",
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
            model_name="customertouch",
            name="customer",
            field=tenants.models.base.TenantForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="touches",
                to="crm.customer",
                verbose_name="customer",
            ),
        ),
        migrations.AddField(
            model_name="customertouch",
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
            model_name="segmentday",
            name="segment",
            field=tenants.models.base.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="days",
                to="crm.segment",
                verbose_name="segment",
            ),
        ),
        migrations.AddField(
            model_name="segmentday",
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
            model_name="segmentdeparture",
            name="customer",
            field=tenants.models.base.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="segment_departures",
                to="crm.customer",
                verbose_name="customer",
            ),
        ),
        migrations.AddField(
            model_name="segmentdeparture",
            name="segment",
            field=tenants.models.base.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="departures",
                to="crm.segment",
                verbose_name="segment",
            ),
        ),
        migrations.AddField(
            model_name="segmentdeparture",
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
            model_name="segmentrun",
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
        migrations.AddConstraint(
            model_name="customerprofile",
            constraint=models.UniqueConstraint(
                fields=("tenant", "customer"), name="crm_customer_profile_customer"
            ),
        ),
        migrations.AddConstraint(
            model_name="segmentday",
            constraint=models.UniqueConstraint(
                fields=("tenant", "segment", "day_on"), name="crm_segment_day_once"
            ),
        ),
        migrations.AddIndex(
            model_name="segmentdeparture",
            index=models.Index(fields=["tenant", "segment", "left_at"], name="crm_segment_departure_by_time"),
        ),
        migrations.AddIndex(
            model_name="segmentdeparture",
            index=models.Index(fields=["tenant", "customer"], name="crm_segment_departure_by_cust"),
        ),
        migrations.AddIndex(
            model_name="segmentrun",
            index=models.Index(fields=["tenant", "started_at"], name="crm_segment_run_by_time"),
        ),
        migrations.AddConstraint(
            model_name="segmentrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running")), fields=("tenant",), name="crm_segment_run_one"
            ),
        ),
        IsolateTenantTable("CustomerProfile"),
        IsolateTenantTable("CustomerTouch"),
        IsolateTenantTable("SegmentDay"),
        IsolateTenantTable("SegmentDeparture"),
        IsolateTenantTable("SegmentRun"),
    ]
