"""Coupons: definitions, pools, codes and their uses, and the campaigns they belong to."""

from __future__ import annotations

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import tenants.models.base
import tenants.operations

# After a pool or a coupon file is loaded the planner would take the tables for nearly empty; only their owner
# may say otherwise.
_ANALYZE = """
CREATE FUNCTION rewards_analyze_coupons() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    ANALYZE rewards_couponcode, rewards_coupondefinition, rewards_couponitem, rewards_couponrecipient
$$;
REVOKE ALL ON FUNCTION rewards_analyze_coupons() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rewards_analyze_coupons() TO app_rw;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("rewards", "0002_ledger_functions"),
    ]

    operations = [
        migrations.CreateModel(
            name="CouponCampaign",
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
                ("starts_at", models.DateTimeField(blank=True, null=True, verbose_name="starts at")),
                ("ends_at", models.DateTimeField(blank=True, null=True, verbose_name="ends at")),
                (
                    "is_targeted",
                    models.BooleanField(default=False, verbose_name="only for those who received it"),
                ),
                (
                    "limit_uses",
                    models.PositiveBigIntegerField(blank=True, null=True, verbose_name="redemptions in all"),
                ),
                (
                    "limit_discount_minor",
                    models.PositiveBigIntegerField(blank=True, null=True, verbose_name="discount in all"),
                ),
                ("created_at", models.DateTimeField(verbose_name="created at")),
            ],
            options={
                "verbose_name": "coupon campaign",
                "verbose_name_plural": "coupon campaigns",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "public_id"), name="rewards_couponcampaign_public_id"
                    ),
                    models.UniqueConstraint(fields=("tenant", "key"), name="rewards_couponcampaign_key"),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="CouponRecipient",
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
                    "campaign",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="recipients",
                        to="rewards.couponcampaign",
                        verbose_name="coupon campaign",
                    ),
                ),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="coupon_campaigns",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                ("received_at", models.DateTimeField(verbose_name="received at")),
            ],
            options={
                "verbose_name": "coupon recipient",
                "verbose_name_plural": "coupon recipients",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [models.Index(fields=["tenant", "customer"], name="rewards_couponrecipient_cust")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "campaign", "customer"), name="rewards_couponrecipient_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CouponDefinition",
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
                    "campaign",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="definitions",
                        to="rewards.couponcampaign",
                        verbose_name="coupon campaign",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("percent", "Percent off"),
                            ("amount", "Amount off"),
                            ("free_item", "Free item"),
                            ("shipping", "Free shipping"),
                            ("stored_value", "Stored value"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("percent_hundredths", models.PositiveIntegerField(default=0, verbose_name="percent")),
                ("amount_minor", models.PositiveBigIntegerField(default=0, verbose_name="amount")),
                ("free_quantity", models.PositiveSmallIntegerField(default=1, verbose_name="free pieces")),
                (
                    "max_discount_minor",
                    models.PositiveBigIntegerField(blank=True, null=True, verbose_name="most discount a use"),
                ),
                ("has_items", models.BooleanField(default=False, verbose_name="only for listed items")),
                ("categories", models.JSONField(blank=True, default=list, verbose_name="categories")),
                (
                    "excluded_categories",
                    models.JSONField(blank=True, default=list, verbose_name="categories left out"),
                ),
                (
                    "minimum_spend_minor",
                    models.PositiveBigIntegerField(default=0, verbose_name="minimum spend"),
                ),
                ("minimum_quantity", models.PositiveIntegerField(default=0, verbose_name="minimum pieces")),
                ("channels", models.JSONField(blank=True, default=list, verbose_name="channels")),
                ("segments", models.JSONField(blank=True, default=list, verbose_name="segments")),
                ("tiers", models.JSONField(blank=True, default=list, verbose_name="tiers")),
                ("is_first_purchase", models.BooleanField(default=False, verbose_name="first purchase only")),
                ("rule", models.JSONField(blank=True, null=True, verbose_name="rule about the customer")),
                ("valid_from", models.DateTimeField(blank=True, null=True, verbose_name="valid from")),
                ("valid_until", models.DateTimeField(blank=True, null=True, verbose_name="valid until")),
                (
                    "valid_days",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="valid days after issue"
                    ),
                ),
                ("weekdays", models.JSONField(blank=True, default=list, verbose_name="weekdays")),
                (
                    "hour_from",
                    models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="from hour"),
                ),
                (
                    "hour_until",
                    models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="until hour"),
                ),
                (
                    "uses_per_code",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="uses of a code"),
                ),
                (
                    "uses_per_customer",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="uses by a customer"),
                ),
                (
                    "uses_per_period",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="uses by a customer in a period"
                    ),
                ),
                (
                    "period",
                    models.CharField(
                        choices=[("day", "a day"), ("week", "a week"), ("month", "a month")],
                        default="month",
                        max_length=5,
                        verbose_name="period",
                    ),
                ),
                (
                    "limit_uses",
                    models.PositiveBigIntegerField(blank=True, null=True, verbose_name="redemptions in all"),
                ),
                (
                    "limit_discount_minor",
                    models.PositiveBigIntegerField(blank=True, null=True, verbose_name="discount in all"),
                ),
                (
                    "priority",
                    models.PositiveSmallIntegerField(default=100, verbose_name="order of application"),
                ),
                (
                    "base",
                    models.CharField(
                        choices=[
                            ("original", "the original price"),
                            ("remaining", "what earlier coupons left"),
                        ],
                        default="remaining",
                        max_length=9,
                        verbose_name="computed on",
                    ),
                ),
                (
                    "exclusive_group",
                    models.CharField(
                        blank=True, default="", max_length=40, verbose_name="group of which one counts"
                    ),
                ),
                (
                    "is_exclusive",
                    models.BooleanField(default=False, verbose_name="not with any other coupon"),
                ),
                (
                    "on_conflict",
                    models.CharField(
                        choices=[("best_of", "the best one counts"), ("refuse", "the cart is refused")],
                        default="best_of",
                        max_length=7,
                        verbose_name="on a conflict",
                    ),
                ),
                (
                    "code_pattern",
                    models.CharField(default="####-####", max_length=40, verbose_name="pattern of codes"),
                ),
                (
                    "has_checksum",
                    models.BooleanField(default=True, verbose_name="codes end with a check character"),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="is active")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("updated_at", models.DateTimeField(verbose_name="updated at")),
            ],
            options={
                "verbose_name": "coupon definition",
                "verbose_name_plural": "coupon definitions",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.OrderBy(models.F("id"), descending=True),
                        name="rewards_coupondef_latest",
                    ),
                    models.Index(fields=["tenant", "campaign"], name="rewards_coupondef_campaign"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "public_id"), name="rewards_coupondefinition_public_id"
                    ),
                    models.UniqueConstraint(fields=("tenant", "key"), name="rewards_coupondefinition_key"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("kind", "percent"),
                                ("percent_hundredths__gte", 1),
                                ("percent_hundredths__lte", 10000),
                            ),
                            models.Q(("amount_minor__gte", 1), ("kind__in", ["amount", "stored_value"])),
                            models.Q(("free_quantity__gte", 1), ("kind", "free_item")),
                            ("kind", "shipping"),
                            _connector="OR",
                        ),
                        name="rewards_coupondefinition_value",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CouponItem",
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
                    "definition",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="rewards.coupondefinition",
                        verbose_name="coupon definition",
                    ),
                ),
                (
                    "item",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="coupons",
                        to="crm.item",
                        verbose_name="item",
                    ),
                ),
            ],
            options={
                "verbose_name": "item of a coupon",
                "verbose_name_plural": "items of coupons",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "definition", "item"), name="rewards_couponitem_once"
                    )
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="CouponPool",
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
                    "definition",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pools",
                        to="rewards.coupondefinition",
                        verbose_name="coupon definition",
                    ),
                ),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[("generated", "Generated"), ("imported", "Imported")],
                        max_length=9,
                        verbose_name="kind",
                    ),
                ),
                (
                    "pattern",
                    models.CharField(blank=True, default="", max_length=40, verbose_name="pattern of codes"),
                ),
                ("requested", models.PositiveIntegerField(default=0, verbose_name="codes asked for")),
                ("codes_count", models.PositiveIntegerField(default=0, verbose_name="codes")),
                ("report", models.JSONField(blank=True, default=dict, verbose_name="report")),
                ("job_id", models.UUIDField(blank=True, null=True, verbose_name="job")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
            ],
            options={
                "verbose_name": "coupon pool",
                "verbose_name_plural": "coupon pools",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.OrderBy(models.F("id"), descending=True),
                        name="rewards_couponpool_latest",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "public_id"), name="rewards_couponpool_public_id"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CouponCode",
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
                    "definition",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="codes",
                        to="rewards.coupondefinition",
                        verbose_name="coupon definition",
                    ),
                ),
                (
                    "pool",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="codes",
                        to="rewards.couponpool",
                        verbose_name="coupon pool",
                    ),
                ),
                ("code", models.CharField(db_collation="C", max_length=60, verbose_name="code")),
                ("is_generic", models.BooleanField(default=False, verbose_name="for everybody")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("available", "Available"),
                            ("reserved", "Reserved"),
                            ("assigned", "Assigned"),
                            ("redeemed", "Redeemed"),
                            ("exhausted", "Used up"),
                            ("expired", "Expired"),
                            ("void", "Void"),
                        ],
                        default="available",
                        max_length=9,
                        verbose_name="state",
                    ),
                ),
                ("uses", models.PositiveIntegerField(default=0, verbose_name="uses")),
                (
                    "uses_limit",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="uses allowed"),
                ),
                ("balance_minor", models.BigIntegerField(blank=True, null=True, verbose_name="balance")),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="coupon_codes",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                ("issued_at", models.DateTimeField(blank=True, null=True, verbose_name="issued at")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires at")),
                (
                    "reserved_until",
                    models.DateTimeField(blank=True, null=True, verbose_name="reserved until"),
                ),
                (
                    "source_type",
                    models.CharField(
                        blank=True, db_collation="C", max_length=40, null=True, verbose_name="source type"
                    ),
                ),
                (
                    "source_id",
                    models.CharField(
                        blank=True, db_collation="C", max_length=200, null=True, verbose_name="source"
                    ),
                ),
                ("former_owners", models.JSONField(blank=True, null=True, verbose_name="former owners")),
                (
                    "void_reason",
                    models.CharField(
                        blank=True, default="", max_length=300, verbose_name="reason for voiding"
                    ),
                ),
            ],
            options={
                "verbose_name": "coupon code",
                "verbose_name_plural": "coupon codes",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        condition=models.Q(("customer__isnull", False)),
                        fields=["tenant", "customer", "id"],
                        name="rewards_couponcode_customer",
                    ),
                    models.Index(
                        condition=models.Q(("pool__isnull", False)),
                        fields=["tenant", "pool", "state", "id"],
                        name="rewards_couponcode_pool",
                    ),
                    models.Index(
                        condition=models.Q(("pool__isnull", True)),
                        fields=["tenant", "definition", "id"],
                        name="rewards_couponcode_definition",
                    ),
                    models.Index(
                        condition=models.Q(("state", "reserved")),
                        fields=["tenant", "reserved_until"],
                        name="rewards_couponcode_reserved",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "code"), name="rewards_couponcode_code"),
                    models.UniqueConstraint(
                        condition=models.Q(("source_id__isnull", False)),
                        fields=("tenant", "source_type", "source_id"),
                        name="rewards_couponcode_source",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("uses_limit__isnull", True),
                            ("uses__lte", models.F("uses_limit")),
                            _connector="OR",
                        ),
                        name="rewards_couponcode_within_limit",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("balance_minor__isnull", True), ("balance_minor__gte", 0), _connector="OR"
                        ),
                        name="rewards_couponcode_balance_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CouponRedemption",
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
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="coupon_redemptions",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("reserved", "Reserved"),
                            ("redeemed", "Redeemed"),
                            ("released", "Released"),
                            ("rolled_back", "Rolled back"),
                        ],
                        max_length=11,
                        verbose_name="state",
                    ),
                ),
                (
                    "order_reference",
                    models.CharField(
                        blank=True, db_collation="C", default="", max_length=200, verbose_name="order"
                    ),
                ),
                ("goods_minor", models.BigIntegerField(verbose_name="goods")),
                ("shipping_minor", models.BigIntegerField(default=0, verbose_name="shipping")),
                ("discount_minor", models.BigIntegerField(verbose_name="discount")),
                ("lines", models.JSONField(default=list, verbose_name="lines")),
                (
                    "source_type",
                    models.CharField(db_collation="C", max_length=40, verbose_name="source type"),
                ),
                ("source_id", models.CharField(db_collation="C", max_length=200, verbose_name="source")),
                ("reserved_at", models.DateTimeField(verbose_name="reserved at")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="times out at")),
                ("redeemed_at", models.DateTimeField(blank=True, null=True, verbose_name="redeemed at")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="closed at")),
                ("reason", models.CharField(blank=True, default="", max_length=300, verbose_name="reason")),
            ],
            options={
                "verbose_name": "coupon redemption",
                "verbose_name_plural": "coupon redemptions",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.OrderBy(models.F("id"), descending=True),
                        name="rewards_couponred_latest",
                    ),
                    models.Index(
                        models.F("tenant"),
                        models.F("customer"),
                        models.OrderBy(models.F("reserved_at"), descending=True),
                        name="rewards_couponred_customer",
                    ),
                    models.Index(
                        condition=models.Q(("state", "reserved")),
                        fields=["tenant", "expires_at"],
                        name="rewards_couponred_due",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "public_id"), name="rewards_couponredemption_public_id"
                    ),
                    models.UniqueConstraint(
                        fields=("tenant", "source_type", "source_id"), name="rewards_couponredemption_source"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("discount_minor__gte", 0),
                            (
                                "discount_minor__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("goods_minor"), "+", models.F("shipping_minor")
                                ),
                            ),
                        ),
                        name="rewards_couponredemption_never_below_zero",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CouponUse",
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
                    "redemption",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="uses",
                        to="rewards.couponredemption",
                        verbose_name="coupon redemption",
                    ),
                ),
                (
                    "code",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redemptions",
                        to="rewards.couponcode",
                        verbose_name="coupon code",
                    ),
                ),
                (
                    "definition",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="uses",
                        to="rewards.coupondefinition",
                        verbose_name="coupon definition",
                    ),
                ),
                ("discount_minor", models.BigIntegerField(verbose_name="discount")),
                ("counters", models.JSONField(default=list, verbose_name="counters")),
            ],
            options={
                "verbose_name": "use of a coupon",
                "verbose_name_plural": "uses of coupons",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["tenant", "code"], name="rewards_couponuse_code"),
                    models.Index(fields=["tenant", "definition"], name="rewards_couponuse_definition"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "redemption", "code"), name="rewards_couponuse_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CouponCounter",
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
                ("key", models.CharField(db_collation="C", max_length=100, verbose_name="key")),
                ("uses", models.BigIntegerField(default=0, verbose_name="uses")),
                ("discount_minor", models.BigIntegerField(default=0, verbose_name="discount")),
            ],
            options={
                "verbose_name": "coupon counter",
                "verbose_name_plural": "coupon counters",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "key"), name="rewards_couponcounter_key"),
                    models.CheckConstraint(
                        condition=models.Q(("discount_minor__gte", 0), ("uses__gte", 0)),
                        name="rewards_couponcounter_not_negative",
                    ),
                ],
                "indexes": [],
            },
        ),
        tenants.operations.IsolateTenantTable(
            model_name="CouponCampaign",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="CouponRecipient",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="CouponDefinition",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="CouponItem",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="CouponPool",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="CouponCode",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="CouponRedemption",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="CouponUse",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="CouponCounter",
        ),
        migrations.RunSQL(_ANALYZE, "DROP FUNCTION rewards_analyze_coupons()"),
    ]
