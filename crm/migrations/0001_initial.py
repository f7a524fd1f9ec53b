from __future__ import annotations

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
from django.db import migrations, models

import tenants.models.base
from tenants.operations import IsolateTenantTable


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Customer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "public_id",
                    models.UUIDField(
                        default=tenants.models.base.new_public_id, editable=False, verbose_name="id"
                    ),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True, db_collation="C", max_length=200, null=True, verbose_name="external id"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("suspended", "Suspended"),
                            ("merged", "Merged"),
                            ("anonymised", "Anonymised"),
                        ],
                        default="active",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("may_profile", models.BooleanField(default=True, verbose_name="may be profiled")),
                ("attributes", models.JSONField(blank=True, default=dict, verbose_name="attributes")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("updated_at", models.DateTimeField(verbose_name="updated at")),
                ("first_seen_at", models.DateTimeField(blank=True, null=True, verbose_name="first seen at")),
                ("last_seen_at", models.DateTimeField(blank=True, null=True, verbose_name="last seen at")),
                ("member_since", models.DateTimeField(blank=True, null=True, verbose_name="member since")),
                (
                    "merged_into",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merged",
                        to="crm.customer",
                        verbose_name="merged into",
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
                "verbose_name": "customer",
                "verbose_name_plural": "customers",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "public_id"), name="crm_customer_public_id"),
                    models.UniqueConstraint(
                        fields=("tenant", "external_id"), name="crm_customer_external_id"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("merged_into__isnull", False), ("state", "merged")),
                            models.Q(
                                models.Q(("state", "merged"), _negated=True), ("merged_into__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="crm_customer_merged_has_target",
                    ),
                ],
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.OrderBy(models.F("last_seen_at"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="crm_customer_last_seen",
                    ),
                    models.Index(
                        condition=models.Q(("merged_into__isnull", False)),
                        fields=["tenant", "merged_into"],
                        name="crm_customer_merged_into",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ComputedTrait",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(db_collation="C", max_length=60, verbose_name="name")),
                ("number", models.FloatField(blank=True, null=True, verbose_name="number")),
                ("text", models.CharField(blank=True, max_length=200, null=True, verbose_name="text")),
                (
                    "model_version",
                    models.CharField(blank=True, default="", max_length=100, verbose_name="model version"),
                ),
                ("computed_at", models.DateTimeField(verbose_name="computed at")),
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
                        related_name="computed_traits",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "computed trait",
                "verbose_name_plural": "computed traits",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "customer", "name"), name="crm_computed_trait_name"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("number__isnull", False), ("text__isnull", True)),
                            models.Q(("number__isnull", True), ("text__isnull", False)),
                            _connector="OR",
                        ),
                        name="crm_computed_trait_one_value",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["tenant", "name", "number"], name="crm_computed_trait_by_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="EventReject",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("received_at", models.DateTimeField(verbose_name="received at")),
                (
                    "message_id",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="message id"),
                ),
                ("reason", models.CharField(max_length=60, verbose_name="reason")),
                ("detail", models.CharField(blank=True, default="", max_length=500, verbose_name="detail")),
                ("payload", models.JSONField(verbose_name="event as received")),
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
                "verbose_name": "rejected event",
                "verbose_name_plural": "rejected events",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.OrderBy(models.F("received_at"), descending=True),
                        name="crm_event_reject_by_time",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Identity",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("external_id", "External id"),
                            ("email", "E-mail"),
                            ("phone", "Phone"),
                            ("anonymous_id", "Anonymous id"),
                            ("device", "Device"),
                            ("card", "Card"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("value", models.CharField(db_collation="C", max_length=254, verbose_name="value")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="identities",
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
                "verbose_name": "identity",
                "verbose_name_plural": "identities",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "kind", "value"), name="crm_identity_kind_value"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("value", ""), _negated=True), name="crm_identity_value_not_blank"
                    ),
                ],
                "indexes": [models.Index(fields=["tenant", "customer"], name="crm_identity_by_customer")],
            },
        ),
        migrations.CreateModel(
            name="ImportRun",
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
                        choices=[("items", "Items"), ("customers", "Customers"), ("orders", "Orders")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("mapping", models.CharField(max_length=60, verbose_name="mapping")),
                ("file_name", models.CharField(max_length=255, verbose_name="file")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("uploaded", "Uploaded"),
                            ("mapped", "Mapped"),
                            ("checked", "Checked"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("done_with_errors", "Done with errors"),
                            ("failed", "Failed"),
                            ("reverted", "Reverted"),
                        ],
                        default="uploaded",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                ("rows_read", models.BigIntegerField(default=0, verbose_name="rows read")),
                ("rows_accepted", models.BigIntegerField(default=0, verbose_name="rows accepted")),
                ("rows_merged", models.BigIntegerField(default=0, verbose_name="rows merged")),
                ("rows_quarantined", models.BigIntegerField(default=0, verbose_name="rows quarantined")),
                ("report", models.JSONField(blank=True, default=dict, verbose_name="report")),
                (
                    "started_by",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="started by"),
                ),
                ("started_at", models.DateTimeField(verbose_name="started at")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
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
                "verbose_name": "import",
                "verbose_name_plural": "imports",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "public_id"), name="crm_import_run_public_id"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["done", "done_with_errors"]), _negated=True),
                            (
                                "rows_read",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("rows_accepted"), "+", models.F("rows_merged")
                                    ),
                                    "+",
                                    models.F("rows_quarantined"),
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="crm_import_accounts_for_rows",
                    ),
                ],
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.OrderBy(models.F("started_at"), descending=True),
                        name="crm_import_by_start",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Item",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "public_id",
                    models.UUIDField(
                        default=tenants.models.base.new_public_id, editable=False, verbose_name="id"
                    ),
                ),
                (
                    "external_id",
                    models.CharField(db_collation="C", max_length=200, verbose_name="external id"),
                ),
                ("name", models.CharField(max_length=300, verbose_name="name")),
                (
                    "category",
                    models.CharField(blank=True, default="", max_length=120, verbose_name="category"),
                ),
                (
                    "subcategory",
                    models.CharField(blank=True, default="", max_length=120, verbose_name="subcategory"),
                ),
                ("brand", models.CharField(blank=True, default="", max_length=120, verbose_name="brand")),
                (
                    "price_minor",
                    models.BigIntegerField(blank=True, null=True, verbose_name="price in minor units"),
                ),
                ("attributes", models.JSONField(blank=True, default=dict, verbose_name="attributes")),
                ("is_active", models.BooleanField(default=True, verbose_name="is active")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("updated_at", models.DateTimeField(verbose_name="updated at")),
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
                "verbose_name": "item",
                "verbose_name_plural": "items",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "public_id"), name="crm_item_public_id"),
                    models.UniqueConstraint(fields=("tenant", "external_id"), name="crm_item_external_id"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("price_minor__isnull", True), ("price_minor__gte", 0), _connector="OR"
                        ),
                        name="crm_item_price_not_negative",
                    ),
                ],
                "indexes": [models.Index(fields=["tenant", "category"], name="crm_item_by_category")],
            },
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "public_id",
                    models.UUIDField(
                        default=tenants.models.base.new_public_id, editable=False, verbose_name="id"
                    ),
                ),
                (
                    "external_id",
                    models.CharField(db_collation="C", max_length=200, verbose_name="external id"),
                ),
                ("placed_at", models.DateTimeField(verbose_name="placed at")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("gross_minor", models.BigIntegerField(verbose_name="shelf price")),
                ("store_discount_minor", models.BigIntegerField(default=0, verbose_name="store discount")),
                ("coupon_discount_minor", models.BigIntegerField(default=0, verbose_name="coupon discount")),
                ("total_minor", models.BigIntegerField(verbose_name="total")),
                ("channel", models.CharField(blank=True, default="", max_length=60, verbose_name="channel")),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "import_run",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
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
                "verbose_name": "order",
                "verbose_name_plural": "orders",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "public_id"), name="crm_order_public_id"),
                    models.UniqueConstraint(fields=("tenant", "external_id"), name="crm_order_external_id"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "total_minor",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("gross_minor"), "-", models.F("store_discount_minor")
                                    ),
                                    "-",
                                    models.F("coupon_discount_minor"),
                                ),
                            )
                        ),
                        name="crm_order_total_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("coupon_discount_minor__gte", 0), ("store_discount_minor__gte", 0)
                        ),
                        name="crm_order_discounts_not_negative",
                    ),
                ],
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.F("customer"),
                        models.OrderBy(models.F("placed_at"), descending=True),
                        name="crm_order_by_customer",
                    ),
                    models.Index(
                        models.F("tenant"),
                        models.OrderBy(models.F("placed_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="crm_order_by_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OrderLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("position", models.PositiveIntegerField(verbose_name="position")),
                ("sku", models.CharField(db_collation="C", max_length=200, verbose_name="stock code")),
                (
                    "kind",
                    models.CharField(
                        choices=[("product", "Product"), ("charge", "Charge")],
                        default="product",
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                ("quantity", models.IntegerField(verbose_name="quantity")),
                ("unit_price_minor", models.BigIntegerField(verbose_name="unit price")),
                ("gross_minor", models.BigIntegerField(verbose_name="shelf price")),
                ("store_discount_minor", models.BigIntegerField(default=0, verbose_name="store discount")),
                ("coupon_discount_minor", models.BigIntegerField(default=0, verbose_name="coupon discount")),
                ("total_minor", models.BigIntegerField(verbose_name="total")),
                (
                    "item",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="order_lines",
                        to="crm.item",
                        verbose_name="item",
                    ),
                ),
                (
                    "order",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="crm.order",
                        verbose_name="order",
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
                "verbose_name": "order line",
                "verbose_name_plural": "order lines",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "order", "position"), name="crm_order_line_position"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "total_minor",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("gross_minor"), "-", models.F("store_discount_minor")
                                    ),
                                    "-",
                                    models.F("coupon_discount_minor"),
                                ),
                            )
                        ),
                        name="crm_order_line_total_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind", "charge"),
                            models.Q(("quantity__gt", 0), ("total_minor__gte", 0)),
                            _connector="OR",
                        ),
                        name="crm_order_line_product_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OrderSummary",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("orders_count", models.PositiveIntegerField(default=0, verbose_name="orders")),
                ("revenue_minor", models.BigIntegerField(default=0, verbose_name="revenue")),
                ("returned_minor", models.BigIntegerField(default=0, verbose_name="returned")),
                ("first_order_at", models.DateTimeField(blank=True, null=True, verbose_name="first order")),
                ("last_order_at", models.DateTimeField(blank=True, null=True, verbose_name="last order")),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="order_summaries",
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
                "verbose_name": "order summary",
                "verbose_name_plural": "order summaries",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "customer"), name="crm_order_summary_customer")
                ],
                "indexes": [
                    models.Index(fields=["tenant", "last_order_at"], name="crm_order_summary_last"),
                    models.Index(fields=["tenant", "revenue_minor"], name="crm_order_summary_revenue"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Person",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("email", models.EmailField(blank=True, default="", max_length=254, verbose_name="e-mail")),
                ("phone", models.CharField(blank=True, default="", max_length=32, verbose_name="phone")),
                (
                    "given_name",
                    models.CharField(blank=True, default="", max_length=120, verbose_name="given name"),
                ),
                (
                    "family_name",
                    models.CharField(blank=True, default="", max_length=120, verbose_name="family name"),
                ),
                ("birth_on", models.DateField(blank=True, null=True, verbose_name="date of birth")),
                (
                    "postcode",
                    models.CharField(blank=True, default="", max_length=20, verbose_name="postcode"),
                ),
                ("city", models.CharField(blank=True, default="", max_length=120, verbose_name="city")),
                ("country", models.CharField(blank=True, default="", max_length=80, verbose_name="country")),
                ("locale", models.CharField(blank=True, default="", max_length=16, verbose_name="locale")),
                (
                    "email_lower",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.functions.text.Lower("email"),
                        output_field=models.CharField(db_collation="C", max_length=254),
                    ),
                ),
                (
                    "given_name_lower",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.functions.text.Lower("given_name"),
                        output_field=models.CharField(db_collation="C", max_length=254),
                    ),
                ),
                (
                    "family_name_lower",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.functions.text.Lower("family_name"),
                        output_field=models.CharField(db_collation="C", max_length=254),
                    ),
                ),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="persons",
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
                "verbose_name": "person",
                "verbose_name_plural": "persons",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "customer"), name="crm_person_customer")
                ],
                "indexes": [
                    models.Index(fields=["tenant", "email_lower"], name="crm_person_email"),
                    models.Index(
                        fields=["tenant", "family_name_lower", "given_name_lower"],
                        name="crm_person_family_name",
                    ),
                    models.Index(fields=["tenant", "given_name_lower"], name="crm_person_given_name"),
                ],
            },
        ),
        migrations.CreateModel(
            name="QuarantinedRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("row_number", models.BigIntegerField(verbose_name="row number")),
                ("reason", models.CharField(max_length=60, verbose_name="reason")),
                ("raw", models.JSONField(verbose_name="row as read")),
                (
                    "import_run",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quarantined_rows",
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
                "verbose_name": "quarantined row",
                "verbose_name_plural": "quarantined rows",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "import_run", "row_number"), name="crm_quarantined_row_number"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Return",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "public_id",
                    models.UUIDField(
                        default=tenants.models.base.new_public_id, editable=False, verbose_name="id"
                    ),
                ),
                (
                    "external_id",
                    models.CharField(db_collation="C", max_length=200, verbose_name="external id"),
                ),
                ("returned_at", models.DateTimeField(verbose_name="returned at")),
                ("total_minor", models.BigIntegerField(verbose_name="refunded")),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="returns",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "import_run",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="returns",
                        to="crm.importrun",
                        verbose_name="import",
                    ),
                ),
                (
                    "order",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="returns",
                        to="crm.order",
                        verbose_name="order",
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
                "verbose_name": "return",
                "verbose_name_plural": "returns",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "public_id"), name="crm_return_public_id"),
                    models.UniqueConstraint(fields=("tenant", "external_id"), name="crm_return_external_id"),
                    models.CheckConstraint(
                        condition=models.Q(("total_minor__gte", 0)), name="crm_return_not_negative"
                    ),
                ],
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.F("customer"),
                        models.OrderBy(models.F("returned_at"), descending=True),
                        name="crm_return_by_customer",
                    ),
                    models.Index(fields=["tenant", "order"], name="crm_return_by_order"),
                    models.Index(
                        models.F("tenant"),
                        models.OrderBy(models.F("returned_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="crm_return_by_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReturnLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("quantity", models.PositiveIntegerField(verbose_name="quantity")),
                ("amount_minor", models.BigIntegerField(verbose_name="refunded")),
                (
                    "order_line",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="return_lines",
                        to="crm.orderline",
                        verbose_name="order line",
                    ),
                ),
                (
                    "parent",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="crm.return",
                        verbose_name="return",
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
                "verbose_name": "return line",
                "verbose_name_plural": "return lines",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "parent", "order_line"), name="crm_return_line_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gte", 0), ("quantity__gt", 0)),
                        name="crm_return_line_positive",
                    ),
                ],
                "indexes": [models.Index(fields=["tenant", "order_line"], name="crm_return_line_by_line")],
            },
        ),
        migrations.CreateModel(
            name="Segment",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "public_id",
                    models.UUIDField(
                        default=tenants.models.base.new_public_id, editable=False, verbose_name="id"
                    ),
                ),
                ("key", models.SlugField(db_index=False, max_length=80, verbose_name="key")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[("static", "Static list"), ("rule", "Rule"), ("model", "Model")],
                        max_length=6,
                        verbose_name="kind",
                    ),
                ),
                ("rule", models.JSONField(blank=True, null=True, verbose_name="rule")),
                ("description", models.TextField(blank=True, default="", verbose_name="description")),
                ("member_count", models.PositiveIntegerField(default=0, verbose_name="members")),
                ("refreshed_at", models.DateTimeField(blank=True, null=True, verbose_name="refreshed at")),
                (
                    "refresh_ms",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="refresh took, in milliseconds"
                    ),
                ),
                ("last_error", models.TextField(blank=True, default="", verbose_name="last error")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("updated_at", models.DateTimeField(verbose_name="updated at")),
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
                "verbose_name": "segment",
                "verbose_name_plural": "segments",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "public_id"), name="crm_segment_public_id"),
                    models.UniqueConstraint(fields=("tenant", "key"), name="crm_segment_key"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "rule"), ("rule__isnull", False)),
                            models.Q(models.Q(("kind", "rule"), _negated=True), ("rule__isnull", True)),
                            _connector="OR",
                        ),
                        name="crm_segment_rule_only_for_rules",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SegmentMember",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("joined_at", models.DateTimeField(verbose_name="joined at")),
                ("reason", models.CharField(blank=True, default="", max_length=300, verbose_name="reason")),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="segment_memberships",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "segment",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="crm.segment",
                        verbose_name="segment",
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
                "verbose_name": "segment member",
                "verbose_name_plural": "segment members",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "segment", "customer"), name="crm_segment_member_once"
                    )
                ],
                "indexes": [models.Index(fields=["tenant", "customer"], name="crm_segment_member_by_cust")],
            },
        ),
        migrations.CreateModel(
            name="AttributeDefinition",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "subject",
                    models.CharField(
                        choices=[("customer", "Customer"), ("item", "Item")],
                        default="customer",
                        max_length=10,
                        verbose_name="subject",
                    ),
                ),
                (
                    "key",
                    models.SlugField(allow_unicode=True, db_index=False, max_length=60, verbose_name="key"),
                ),
                ("label", models.CharField(max_length=120, verbose_name="label")),
                (
                    "value_type",
                    models.CharField(
                        choices=[
                            ("text", "Text"),
                            ("number", "Number"),
                            ("boolean", "Yes or no"),
                            ("date", "Date"),
                        ],
                        default="text",
                        max_length=8,
                        verbose_name="type",
                    ),
                ),
                ("is_personal", models.BooleanField(default=False, verbose_name="is personal data")),
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
                "verbose_name": "attribute definition",
                "verbose_name_plural": "attribute definitions",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "subject", "key"), name="crm_attribute_key")
                ],
            },
        ),
        IsolateTenantTable("Customer"),
        IsolateTenantTable("Person"),
        IsolateTenantTable("Identity"),
        IsolateTenantTable("AttributeDefinition"),
        IsolateTenantTable("Item"),
        IsolateTenantTable("ImportRun"),
        IsolateTenantTable("QuarantinedRow"),
        IsolateTenantTable("Order"),
        IsolateTenantTable("OrderLine"),
        IsolateTenantTable("Return"),
        IsolateTenantTable("ReturnLine"),
        IsolateTenantTable("OrderSummary"),
        IsolateTenantTable("EventReject"),
        IsolateTenantTable("ComputedTrait"),
        IsolateTenantTable("Segment"),
        IsolateTenantTable("SegmentMember"),
    ]
