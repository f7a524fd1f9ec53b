from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base
from tenants.operations import IsolateTenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0013_event_schemas"),
        ("tenants", "0004_api_key_origins"),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "public_id",
                    models.UUIDField(
                        default=tenants.models.base.new_public_id, editable=False, verbose_name="id"
                    ),
                ),
                ("list_key", models.CharField(max_length=40, verbose_name="list")),
                (
                    "format",
                    models.CharField(
                        choices=[("csv", "CSV"), ("xlsx", "XLSX"), ("parquet", "Parquet")],
                        max_length=8,
                        verbose_name="format",
                    ),
                ),
                ("filters", models.JSONField(blank=True, default=dict, verbose_name="filters")),
                ("job", models.UUIDField(blank=True, null=True, verbose_name="job")),
                (
                    "file_path",
                    models.CharField(blank=True, default="", max_length=300, verbose_name="stored file"),
                ),
                ("file_bytes", models.BigIntegerField(default=0, verbose_name="size in bytes")),
                ("rows", models.BigIntegerField(default=0, verbose_name="rows")),
                ("report", models.JSONField(blank=True, default=dict, verbose_name="report")),
                ("requested_by", models.CharField(max_length=200, verbose_name="requested by")),
                ("requested_at", models.DateTimeField(verbose_name="requested at")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires at")),
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
                "verbose_name": "export",
                "verbose_name_plural": "exports",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.OrderBy(models.F("requested_at"), descending=True),
                        name="crm_export_by_time",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "public_id"), name="crm_export_public_id")
                ],
            },
        ),
        IsolateTenantTable("Export"),
    ]
