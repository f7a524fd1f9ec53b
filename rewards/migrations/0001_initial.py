"""Programs with their revisions, and the tables of the points ledger; what writes them comes next."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base
import tenants.operations


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("crm", "0020_purge_batches"),
        ("tenants", "0005_redact_audit"),
    ]

    operations = [
        migrations.CreateModel(
            name="Wallet",
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
                ("key", models.CharField(max_length=60, verbose_name="key")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
            ],
            options={
                "verbose_name": "wallet",
                "verbose_name_plural": "wallets",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [models.UniqueConstraint(fields=("tenant", "key"), name="rewards_wallet_key")],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Program",
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
                ("name", models.CharField(max_length=200, verbose_name="name")),
                (
                    "allows_self_approval",
                    models.BooleanField(
                        db_default=False, default=False, verbose_name="self-approval is allowed"
                    ),
                ),
                (
                    "rehearsal_policy",
                    models.CharField(
                        choices=[
                            ("required", "No approval without a rehearsal of the same document"),
                            ("acknowledge", "Whoever approves may say: without a rehearsal"),
                        ],
                        db_default="required",
                        default="required",
                        max_length=20,
                        verbose_name="approval without a rehearsal",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="created at")),
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
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="ProgramRevision",
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
                    "program",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="revisions",
                        to="rewards.program",
                        verbose_name="program",
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("rehearsed", "Rehearsed"),
                            ("in_review", "In review"),
                            ("changes_requested", "Changes requested"),
                            ("approved", "Approved"),
                            ("published", "Published"),
                            ("retired", "Retired"),
                        ],
                        default="draft",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                ("document", models.JSONField(verbose_name="document")),
                ("note", models.CharField(blank=True, default="", max_length=500, verbose_name="note")),
                ("base_number", models.PositiveIntegerField(blank=True, null=True, verbose_name="based on")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("created_by", models.CharField(max_length=200, verbose_name="created by")),
                ("updated_at", models.DateTimeField(verbose_name="updated at")),
                (
                    "submitted_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="sent to review at"),
                ),
                (
                    "submitted_by",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        max_length=200,
                        verbose_name="sent to review by",
                    ),
                ),
                ("reviewed_at", models.DateTimeField(blank=True, null=True, verbose_name="reviewed at")),
                (
                    "reviewed_by",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=200, verbose_name="reviewed by"
                    ),
                ),
                (
                    "review_comment",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        max_length=1000,
                        verbose_name="comment of the review",
                    ),
                ),
                (
                    "reviewed_digest",
                    models.CharField(
                        blank=True,
                        db_collation="C",
                        db_default="",
                        default="",
                        max_length=64,
                        verbose_name="digest of the reviewed document",
                    ),
                ),
                ("published_at", models.DateTimeField(blank=True, null=True, verbose_name="published at")),
                (
                    "published_by",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="published by"),
                ),
                ("retired_at", models.DateTimeField(blank=True, null=True, verbose_name="retired at")),
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
                            models.Q(
                                ("state__in", ["published", "retired"]), ("published_at__isnull", False)
                            ),
                            models.Q(
                                models.Q(("state__in", ["published", "retired"]), _negated=True),
                                ("published_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="rewards_revision_published_has_moment",
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Rehearsal",
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
                    "revision",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rehearsals",
                        to="rewards.programrevision",
                        verbose_name="program revision",
                    ),
                ),
                (
                    "digest",
                    models.CharField(db_collation="C", max_length=64, verbose_name="digest of the document"),
                ),
                ("days", models.PositiveIntegerField(verbose_name="days")),
                ("until", models.DateTimeField(verbose_name="until")),
                ("result", models.JSONField(verbose_name="result")),
                ("rehearsed_at", models.DateTimeField(verbose_name="rehearsed at")),
                ("rehearsed_by", models.CharField(max_length=200, verbose_name="rehearsed by")),
            ],
            options={
                "verbose_name": "rehearsal",
                "verbose_name_plural": "rehearsals",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.F("revision"),
                        models.OrderBy(models.F("rehearsed_at"), descending=True),
                        name="rewards_rehearsal_latest",
                    )
                ],
                "constraints": [],
            },
        ),
        migrations.CreateModel(
            name="BudgetUsage",
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
                ("budget_key", models.CharField(db_collation="C", max_length=60, verbose_name="budget")),
                ("period_number", models.BigIntegerField(verbose_name="period")),
                ("points", models.BigIntegerField(default=0, verbose_name="points")),
                ("money_minor", models.BigIntegerField(default=0, verbose_name="money in minor units")),
            ],
            options={
                "verbose_name": "budget usage",
                "verbose_name_plural": "budget usages",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "budget_key", "period_number"), name="rewards_budget_usage_period"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("money_minor__gte", 0), ("points__gte", 0)),
                        name="rewards_budget_usage_not_negative",
                    ),
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="DecisionRecord",
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
                        related_name="decision_records",
                        to="crm.customer",
                        verbose_name="customer",
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
                (
                    "event_type",
                    models.CharField(
                        choices=[
                            ("order", "Order"),
                            ("return", "Return"),
                            ("returned", "Return, by rules"),
                            ("event", "Event"),
                            ("birthday", "Birthday"),
                            ("anniversary", "Anniversary"),
                            ("enrolment", "Enrolment"),
                        ],
                        max_length=12,
                        verbose_name="event",
                    ),
                ),
                ("event_id", models.BigIntegerField(verbose_name="event number")),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                ("decided_at", models.DateTimeField(verbose_name="decided at")),
                ("points", models.BigIntegerField(verbose_name="points")),
                ("record", models.JSONField(verbose_name="record")),
            ],
            options={
                "verbose_name": "decision record",
                "verbose_name_plural": "decision records",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.F("customer"),
                        models.OrderBy(models.F("occurred_at"), descending=True),
                        name="rewards_decision_customer",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "event_type", "event_id"), name="rewards_decision_event"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Account",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="point_accounts",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "wallet",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
                        to="rewards.wallet",
                        verbose_name="wallet",
                    ),
                ),
                ("available", models.BigIntegerField(default=0, verbose_name="available")),
                ("held", models.BigIntegerField(default=0, verbose_name="held")),
                ("pending", models.BigIntegerField(db_default=0, default=0, verbose_name="pending")),
                ("debt", models.BigIntegerField(db_default=0, default=0, verbose_name="debt")),
                ("seq", models.BigIntegerField(default=0, verbose_name="entries")),
                (
                    "next_activation_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="next activation at"),
                ),
                (
                    "moved_to",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rewards.account",
                        verbose_name="merged into",
                    ),
                ),
                ("frozen_at", models.DateTimeField(blank=True, null=True, verbose_name="frozen at")),
            ],
            options={
                "verbose_name": "points account",
                "verbose_name_plural": "points accounts",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        condition=models.Q(("frozen_at__isnull", False)),
                        fields=["tenant", "frozen_at"],
                        name="rewards_account_frozen",
                    ),
                    models.Index(
                        condition=models.Q(("next_activation_at__isnull", False)),
                        fields=["tenant", "next_activation_at"],
                        name="rewards_account_activation",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "customer", "wallet"), name="rewards_account_customer"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerTransaction",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("earn", "Earned"),
                            ("adjust", "Adjustment"),
                            ("redeem", "Redeemed"),
                            ("return", "Taken back on return"),
                            ("reversal", "Reversal"),
                            ("expire", "Expired"),
                            ("cancel", "Cancelled while pending"),
                            ("repay", "Debt repaid"),
                            ("transfer_out", "Given to another member"),
                            ("transfer_in", "Received from another member"),
                            ("merge_out", "Moved with a merge"),
                            ("merge_in", "Arrived with a merge"),
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
                    "revision",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transactions",
                        to="rewards.programrevision",
                        verbose_name="program revision",
                    ),
                ),
                ("actor_kind", models.CharField(max_length=12, verbose_name="actor kind")),
                (
                    "actor_label",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="actor"),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=500, verbose_name="reason")),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                ("posted_at", models.DateTimeField(verbose_name="posted at")),
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
                ],
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="Lot",
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
                    "account",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lots",
                        to="rewards.account",
                        verbose_name="points account",
                    ),
                ),
                ("granted", models.BigIntegerField(verbose_name="granted")),
                ("remaining", models.BigIntegerField(verbose_name="remaining")),
                ("held", models.BigIntegerField(default=0, verbose_name="held")),
                ("available_from", models.DateTimeField(verbose_name="available from")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires at")),
                (
                    "is_pending",
                    models.BooleanField(db_default=False, default=False, verbose_name="is pending"),
                ),
                ("activates_at", models.DateTimeField(blank=True, null=True, verbose_name="activates at")),
                (
                    "awaits",
                    models.CharField(
                        blank=True,
                        db_collation="C",
                        db_default="",
                        default="",
                        max_length=200,
                        verbose_name="waits for",
                    ),
                ),
                (
                    "moved_to",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rewards.lot",
                        verbose_name="moved to",
                    ),
                ),
                (
                    "moved_from",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rewards.lot",
                        verbose_name="moved from",
                    ),
                ),
                (
                    "is_open",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Q(("remaining__gt", 0)),
                        output_field=models.BooleanField(verbose_name="is open"),
                    ),
                ),
            ],
            options={
                "verbose_name": "lot",
                "verbose_name_plural": "lots",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
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
                    models.Index(
                        condition=models.Q(("is_pending", True), models.Q(("awaits", ""), _negated=True)),
                        fields=["tenant", "awaits"],
                        name="rewards_lot_awaits",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("granted__gte", models.F("remaining")), ("remaining__gte", models.F("held"))
                        ),
                        name="rewards_lot_within_grant",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
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
                    "account",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="rewards.account",
                        verbose_name="points account",
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
                ("points", models.BigIntegerField(verbose_name="points")),
                ("seq", models.BigIntegerField(verbose_name="number")),
                ("balance_after", models.BigIntegerField(verbose_name="balance after")),
                (
                    "lot_remaining",
                    models.BigIntegerField(blank=True, null=True, verbose_name="left in the lot"),
                ),
            ],
            options={
                "verbose_name": "ledger entry",
                "verbose_name_plural": "ledger entries",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        condition=models.Q(("points__lt", 0)),
                        fields=["tenant", "lot"],
                        name="rewards_entry_lot_debits",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "account", "seq"), name="rewards_entry_seq")
                ],
            },
        ),
        migrations.CreateModel(
            name="Hold",
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
                    "account",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="rewards.account",
                        verbose_name="points account",
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
                "indexes": [
                    models.Index(
                        condition=models.Q(("expires_at__isnull", False), ("state", "open")),
                        fields=["tenant", "expires_at"],
                        name="rewards_hold_due",
                    ),
                    models.Index(fields=["tenant", "account"], name="rewards_hold_account"),
                ],
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
            },
        ),
        migrations.CreateModel(
            name="HoldLine",
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
                    "lot",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hold_lines",
                        to="rewards.lot",
                        verbose_name="lot",
                    ),
                ),
                ("points", models.BigIntegerField(verbose_name="points")),
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
                "indexes": [],
            },
        ),
        migrations.CreateModel(
            name="AdjustmentRequest",
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
                        related_name="adjustment_requests",
                        to="crm.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "wallet",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rewards.wallet",
                        verbose_name="wallet",
                    ),
                ),
                ("points", models.BigIntegerField(verbose_name="points")),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("key", models.CharField(db_collation="C", max_length=200, verbose_name="key")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "Waiting for approval"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                        ],
                        default="requested",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("requested_by", models.CharField(max_length=200, verbose_name="requested by")),
                ("requested_at", models.DateTimeField(verbose_name="requested at")),
                (
                    "decided_by",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="decided by"),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided at")),
                (
                    "decision_note",
                    models.CharField(blank=True, default="", max_length=500, verbose_name="note"),
                ),
                (
                    "transaction",
                    tenants.models.base.TenantForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rewards.ledgertransaction",
                        verbose_name="ledger transaction",
                    ),
                ),
            ],
            options={
                "verbose_name": "adjustment request",
                "verbose_name_plural": "adjustment requests",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "requested")),
                        fields=["tenant", "requested_at"],
                        name="rewards_adjustment_open",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "public_id"), name="rewards_adjustment_public_id"
                    ),
                    models.UniqueConstraint(fields=("tenant", "key"), name="rewards_adjustment_key"),
                    models.CheckConstraint(
                        condition=models.Q(("points", 0), _negated=True), name="rewards_adjustment_moves"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by", ""),
                            models.Q(("decided_by", models.F("requested_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="rewards_adjustment_two_people",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LiabilitySnapshot",
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
                ("month_end", models.DateField(verbose_name="month end")),
                (
                    "wallet",
                    tenants.models.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rewards.wallet",
                        verbose_name="wallet",
                    ),
                ),
                ("tier_key", models.CharField(blank=True, default="", max_length=60, verbose_name="tier")),
                ("age", models.CharField(max_length=10, verbose_name="age")),
                ("points", models.BigIntegerField(verbose_name="points")),
                ("cost_minor", models.BigIntegerField(verbose_name="cost if all are spent")),
                ("liability_minor", models.BigIntegerField(verbose_name="expected cost")),
                ("taken_at", models.DateTimeField(verbose_name="taken at")),
            ],
            options={
                "verbose_name": "liability snapshot",
                "verbose_name_plural": "liability snapshots",
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "month_end", "wallet", "tier_key", "age"),
                        name="rewards_liability_part",
                    )
                ],
                "indexes": [],
            },
        ),
        tenants.operations.IsolateTenantTable(
            model_name="Wallet",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="Program",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="ProgramRevision",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="Rehearsal",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="BudgetUsage",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="DecisionRecord",
            append_only=True,
        ),
        tenants.operations.IsolateTenantTable(
            model_name="Account",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="LedgerTransaction",
            append_only=True,
        ),
        tenants.operations.IsolateTenantTable(
            model_name="Lot",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="LedgerEntry",
            append_only=True,
        ),
        tenants.operations.IsolateTenantTable(
            model_name="Hold",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="HoldLine",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="AdjustmentRequest",
        ),
        tenants.operations.IsolateTenantTable(
            model_name="LiabilitySnapshot",
        ),
    ]
