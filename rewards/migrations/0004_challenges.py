"""Challenges: who takes part, how far they are, and what each event contributed."""

from __future__ import annotations

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base
import tenants.operations


class Migration(migrations.Migration):
    dependencies = [
        ("rewards", "0003_coupons"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChallengeParticipation",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
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
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="challenge_participations",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "challenge_key",
                    models.CharField(db_collation="C", max_length=60, verbose_name="challenge"),
                ),
                ("joined_at", models.DateTimeField(verbose_name="joined at")),
                ("is_opted_in", models.BooleanField(default=False, verbose_name="opted in")),
                ("touched_at", models.DateTimeField(verbose_name="last counted at")),
            ],
            options={
                "verbose_name": "challenge participation",
                "verbose_name_plural": "challenge participations",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["tenant", "challenge_key"], name="rewards_participation_by_key")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "customer", "challenge_key"), name="rewards_participation_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ChallengeProgress",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
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
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="challenge_progress",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "challenge_key",
                    models.CharField(db_collation="C", max_length=60, verbose_name="challenge"),
                ),
                ("period", models.CharField(db_collation="C", max_length=10, verbose_name="period")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("in_progress", "In progress"),
                            ("completed", "Completed"),
                            ("rewarded", "Rewarded"),
                            ("expired", "Expired"),
                        ],
                        max_length=11,
                        verbose_name="state",
                    ),
                ),
                ("value", models.BigIntegerField(verbose_name="progress")),
                ("target", models.BigIntegerField(verbose_name="goal")),
                (
                    "value_by_task",
                    models.JSONField(blank=True, default=dict, verbose_name="progress by task"),
                ),
                (
                    "milestones",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        default=list,
                        size=None,
                        verbose_name="milestones reached",
                    ),
                ),
                ("grants", models.JSONField(blank=True, default=list, verbose_name="rewards given")),
                ("round", models.PositiveSmallIntegerField(default=0, verbose_name="round")),
                ("starts_at", models.DateTimeField(verbose_name="starts at")),
                ("ends_at", models.DateTimeField(blank=True, null=True, verbose_name="ends at")),
                ("completed_at", models.DateTimeField(blank=True, null=True, verbose_name="completed at")),
                ("rewarded_at", models.DateTimeField(blank=True, null=True, verbose_name="rewarded at")),
                ("updated_at", models.DateTimeField(verbose_name="updated at")),
            ],
            options={
                "verbose_name": "challenge progress",
                "verbose_name_plural": "challenge progress",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        fields=["tenant", "challenge_key", "state"], name="rewards_progress_by_state"
                    ),
                    models.Index(
                        condition=models.Q(("ends_at__isnull", False), ("state", "in_progress")),
                        fields=["tenant", "ends_at"],
                        name="rewards_progress_ending",
                    ),
                    models.Index(
                        condition=models.Q(("state", "completed")),
                        fields=["tenant", "completed_at"],
                        name="rewards_progress_unrewarded",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "customer", "challenge_key", "period"),
                        name="rewards_progress_period",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("completed_at__isnull", False), ("state__in", ["completed", "rewarded"])
                            ),
                            models.Q(
                                ("completed_at__isnull", True), ("state__in", ["in_progress", "expired"])
                            ),
                            _connector="OR",
                        ),
                        name="rewards_progress_completed_has_moment",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChallengeContribution",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
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
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="challenge_contributions",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "challenge_key",
                    models.CharField(db_collation="C", max_length=60, verbose_name="challenge"),
                ),
                ("source_type", models.CharField(db_collation="C", max_length=5, verbose_name="source type")),
                ("source_id", models.CharField(db_collation="C", max_length=200, verbose_name="source")),
                (
                    "part",
                    models.CharField(
                        blank=True, db_collation="C", default="", max_length=60, verbose_name="part"
                    ),
                ),
                (
                    "value",
                    models.CharField(
                        blank=True, db_collation="C", default="", max_length=200, verbose_name="value"
                    ),
                ),
                ("amount", models.BigIntegerField(verbose_name="amount")),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
            ],
            options={
                "verbose_name": "challenge contribution",
                "verbose_name_plural": "challenge contributions",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "tenant",
                            "customer",
                            "challenge_key",
                            "source_type",
                            "source_id",
                            "part",
                            "value",
                        ),
                        name="rewards_contribution_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="rewards_contribution_positive"
                    ),
                ],
                "indexes": [],
            },
        ),
        tenants.operations.IsolateTenantTable(
            model_name="ChallengeParticipation",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="ChallengeProgress",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="ChallengeContribution",
        ),
    ]
