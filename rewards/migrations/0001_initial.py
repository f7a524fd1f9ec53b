from __future__ import annotations

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
            name="Account",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("available", models.BigIntegerField(default=0, verbose_name="available")),
                ("held", models.BigIntegerField(default=0, verbose_name="held")),
                ("seq", models.BigIntegerField(default=0, verbose_name="entries")),
                ("frozen_at", models.DateTimeField(blank=True, null=True, verbose_name="frozen at")),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="point_accounts",
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
                "verbose_name": "points account",
                "verbose_name_plural": "points accounts",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("available__gte", 0), ("held__gte", 0), ("seq__gte", 0)),
                        name="rewards_account_not_negative",
                    )
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("frozen_at__isnull", False)),
                        fields=["tenant", "frozen_at"],
                        name="rewards_account_frozen",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerTransaction",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("earn", "Earned"),
                            ("adjust", "Adjustment"),
                            ("redeem", "Redeemed"),
                            ("return", "Taken back on return"),
                            ("reversal", "Reversal"),
                            ("expire", "Expired"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("points", models.BigIntegerField(verbose_name="points")),
                (
                    "source_type",
                    models.CharField(db_collation="C", max_length=40, verbose_name="source type"),
                ),
                ("source_id", models.CharField(db_collation="C", max_length=200, verbose_name="source")),
                ("actor_kind", models.CharField(max_length=12, verbose_name="actor kind")),
                (
                    "actor_label",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="actor"),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=500, verbose_name="reason")),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                ("posted_at", models.DateTimeField(verbose_name="posted at")),
                (
                    "account",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transactions",
                        to="rewards.account",
                        verbose_name="points account",
                    ),
                ),
                (
                    "reverses",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversals",
                        to="rewards.ledgertransaction",
                        verbose_name="reverses",
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
                "verbose_name": "ledger transaction",
                "verbose_name_plural": "ledger transactions",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "source_type", "source_id"), name="rewards_transaction_source"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("reverses__isnull", False)),
                        fields=("tenant", "reverses"),
                        name="rewards_transaction_reversed_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("points", 0), _negated=True),
                        name="rewards_transaction_moves_points",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "public_id",
                    models.UUIDField(
                        default=tenants.models.base.new_public_id, editable=False, verbose_name="id"
                    ),
                ),
                ("points", models.BigIntegerField(verbose_name="points")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("captured", "Captured"),
                            ("released", "Released"),
                            ("timed_out", "Timed out"),
                        ],
                        default="open",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "source_type",
                    models.CharField(db_collation="C", max_length=40, verbose_name="source type"),
                ),
                ("source_id", models.CharField(db_collation="C", max_length=200, verbose_name="source")),
                ("opened_at", models.DateTimeField(verbose_name="opened at")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="times out at")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="closed at")),
                (
                    "account",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="rewards.account",
                        verbose_name="points account",
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
                (
                    "transaction",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="rewards.ledgertransaction",
                        verbose_name="captured by",
                    ),
                ),
            ],
            options={
                "verbose_name": "hold",
                "verbose_name_plural": "holds",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "public_id"), name="rewards_hold_public_id"),
                    models.UniqueConstraint(
                        fields=("tenant", "source_type", "source_id"), name="rewards_hold_source"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("points__gt", 0)), name="rewards_hold_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", True), ("state", "open")),
                            models.Q(
                                models.Q(("state", "open"), _negated=True), ("closed_at__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="rewards_hold_closed_has_moment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "captured"), ("transaction__isnull", False)),
                            models.Q(
                                models.Q(("state", "captured"), _negated=True), ("transaction__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="rewards_hold_captured_has_transaction",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("expires_at__isnull", False), ("state", "open")),
                        fields=["tenant", "expires_at"],
                        name="rewards_hold_due",
                    ),
                    models.Index(fields=["tenant", "account"], name="rewards_hold_account"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Lot",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("granted", models.BigIntegerField(verbose_name="granted")),
                ("remaining", models.BigIntegerField(verbose_name="remaining")),
                ("held", models.BigIntegerField(default=0, verbose_name="held")),
                ("available_from", models.DateTimeField(verbose_name="available from")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires at")),
                (
                    "is_open",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Q(("remaining__gt", 0)),
                        output_field=models.BooleanField(verbose_name="is open"),
                    ),
                ),
                (
                    "account",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lots",
                        to="rewards.account",
                        verbose_name="points account",
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
                "verbose_name": "lot",
                "verbose_name_plural": "lots",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("granted__gt", 0),
                            ("granted__gte", models.F("remaining")),
                            ("held__gte", 0),
                            ("remaining__gte", models.F("held")),
                        ),
                        name="rewards_lot_within_grant",
                    )
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_open", True)),
                        fields=["tenant", "account", "expires_at", "available_from", "id"],
                        name="rewards_lot_spending_order",
                    ),
                    models.Index(
                        condition=models.Q(("expires_at__isnull", False), ("is_open", True)),
                        fields=["tenant", "expires_at"],
                        name="rewards_lot_due",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("points", models.BigIntegerField(verbose_name="points")),
                ("seq", models.BigIntegerField(blank=True, null=True, verbose_name="number")),
                (
                    "balance_after",
                    models.BigIntegerField(blank=True, null=True, verbose_name="balance after"),
                ),
                (
                    "account",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="rewards.account",
                        verbose_name="points account",
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
                (
                    "transaction",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="rewards.ledgertransaction",
                        verbose_name="ledger transaction",
                    ),
                ),
                (
                    "lot",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="rewards.lot",
                        verbose_name="lot",
                    ),
                ),
            ],
            options={
                "verbose_name": "ledger entry",
                "verbose_name_plural": "ledger entries",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "account", "seq"), name="rewards_entry_seq"),
                    models.CheckConstraint(
                        condition=models.Q(("points", 0), _negated=True), name="rewards_entry_moves_points"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("account__isnull", False),
                                ("balance_after__isnull", False),
                                ("lot__isnull", False),
                                ("seq__isnull", False),
                            ),
                            models.Q(
                                ("account__isnull", True),
                                ("balance_after__isnull", True),
                                ("lot__isnull", True),
                                ("seq__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="rewards_entry_has_one_side",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["tenant", "transaction"], name="rewards_entry_transaction"),
                    models.Index(
                        condition=models.Q(("points__lt", 0)),
                        fields=["tenant", "lot"],
                        name="rewards_entry_lot_debits",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HoldLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("points", models.BigIntegerField(verbose_name="points")),
                (
                    "hold",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="rewards.hold",
                        verbose_name="hold",
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
                (
                    "lot",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hold_lines",
                        to="rewards.lot",
                        verbose_name="lot",
                    ),
                ),
            ],
            options={
                "verbose_name": "hold line",
                "verbose_name_plural": "hold lines",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "hold", "lot"), name="rewards_hold_line_lot"),
                    models.CheckConstraint(
                        condition=models.Q(("points__gt", 0)), name="rewards_hold_line_positive"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Program",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200, verbose_name="name")),
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
                "verbose_name": "program",
                "verbose_name_plural": "programs",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant",), name="rewards_program_one_per_tenant")
                ],
            },
        ),
        migrations.CreateModel(
            name="ProgramRevision",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "Draft"), ("published", "Published"), ("retired", "Retired")],
                        default="draft",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("document", models.JSONField(verbose_name="document")),
                ("note", models.CharField(blank=True, default="", max_length=500, verbose_name="note")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("created_by", models.CharField(max_length=200, verbose_name="created by")),
                ("updated_at", models.DateTimeField(verbose_name="updated at")),
                ("published_at", models.DateTimeField(blank=True, null=True, verbose_name="published at")),
                (
                    "published_by",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="published by"),
                ),
                ("retired_at", models.DateTimeField(blank=True, null=True, verbose_name="retired at")),
                (
                    "program",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="revisions",
                        to="rewards.program",
                        verbose_name="program",
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
                "verbose_name": "program revision",
                "verbose_name_plural": "program revisions",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "program", "number"), name="rewards_revision_number"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "published")),
                        fields=("tenant",),
                        name="rewards_revision_one_published",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("published_at__isnull", True), ("state", "draft")),
                            models.Q(
                                models.Q(("state", "draft"), _negated=True), ("published_at__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="rewards_revision_published_has_moment",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="ledgertransaction",
            name="revision",
            field=tenants.models.base.TenantForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="transactions",
                to="rewards.programrevision",
                verbose_name="program revision",
            ),
        ),
        migrations.CreateModel(
            name="DecisionRecord",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "event_type",
                    models.CharField(
                        choices=[("order", "Order"), ("return", "Return")],
                        max_length=10,
                        verbose_name="event",
                    ),
                ),
                ("event_id", models.BigIntegerField(verbose_name="event number")),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                ("decided_at", models.DateTimeField(verbose_name="decided at")),
                ("points", models.BigIntegerField(verbose_name="points")),
                ("record", models.JSONField(verbose_name="record")),
                (
                    "customer",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decision_records",
                        to="crm.customer",
                        verbose_name="customer",
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
                (
                    "revision",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decision_records",
                        to="rewards.programrevision",
                        verbose_name="program revision",
                    ),
                ),
            ],
            options={
                "verbose_name": "decision record",
                "verbose_name_plural": "decision records",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "event_type", "event_id"), name="rewards_decision_event"
                    )
                ],
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.F("customer"),
                        models.OrderBy(models.F("occurred_at"), descending=True),
                        name="rewards_decision_customer",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Reward",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
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
                ("cost_points", models.BigIntegerField(verbose_name="cost in points")),
                ("stock", models.PositiveIntegerField(blank=True, null=True, verbose_name="stock")),
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
            },
        ),
        migrations.CreateModel(
            name="Redemption",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "public_id",
                    models.UUIDField(
                        default=tenants.models.base.new_public_id, editable=False, verbose_name="id"
                    ),
                ),
                ("points", models.BigIntegerField(verbose_name="points")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("reserved", "Reserved"),
                            ("confirmed", "Confirmed"),
                            ("fulfilled", "Fulfilled"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="reserved",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("reserved_at", models.DateTimeField(verbose_name="reserved at")),
                ("confirmed_at", models.DateTimeField(blank=True, null=True, verbose_name="confirmed at")),
                ("fulfilled_at", models.DateTimeField(blank=True, null=True, verbose_name="fulfilled at")),
                ("cancelled_at", models.DateTimeField(blank=True, null=True, verbose_name="cancelled at")),
                (
                    "cancel_reason",
                    models.CharField(
                        blank=True, default="", max_length=500, verbose_name="reason for cancelling"
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
            ],
            options={
                "verbose_name": "redemption",
                "verbose_name_plural": "redemptions",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "public_id"), name="rewards_redemption_public_id"
                    ),
                    models.UniqueConstraint(fields=("tenant", "hold"), name="rewards_redemption_hold"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["confirmed", "fulfilled"]), _negated=True),
                            models.Q(("confirmed_at__isnull", False), ("transaction__isnull", False)),
                            _connector="OR",
                        ),
                        name="rewards_redemption_spent_when_confirmed",
                    ),
                ],
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
            },
        ),
        migrations.CreateModel(
            name="TierMembership",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("tier_key", models.CharField(max_length=60, verbose_name="tier")),
                ("qualifying_spend_minor", models.BigIntegerField(verbose_name="qualifying spend")),
                ("since", models.DateTimeField(verbose_name="since")),
                ("computed_at", models.DateTimeField(verbose_name="computed at")),
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
                "verbose_name": "tier membership",
                "verbose_name_plural": "tier memberships",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "customer"), name="rewards_tier_membership_customer"
                    )
                ],
                "indexes": [models.Index(fields=["tenant", "tier_key"], name="rewards_tier_membership_tier")],
            },
        ),
        migrations.CreateModel(
            name="Wallet",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=60, verbose_name="key")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
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
                "verbose_name": "wallet",
                "verbose_name_plural": "wallets",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [models.UniqueConstraint(fields=("tenant", "key"), name="rewards_wallet_key")],
            },
        ),
        migrations.AddField(
            model_name="reward",
            name="wallet",
            field=tenants.models.base.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rewards",
                to="rewards.wallet",
                verbose_name="wallet",
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="wallet",
            field=tenants.models.base.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="accounts",
                to="rewards.wallet",
                verbose_name="wallet",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                fields=("tenant", "customer", "wallet"), name="rewards_account_customer"
            ),
        ),
        IsolateTenantTable("Wallet"),
        IsolateTenantTable("Account"),
        IsolateTenantTable("Program"),
        IsolateTenantTable("ProgramRevision"),
        IsolateTenantTable("LedgerTransaction", append_only=True),
        IsolateTenantTable("Lot"),
        IsolateTenantTable("LedgerEntry", append_only=True),
        IsolateTenantTable("Hold"),
        IsolateTenantTable("HoldLine"),
        IsolateTenantTable("Reward"),
        IsolateTenantTable("Redemption"),
        IsolateTenantTable("TierMembership"),
        IsolateTenantTable("DecisionRecord", append_only=True),
    ]
