from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base
from tenants.operations import IsolateTenantTable

# A foreign key of an existing table: IsolateTenantTable makes those of new ones.
RETRY_OF = """
ALTER TABLE crm_importrun ADD CONSTRAINT crm_importrun_retry_of_id_fk
FOREIGN KEY (tenant_id, retry_of_id) REFERENCES crm_importrun (tenant_id, id)
ON DELETE SET NULL (retry_of_id) DEFERRABLE INITIALLY IMMEDIATE
"""


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0010_rfm_scale"),
        ("tenants", "0003_stale_jobs"),
    ]

    operations = [
        migrations.AddField(
            model_name="importrun",
            name="check_report",
            field=models.JSONField(blank=True, default=dict, verbose_name="report of the check"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="file_bytes",
            field=models.BigIntegerField(default=0, verbose_name="size in bytes"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="file_path",
            field=models.CharField(blank=True, default="", max_length=300, verbose_name="stored file"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="job",
            field=models.UUIDField(blank=True, null=True, verbose_name="job"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="plan",
            field=models.JSONField(blank=True, default=dict, verbose_name="plan of the columns"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="position",
            field=models.BigIntegerField(default=0, verbose_name="last row loaded"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="retry_of",
            field=tenants.models.base.TenantForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="retries",
                to="crm.importrun",
                verbose_name="repeats the failed rows of",
            ),
        ),
        migrations.AddField(
            model_name="importrun",
            name="reverted_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="reverted at"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="rows_staged",
            field=models.BigIntegerField(default=0, verbose_name="rows staged"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="shape",
            field=models.JSONField(blank=True, default=dict, verbose_name="how the file is read"),
        ),
        migrations.AddField(
            model_name="importrun",
            name="undo_report",
            field=models.JSONField(blank=True, default=dict, verbose_name="report of the undo"),
        ),
        migrations.AddField(
            model_name="quarantinedrow",
            name="column",
            field=models.CharField(blank=True, default="", max_length=300, verbose_name="column"),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="kind",
            field=models.CharField(max_length=40, verbose_name="kind"),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="mapping",
            field=models.CharField(
                blank=True,
                default="",
                help_text="a preset's name; empty for a plan",
                max_length=60,
                verbose_name="mapping",
            ),
        ),
        migrations.RunSQL(RETRY_OF, "ALTER TABLE crm_importrun DROP CONSTRAINT crm_importrun_retry_of_id_fk"),
        migrations.CreateModel(
            name="ImportChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("row_number", models.BigIntegerField(verbose_name="row number")),
                ("subject", models.CharField(max_length=20, verbose_name="subject")),
                ("subject_id", models.BigIntegerField(verbose_name="id of the subject")),
                ("is_new", models.BooleanField(default=False, verbose_name="was made by the import")),
                ("before", models.JSONField(default=dict, verbose_name="values before")),
                ("after", models.JSONField(default=dict, verbose_name="values after")),
                (
                    "import_run",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="crm.importrun",
                        verbose_name="import",
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
                "verbose_name": "change of an import",
                "verbose_name_plural": "changes of an import",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["tenant", "import_run", "subject", "id"], name="crm_import_change")
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportMapping",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=40, verbose_name="kind")),
                (
                    "fingerprint",
                    models.CharField(max_length=64, verbose_name="fingerprint of the column names"),
                ),
                ("plan", models.JSONField(verbose_name="plan of the columns")),
                ("used_at", models.DateTimeField(verbose_name="last used at")),
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
                "verbose_name": "remembered mapping",
                "verbose_name_plural": "remembered mappings",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "kind", "fingerprint"), name="crm_import_mapping_fingerprint"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StagedRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("row_number", models.BigIntegerField(verbose_name="row number")),
                (
                    "match_kind",
                    models.CharField(blank=True, default="", max_length=16, verbose_name="kind of key"),
                ),
                (
                    "key",
                    models.CharField(
                        blank=True, db_collation="C", default="", max_length=300, verbose_name="key"
                    ),
                ),
                ("fields", models.JSONField(default=dict, verbose_name="values by field")),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("", "Ready"), ("merged", "Merged"), ("quarantined", "Quarantined")],
                        default="",
                        max_length=12,
                        verbose_name="outcome",
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=60, verbose_name="reason")),
                ("column", models.CharField(blank=True, default="", max_length=300, verbose_name="column")),
                (
                    "import_run",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="staged_rows",
                        to="crm.importrun",
                        verbose_name="import",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
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
                "verbose_name": "staged row",
                "verbose_name_plural": "staged rows",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "import_run", "row_number"), name="crm_staged_row_number"
                    )
                ],
            },
        ),
        IsolateTenantTable("ImportChange"),
        IsolateTenantTable("ImportMapping"),
        IsolateTenantTable("StagedRow"),
    ]
