"""What a posting proves costs less: no expression of a lot is read from its text (ADR 12)."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations, models

_SQL = Path(__file__).parent / "sql"
_NOW = (
    "points_check",
    "points_parts",
    "points_postings",
    "points_corrections",
    "points_members",
    "points_rights",
)
_FLAG = """
ALTER TABLE rewards_lot
    ALTER is_open DROP EXPRESSION, ALTER is_open SET DEFAULT true, ALTER is_open SET NOT NULL,
    -- Room on the page for what a debit leaves of a lot.
    SET (fillfactor = 85)
"""
_GENERATED = """
ALTER TABLE rewards_lot
    DROP COLUMN is_open, ADD COLUMN is_open boolean GENERATED ALWAYS AS (remaining > 0) STORED, RESET (fillfactor);
CREATE INDEX rewards_lot_spending_order ON rewards_lot (tenant_id, account_id, expires_at, available_from, id)
    WHERE is_open;
CREATE INDEX rewards_lot_due ON rewards_lot (tenant_id, expires_at) WHERE expires_at IS NOT NULL AND is_open;
"""


class Migration(migrations.Migration):
    dependencies = [("rewards", "0018_gifts_cost_nothing")]

    operations = [
        migrations.RunSQL(
            _FLAG,
            _GENERATED,
            state_operations=[
                migrations.AlterField(
                    "lot",
                    "is_open",
                    models.BooleanField(db_default=True, default=True, verbose_name="is open"),
                )
            ],
        ),
        migrations.RemoveConstraint("lot", "rewards_lot_within_grant"),
        migrations.AlterField(
            "ledgertransaction",
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
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            "ledgertransaction", "source_type", models.CharField(db_collation="C", verbose_name="source type")
        ),
        migrations.AlterField("ledgertransaction", "actor_kind", models.CharField(verbose_name="actor kind")),
        migrations.AlterField(
            "ledgertransaction", "actor_label", models.CharField(blank=True, default="", verbose_name="actor")
        ),
        migrations.RunSQL(
            "\n".join((_SQL / f"{name}.sql").read_text(encoding="utf-8") for name in _NOW),
            migrations.RunSQL.noop,
        ),
    ]
