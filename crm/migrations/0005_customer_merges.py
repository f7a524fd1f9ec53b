from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base
from tenants.operations import IsolateTenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0004_bulk_loads"),
        ("tenants", "0003_stale_jobs"),
    ]

    operations = [
        migrations.CreateModel(
            name="CustomerMerge",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "public_id",
                    models.UUIDField(
                        default=tenants.models.base.new_public_id, editable=False, verbose_name="id"
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=300, verbose_name="reason")),
                ("choices", models.JSONField(blank=True, default=dict, verbose_name="choices")),
                ("before", models.JSONField(blank=True, default=dict, verbose_name="before")),
                ("after", models.JSONField(blank=True, default=dict, verbose_name="after")),
                ("moved", models.JSONField(blank=True, default=dict, verbose_name="moved rows")),
                ("merged_at", models.DateTimeField(verbose_name="merged at")),
                ("merged_by", models.CharField(max_length=254, verbose_name="merged by")),
                ("undone_at", models.DateTimeField(blank=True, null=True, verbose_name="undone at")),
                (
                    "undone_by",
                    models.CharField(blank=True, default="", max_length=254, verbose_name="undone by"),
                ),
                (
                    "journal_purged_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="journal purged at"),
                ),
                (
                    "absorbed",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merges_absorbed",
                        to="crm.customer",
                        verbose_name="absorbed",
                    ),
                ),
                (
                    "survivor",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merges_survived",
                        to="crm.customer",
                        verbose_name="survivor",
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
                "verbose_name": "customer merge",
                "verbose_name_plural": "customer merges",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "public_id"), name="crm_customer_merge_public_id"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at__isnull", True)),
                        fields=("tenant", "absorbed"),
                        name="crm_customer_merge_absorbed_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("survivor", models.F("absorbed")), _negated=True),
                        name="crm_customer_merge_two_customers",
                    ),
                ],
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.F("survivor"),
                        models.OrderBy(models.F("id"), descending=True),
                        name="crm_customer_merge_survivor",
                    ),
                    models.Index(
                        models.F("tenant"),
                        models.OrderBy(models.F("merged_at"), descending=True),
                        name="crm_customer_merge_by_time",
                    ),
                ],
            },
        ),
        IsolateTenantTable("CustomerMerge"),
        migrations.CreateModel(
            name="MergedRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("table", models.CharField(db_collation="C", max_length=63, verbose_name="table")),
                ("row_key", models.JSONField(verbose_name="row key")),
                ("taken", models.JSONField(blank=True, null=True, verbose_name="row taken away")),
                (
                    "merge",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="crm.customermerge",
                        verbose_name="merge",
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
                "verbose_name": "merged row",
                "verbose_name_plural": "merged rows",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["tenant", "merge", "table"], name="crm_merged_row_by_merge")
                ],
            },
        ),
        IsolateTenantTable("MergedRow"),
    ]
