"""The catalogue: rewards, their prices in other wallets, and redemptions."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base
import tenants.operations


class Migration(migrations.Migration):
    replaces = [("rewards", "0011_catalogue_referrals_reviews")]

    dependencies = [
        ("rewards", "0005_tier_memberships"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reward",
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
                ("key", models.CharField(max_length=60, verbose_name="key")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("description", models.TextField(blank=True, default="", verbose_name="description")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("coupon", "Coupon"),
                            ("product", "Product"),
                            ("gift_card", "Gift card"),
                            ("donation", "Donation"),
                            ("experience", "Experience"),
                            ("custom", "Other"),
                        ],
                        default="custom",
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                (
                    "wallet",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rewards",
                        to="rewards.wallet",
                        verbose_name="wallet",
                    ),
                ),
                ("cost_points", models.BigIntegerField(verbose_name="cost in points")),
                ("stock", models.PositiveIntegerField(blank=True, null=True, verbose_name="stock")),
                ("is_active", models.BooleanField(default=True, verbose_name="is active")),
                (
                    "coupon_definition",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rewards",
                        to="rewards.coupondefinition",
                        verbose_name="coupon definition",
                    ),
                ),
                ("segments", models.JSONField(blank=True, default=list, verbose_name="segments")),
                ("tiers", models.JSONField(blank=True, default=list, verbose_name="tiers")),
                (
                    "limit_per_customer",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="times a customer"),
                ),
                ("valid_from", models.DateTimeField(blank=True, null=True, verbose_name="valid from")),
                ("valid_until", models.DateTimeField(blank=True, null=True, verbose_name="valid until")),
                ("needs_shipping", models.BooleanField(default=False, verbose_name="is packed and shipped")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("updated_at", models.DateTimeField(verbose_name="updated at")),
            ],
            options={
                "verbose_name": "reward",
                "verbose_name_plural": "rewards",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "public_id"), name="rewards_reward_public_id"),
                    models.UniqueConstraint(fields=("tenant", "key"), name="rewards_reward_key"),
                    models.CheckConstraint(
                        condition=models.Q(("cost_points__gt", 0)), name="rewards_reward_costs_points"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("stock__isnull", True), ("stock__gte", 0), _connector="OR"),
                        name="rewards_reward_stock_not_negative",
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="RewardPrice",
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
                    "reward",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="prices",
                        to="rewards.reward",
                        verbose_name="reward",
                    ),
                ),
                (
                    "wallet",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="prices",
                        to="rewards.wallet",
                        verbose_name="wallet",
                    ),
                ),
                ("cost_points", models.BigIntegerField(verbose_name="cost in points")),
            ],
            options={
                "verbose_name": "price of a reward",
                "verbose_name_plural": "prices of rewards",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "reward", "wallet"), name="rewards_rewardprice_wallet"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("cost_points__gt", 0)), name="rewards_rewardprice_positive"
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Redemption",
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
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redemptions",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "reward",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redemptions",
                        to="rewards.reward",
                        verbose_name="reward",
                    ),
                ),
                ("points", models.BigIntegerField(verbose_name="points")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("reserved", "Reserved"),
                            ("confirmed", "Confirmed"),
                            ("packed", "Packed"),
                            ("shipped", "Shipped"),
                            ("delivered", "Delivered"),
                            ("fulfilled", "Fulfilled"),
                            ("cancelled", "Cancelled"),
                            ("refunded", "Refunded"),
                        ],
                        default="reserved",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "hold",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redemptions",
                        to="rewards.hold",
                        verbose_name="hold",
                    ),
                ),
                (
                    "transaction",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redemptions",
                        to="rewards.ledgertransaction",
                        verbose_name="ledger transaction",
                    ),
                ),
                ("reserved_at", models.DateTimeField(verbose_name="reserved at")),
                ("confirmed_at", models.DateTimeField(blank=True, null=True, verbose_name="confirmed at")),
                (
                    "coupon_code",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reward_redemptions",
                        to="rewards.couponcode",
                        verbose_name="coupon code",
                    ),
                ),
                ("is_under_review", models.BooleanField(default=False, verbose_name="under review")),
                ("packed_at", models.DateTimeField(blank=True, null=True, verbose_name="packed at")),
                ("shipped_at", models.DateTimeField(blank=True, null=True, verbose_name="shipped at")),
                (
                    "tracking",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="tracking"),
                ),
                ("refunded_at", models.DateTimeField(blank=True, null=True, verbose_name="refunded at")),
                ("fulfilled_at", models.DateTimeField(blank=True, null=True, verbose_name="fulfilled at")),
                ("cancelled_at", models.DateTimeField(blank=True, null=True, verbose_name="cancelled at")),
                (
                    "cancel_reason",
                    models.CharField(
                        blank=True, default="", max_length=500, verbose_name="reason for cancelling"
                    ),
                ),
            ],
            options={
                "verbose_name": "redemption",
                "verbose_name_plural": "redemptions",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.F("customer"),
                        models.OrderBy(models.F("reserved_at"), descending=True),
                        name="rewards_redemption_customer",
                    ),
                    models.Index(
                        models.F("tenant"),
                        models.OrderBy(models.F("id"), descending=True),
                        name="rewards_redemption_latest",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "public_id"), name="rewards_redemption_public_id"
                    ),
                    models.UniqueConstraint(fields=("tenant", "hold"), name="rewards_redemption_hold"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["reserved", "cancelled"]),
                            models.Q(("confirmed_at__isnull", False), ("transaction__isnull", False)),
                            _connector="OR",
                        ),
                        name="rewards_redemption_spent_when_confirmed",
                    ),
                ],
            },
        ),
        tenants.operations.IsolateTenantTable(
            model_name="Reward",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="RewardPrice",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="Redemption",
        ),
    ]
