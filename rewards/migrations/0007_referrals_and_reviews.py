"""Referrals, limits of pace, and the queue of reviews they fill."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base
import tenants.operations


class Migration(migrations.Migration):
    replaces = [("rewards", "0013_reviews")]

    dependencies = [
        ("rewards", "0006_catalogue"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReferralProgram",
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
                ("is_active", models.BooleanField(default=False, verbose_name="is active")),
                ("wallet_key", models.CharField(default="points", max_length=60, verbose_name="wallet")),
                (
                    "referrer_kind",
                    models.CharField(
                        choices=[("nothing", "Nothing"), ("points", "Points"), ("coupon", "Coupon")],
                        default="points",
                        max_length=7,
                        verbose_name="the referrer gets",
                    ),
                ),
                (
                    "referrer_points",
                    models.PositiveIntegerField(default=0, verbose_name="points of the referrer"),
                ),
                (
                    "referrer_coupon",
                    models.CharField(
                        blank=True, default="", max_length=60, verbose_name="coupon of the referrer"
                    ),
                ),
                (
                    "referee_kind",
                    models.CharField(
                        choices=[("nothing", "Nothing"), ("points", "Points"), ("coupon", "Coupon")],
                        default="points",
                        max_length=7,
                        verbose_name="the new customer gets",
                    ),
                ),
                (
                    "referee_points",
                    models.PositiveIntegerField(default=0, verbose_name="points of the new customer"),
                ),
                (
                    "referee_coupon",
                    models.CharField(
                        blank=True, default="", max_length=60, verbose_name="coupon of the new customer"
                    ),
                ),
                (
                    "qualification",
                    models.CharField(
                        choices=[("first_order", "The first order"), ("event", "An event")],
                        default="first_order",
                        max_length=11,
                        verbose_name="counts with",
                    ),
                ),
                (
                    "minimum_order_minor",
                    models.PositiveBigIntegerField(default=0, verbose_name="order of at least"),
                ),
                (
                    "event_name",
                    models.CharField(
                        blank=True, default="", max_length=200, verbose_name="name of the event"
                    ),
                ),
                ("within_days", models.PositiveSmallIntegerField(default=90, verbose_name="within days")),
                (
                    "upper_points",
                    models.JSONField(blank=True, default=list, verbose_name="points of further levels"),
                ),
            ],
            options={
                "verbose_name": "referral program",
                "verbose_name_plural": "referral programs",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant",), name="rewards_referralprogram_one")
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="ReferralCode",
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
                        related_name="referral_codes",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                ("code", models.CharField(db_collation="C", max_length=40, verbose_name="code")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
            ],
            options={
                "verbose_name": "referral code",
                "verbose_name_plural": "referral codes",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "customer"), name="rewards_referralcode_customer"
                    ),
                    models.UniqueConstraint(fields=("tenant", "code"), name="rewards_referralcode_code"),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Referral",
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
                    "public_id",
                    models.UUIDField(
                        default=tenants.models.base.new_public_id, editable=False, verbose_name="id"
                    ),
                ),
                (
                    "referrer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="referrals_made",
                        to="crm.customer",
                        verbose_name="referrer",
                    ),
                ),
                (
                    "referee",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="referrals_had",
                        to="crm.customer",
                        verbose_name="new customer",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("qualified", "Qualified"),
                            ("rewarded", "Rewarded"),
                            ("rejected", "Rejected"),
                            ("in_review", "In review"),
                        ],
                        default="pending",
                        max_length=9,
                        verbose_name="state",
                    ),
                ),
                ("findings", models.JSONField(default=list, verbose_name="findings")),
                (
                    "qualifying_order",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="referrals",
                        to="crm.order",
                        verbose_name="qualifying order",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("ends_at", models.DateTimeField(verbose_name="counts until")),
                ("qualified_at", models.DateTimeField(blank=True, null=True, verbose_name="qualified at")),
                ("rewarded_at", models.DateTimeField(blank=True, null=True, verbose_name="rewarded at")),
                ("rejected_at", models.DateTimeField(blank=True, null=True, verbose_name="rejected at")),
                ("reason", models.CharField(blank=True, default="", max_length=300, verbose_name="reason")),
            ],
            options={
                "verbose_name": "referral",
                "verbose_name_plural": "referrals",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.F("referrer"),
                        models.OrderBy(models.F("created_at"), descending=True),
                        name="rewards_referral_referrer",
                    ),
                    models.Index(
                        models.F("tenant"),
                        models.OrderBy(models.F("id"), descending=True),
                        name="rewards_referral_latest",
                    ),
                    models.Index(fields=["tenant", "qualifying_order"], name="rewards_referral_order"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "public_id"), name="rewards_referral_public_id"
                    ),
                    models.UniqueConstraint(
                        fields=("tenant", "referee"), name="rewards_referral_referee_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("referrer", models.F("referee")), _negated=True),
                        name="rewards_referral_not_oneself",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="VelocityLimit",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("redemptions", "Redemptions of a customer"),
                            ("refunds", "Refunds of a customer"),
                            ("referrals", "Referrals by a customer"),
                            ("guesses", "Guessed coupon codes"),
                        ],
                        max_length=11,
                        verbose_name="kind",
                    ),
                ),
                ("most", models.PositiveIntegerField(verbose_name="at most")),
                ("window_hours", models.PositiveIntegerField(verbose_name="within hours")),
            ],
            options={
                "verbose_name": "velocity limit",
                "verbose_name_plural": "velocity limits",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "kind"), name="rewards_velocitylimit_kind"),
                    models.CheckConstraint(
                        condition=models.Q(("most__gte", 1), ("window_hours__gte", 1)),
                        name="rewards_velocitylimit_positive",
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="AbuseReview",
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
                    "public_id",
                    models.UUIDField(
                        default=tenants.models.base.new_public_id, editable=False, verbose_name="id"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("redemptions", "Redemptions of a customer"),
                            ("refunds", "Refunds of a customer"),
                            ("referrals", "Referrals by a customer"),
                            ("guesses", "Guessed coupon codes"),
                        ],
                        max_length=11,
                        verbose_name="kind",
                    ),
                ),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="abuse_reviews",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                ("subject", models.CharField(db_collation="C", max_length=60, verbose_name="what waits")),
                ("details", models.JSONField(default=dict, verbose_name="details")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("approved", "Approved"), ("rejected", "Rejected")],
                        default="open",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("opened_at", models.DateTimeField(verbose_name="opened at")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided at")),
                (
                    "decided_by",
                    models.CharField(blank=True, default="", max_length=254, verbose_name="decided by"),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=500, verbose_name="reason")),
            ],
            options={
                "verbose_name": "review",
                "verbose_name_plural": "reviews",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.F("state"),
                        models.OrderBy(models.F("id"), descending=True),
                        name="rewards_abusereview_queue",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "public_id"), name="rewards_abusereview_public_id"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")),
                        fields=("tenant", "kind", "subject"),
                        name="rewards_abusereview_open_once",
                    ),
                ],
            },
        ),
        tenants.operations.IsolateTenantTable(
            model_name="ReferralProgram",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="ReferralCode",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="Referral",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="VelocityLimit",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="AbuseReview",
        ),
    ]
