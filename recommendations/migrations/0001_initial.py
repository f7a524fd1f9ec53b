from __future__ import annotations

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base
from tenants.operations import IsolateTenantTable


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("crm", "0003_search"),
        ("tenants", "0002_access_functions"),
    ]

    operations = [
        migrations.CreateModel(
            name="ModelVersion",
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
                        choices=[
                            ("segments", "Customer groups"),
                            ("purchase", "Purchases to come"),
                            ("churn", "Churn risk"),
                            ("recommender", "Recommendations"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("candidate", "Candidate"),
                            ("active", "Active"),
                            ("rejected", "Rejected"),
                            ("retired", "Retired"),
                        ],
                        default="candidate",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("method", models.CharField(max_length=40, verbose_name="method")),
                ("cut_off_on", models.DateField(verbose_name="data until")),
                ("rows", models.PositiveBigIntegerField(verbose_name="rows")),
                ("customers", models.PositiveIntegerField(verbose_name="customers")),
                ("items", models.PositiveIntegerField(default=0, verbose_name="items")),
                ("parameters", models.JSONField(default=dict, verbose_name="parameters")),
                ("metrics", models.JSONField(default=dict, verbose_name="metrics")),
                ("baselines", models.JSONField(default=dict, verbose_name="baselines")),
                ("gate_reason", models.CharField(max_length=30, verbose_name="reason")),
                ("gate_report", models.TextField(verbose_name="activation report")),
                ("libraries", models.JSONField(default=dict, verbose_name="library versions")),
                (
                    "artefact_path",
                    models.CharField(blank=True, default="", max_length=300, verbose_name="artefact"),
                ),
                (
                    "artefact_sha256",
                    models.CharField(
                        blank=True, default="", max_length=64, verbose_name="artefact's SHA-256"
                    ),
                ),
                (
                    "artefact_bytes",
                    models.PositiveBigIntegerField(default=0, verbose_name="artefact size in bytes"),
                ),
                ("duration_seconds", models.FloatField(verbose_name="duration in seconds")),
                ("trained_by", models.CharField(max_length=254, verbose_name="trained by")),
                ("trained_at", models.DateTimeField(verbose_name="trained at")),
                ("activated_at", models.DateTimeField(blank=True, null=True, verbose_name="activated at")),
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
                "verbose_name": "model version",
                "verbose_name_plural": "model versions",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "public_id"), name="recommendations_version_public_id"
                    ),
                    models.UniqueConstraint(
                        fields=("tenant", "kind", "number"), name="recommendations_version_number"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "active")),
                        fields=("tenant", "kind"),
                        name="recommendations_version_one_active",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "active"), _negated=True),
                            ("activated_at__isnull", False),
                            _connector="OR",
                        ),
                        name="recommendations_version_active_has_moment",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RecommendationList",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "slot",
                    models.CharField(
                        choices=[("new_for_you", "New for you"), ("buy_again", "Buy again")],
                        max_length=11,
                        verbose_name="slot",
                    ),
                ),
                (
                    "item_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None, verbose_name="items"
                    ),
                ),
                (
                    "scores",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.FloatField(), size=None, verbose_name="scores"
                    ),
                ),
                ("reasons", models.JSONField(verbose_name="reasons")),
                ("computed_at", models.DateTimeField(verbose_name="computed at")),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="recommendation_lists",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "model_version",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recommendation_lists",
                        to="recommendations.modelversion",
                        verbose_name="model version",
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
                "verbose_name": "recommendation list",
                "verbose_name_plural": "recommendation lists",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "customer", "slot"), name="recommendations_list_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("item_ids__len", models.F("scores__len"))),
                        name="recommendations_list_parallel",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["tenant", "model_version"], name="recommendations_list_version")
                ],
            },
        ),
        IsolateTenantTable("ModelVersion"),
        IsolateTenantTable("RecommendationList"),
    ]
