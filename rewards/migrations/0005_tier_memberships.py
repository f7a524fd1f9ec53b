"""Tiers: who holds which, and every change of it."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base
import tenants.operations


class Migration(migrations.Migration):
    dependencies = [
        ("rewards", "0004_challenges"),
    ]

    operations = [
        migrations.CreateModel(
            name="TierMembership",
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
                        related_name="tier_memberships",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                ("tier_key", models.CharField(max_length=60, verbose_name="tier")),
                ("qualifying_spend_minor", models.BigIntegerField(verbose_name="qualifying spend")),
                ("since", models.DateTimeField(verbose_name="since")),
                ("computed_at", models.DateTimeField(verbose_name="computed at")),
                (
                    "values",
                    models.JSONField(
                        db_default=models.Value({}, models.JSONField()),
                        default=dict,
                        verbose_name="values by criterion",
                    ),
                ),
                ("valid_until", models.DateTimeField(blank=True, null=True, verbose_name="valid until")),
                ("grace_until", models.DateTimeField(blank=True, null=True, verbose_name="grace until")),
                ("locked_until", models.DateTimeField(blank=True, null=True, verbose_name="locked until")),
                (
                    "lock_reason",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        max_length=500,
                        verbose_name="reason of the lock",
                    ),
                ),
                (
                    "locked_by",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=200, verbose_name="locked by"
                    ),
                ),
            ],
            options={
                "verbose_name": "tier membership",
                "verbose_name_plural": "tier memberships",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [models.Index(fields=["tenant", "tier_key"], name="rewards_tier_membership_tier")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "customer"), name="rewards_tier_membership_customer"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TierChange",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tier_changes",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "move",
                    models.CharField(
                        choices=[
                            ("upgraded", "Upgraded"),
                            ("renewed", "Renewed"),
                            ("grace", "In grace"),
                            ("downgraded", "Downgraded"),
                            ("locked", "Locked"),
                            ("unlocked", "Unlocked"),
                            ("merged", "Customers merged or separated"),
                        ],
                        max_length=10,
                        verbose_name="change",
                    ),
                ),
                (
                    "from_key",
                    models.CharField(blank=True, default="", max_length=60, verbose_name="from tier"),
                ),
                ("to_key", models.CharField(blank=True, default="", max_length=60, verbose_name="to tier")),
                ("changed_at", models.DateTimeField(verbose_name="changed at")),
                (
                    "actor_label",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="actor"),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=500, verbose_name="reason")),
                ("valid_until", models.DateTimeField(blank=True, null=True, verbose_name="valid until")),
                ("grace_until", models.DateTimeField(blank=True, null=True, verbose_name="grace until")),
                ("locked_until", models.DateTimeField(blank=True, null=True, verbose_name="locked until")),
            ],
            options={
                "verbose_name": "tier change",
                "verbose_name_plural": "tier changes",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.F("customer"),
                        models.OrderBy(models.F("changed_at"), descending=True),
                        name="rewards_tier_change_customer",
                    ),
                    models.Index(fields=["tenant", "changed_at"], name="rewards_tier_change_by_time"),
                ],
                "constraints": [],
            },
        ),
        tenants.operations.IsolateTenantTable(
            model_name="TierMembership",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="TierChange",
            append_only=True,
        ),
    ]
