from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base
from tenants.operations import IsolateTenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0014_exports"),
        ("tenants", "0003_stale_jobs"),
    ]

    operations = [
        migrations.CreateModel(
            name="PrivacyRequest",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "public_id",
                    models.UUIDField(
                        default=tenants.models.base.new_public_id, editable=False, verbose_name="id"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("export", "Export"), ("erasure", "Erasure")],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("done", "Done"), ("cancelled", "Cancelled")],
                        default="waiting",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("requested_at", models.DateTimeField(verbose_name="requested at")),
                ("requested_by", models.CharField(max_length=254, verbose_name="requested by")),
                ("due_at", models.DateTimeField(verbose_name="due at")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                ("report", models.JSONField(blank=True, default=dict, verbose_name="report")),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="privacy_requests",
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
                "verbose_name": "privacy request",
                "verbose_name_plural": "privacy requests",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "public_id"), name="crm_privacy_request_public_id"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")),
                        fields=("tenant", "customer", "kind"),
                        name="crm_privacy_request_one_waiting",
                    ),
                ],
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.OrderBy(models.F("requested_at"), descending=True),
                        name="crm_privacy_request_by_time",
                    ),
                    models.Index(fields=["tenant", "customer"], name="crm_privacy_request_by_cust"),
                ],
            },
        ),
        IsolateTenantTable("PrivacyRequest"),
        migrations.CreateModel(
            name="PrivacyArchive",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("content", models.BinaryField(verbose_name="content")),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
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
                (
                    "request",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="archives",
                        to="crm.privacyrequest",
                        verbose_name="privacy request",
                    ),
                ),
            ],
            options={
                "verbose_name": "privacy archive",
                "verbose_name_plural": "privacy archives",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "request"), name="crm_privacy_archive_request")
                ],
            },
        ),
        IsolateTenantTable("PrivacyArchive"),
        migrations.CreateModel(
            name="RetentionRule",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "data_class",
                    models.CharField(
                        choices=[
                            ("events", "Events"),
                            ("event_rejects", "Rejected events"),
                            ("import_rows", "Rows kept out of imports"),
                            ("merge_journals", "Journals of merges"),
                            ("archives", "Exported archives"),
                            ("api_answers", "Stored answers of the API"),
                            ("messages", "Delivered messages"),
                            ("inactive_customers", "Customers not seen any more"),
                        ],
                        max_length=20,
                        verbose_name="data class",
                    ),
                ),
                ("days", models.PositiveIntegerField(blank=True, null=True, verbose_name="days")),
                ("updated_at", models.DateTimeField(verbose_name="updated at")),
                ("updated_by", models.CharField(max_length=254, verbose_name="updated by")),
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
                "verbose_name": "retention rule",
                "verbose_name_plural": "retention rules",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "data_class"), name="crm_retention_rule_class"),
                    models.CheckConstraint(
                        condition=models.Q(("days__isnull", True), ("days__gte", 1), _connector="OR"),
                        name="crm_retention_rule_days",
                    ),
                ],
            },
        ),
        IsolateTenantTable("RetentionRule"),
        migrations.CreateModel(
            name="RetentionRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "data_class",
                    models.CharField(
                        choices=[
                            ("events", "Events"),
                            ("event_rejects", "Rejected events"),
                            ("import_rows", "Rows kept out of imports"),
                            ("merge_journals", "Journals of merges"),
                            ("archives", "Exported archives"),
                            ("api_answers", "Stored answers of the API"),
                            ("messages", "Delivered messages"),
                            ("inactive_customers", "Customers not seen any more"),
                        ],
                        max_length=20,
                        verbose_name="data class",
                    ),
                ),
                ("days", models.PositiveIntegerField(verbose_name="days")),
                ("cut_off_at", models.DateTimeField(verbose_name="older than")),
                ("removed", models.PositiveBigIntegerField(verbose_name="removed")),
                ("ran_at", models.DateTimeField(verbose_name="ran at")),
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
                "verbose_name": "retention run",
                "verbose_name_plural": "retention runs",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.OrderBy(models.F("ran_at"), descending=True),
                        name="crm_retention_run_by_time",
                    )
                ],
            },
        ),
        IsolateTenantTable("RetentionRun"),
        migrations.CreateModel(
            name="Tombstone",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=16, verbose_name="kind")),
                ("digest", models.CharField(db_collation="C", max_length=64, verbose_name="digest")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
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
                "verbose_name": "tombstone",
                "verbose_name_plural": "tombstones",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "kind", "digest"), name="crm_tombstone_digest")
                ],
            },
        ),
        IsolateTenantTable("Tombstone"),
        migrations.CreateModel(
            name="DuplicateCandidate",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "public_id",
                    models.UUIDField(
                        default=tenants.models.base.new_public_id, editable=False, verbose_name="id"
                    ),
                ),
                ("score", models.FloatField(verbose_name="score")),
                ("reasons", models.JSONField(default=list, verbose_name="reasons")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "To review"), ("dismissed", "Not the same"), ("merged", "Merged")],
                        default="open",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("found_at", models.DateTimeField(verbose_name="found at")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided at")),
                (
                    "decided_by",
                    models.CharField(blank=True, default="", max_length=254, verbose_name="decided by"),
                ),
                (
                    "first",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="crm.customer",
                        verbose_name="first customer",
                    ),
                ),
                (
                    "second",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="crm.customer",
                        verbose_name="second customer",
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
                "verbose_name": "duplicate candidate",
                "verbose_name_plural": "duplicate candidates",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.F("state"),
                        models.OrderBy(models.F("score"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="crm_duplicate_by_score",
                    ),
                    models.Index(fields=["tenant", "second"], name="crm_duplicate_by_second"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "public_id"), name="crm_duplicate_candidate_public_id"
                    ),
                    models.UniqueConstraint(
                        fields=("tenant", "first", "second"), name="crm_duplicate_candidate_pair"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("first__lt", models.F("second"))),
                        name="crm_duplicate_candidate_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("score__gte", 0), ("score__lte", 1)),
                        name="crm_duplicate_candidate_score",
                    ),
                ],
            },
        ),
        IsolateTenantTable("DuplicateCandidate"),
        migrations.CreateModel(
            name="MatchKey",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("email", "Same e-mail"),
                            ("phone", "Same phone"),
                            ("birth", "Same date of birth and alike name"),
                            ("postcode", "Same postcode and alike name"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("key", models.CharField(db_collation="C", max_length=254, verbose_name="key")),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="match_keys",
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
                "verbose_name": "match key",
                "verbose_name_plural": "match keys",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["tenant", "kind", "key", "customer"], name="crm_match_key_by_key")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "customer", "kind", "key"), name="crm_match_key_once"
                    )
                ],
            },
        ),
        IsolateTenantTable("MatchKey"),
    ]
