"""A ledger line says what its lot holds after it; the program's side is the transaction and no line of its own.

The way back rebuilds the lines and keys of before; it is for the way to zero, since the functions keep the text
they have now.
"""

from __future__ import annotations

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

import tenants.models.base

_SQL = Path(__file__).parent / "sql"
_FUNCTIONS = (
    "points_check",
    "points_parts",
    "points_postings",
    "points_batches",
    "points_corrections",
    "points_holds",
    "points_members",
    "points_rights",
)

# The lines are append-only, and hidden from their owner outside a tenant's scope: both rest meanwhile.
_OPEN = """
ALTER TABLE rewards_ledgerentry NO FORCE ROW LEVEL SECURITY, DISABLE TRIGGER USER;
ALTER TABLE rewards_ledgertransaction NO FORCE ROW LEVEL SECURITY;
"""
_CLOSE = """
ALTER TABLE rewards_ledgerentry FORCE ROW LEVEL SECURITY, ENABLE TRIGGER USER;
ALTER TABLE rewards_ledgertransaction FORCE ROW LEVEL SECURITY;
"""
_LINES = """
DELETE FROM rewards_ledgerentry WHERE account_id IS NULL;
UPDATE rewards_ledgerentry e SET lot_remaining = l.remaining
FROM (
    SELECT tenant_id, id, SUM(points) OVER (PARTITION BY tenant_id, lot_id ORDER BY id) AS remaining
    FROM rewards_ledgerentry WHERE lot_id IS NOT NULL
) l
WHERE e.tenant_id = l.tenant_id AND e.id = l.id;
"""
_LINES_OF_THE_PROGRAM = """
INSERT INTO rewards_ledgerentry (tenant_id, transaction_id, points)
SELECT tenant_id, id, -points FROM rewards_ledgertransaction WHERE points <> 0;
"""
_KEY = "ALTER TABLE rewards_ledgerentry DROP CONSTRAINT rewards_ledgerentry_pkey, ADD PRIMARY KEY ({})"
_DROP_CHECK = "DROP TRIGGER IF EXISTS {} ON rewards_ledgerentry"


def _functions() -> str:
    return "\n".join((_SQL / f"{name}.sql").read_text(encoding="utf-8") for name in _FUNCTIONS)


class Migration(migrations.Migration):
    dependencies = [("rewards", "0017_guessers")]

    operations = [
        migrations.RemoveConstraint("ledgerentry", "rewards_entry_moves_points"),
        migrations.RemoveConstraint("ledgerentry", "rewards_entry_seq"),
        migrations.RemoveConstraint("ledgerentry", "rewards_entry_has_one_side"),
        migrations.RemoveConstraint("ledgertransaction", "rewards_transaction_moves_points"),
        migrations.RemoveIndex("ledgerentry", "rewards_entry_transaction"),
        migrations.AddField(
            "ledgerentry",
            "lot_remaining",
            models.BigIntegerField(blank=True, null=True, verbose_name="left in the lot"),
        ),
        migrations.RunSQL(_OPEN + _LINES + _CLOSE, _OPEN + _LINES_OF_THE_PROGRAM + _CLOSE),
        migrations.AlterField(
            "ledgerentry",
            "account",
            tenants.models.base.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
                to="rewards.account",
                verbose_name="points account",
            ),
        ),
        migrations.AlterField(
            "ledgerentry", "balance_after", models.BigIntegerField(verbose_name="balance after")
        ),
        migrations.AlterField("ledgerentry", "seq", models.BigIntegerField(verbose_name="number")),
        migrations.AddConstraint(
            "ledgerentry",
            models.UniqueConstraint(fields=("tenant", "account", "seq"), name="rewards_entry_seq"),
        ),
        # One index instead of two: lines are looked up by their transaction, never by their number alone.
        migrations.RunSQL(_KEY.format("tenant_id, transaction_id, id"), _KEY.format("tenant_id, id")),
        migrations.RunSQL(
            _DROP_CHECK.format("rewards_entries_sum_to_zero") + ";\n" + _functions(), migrations.RunSQL.noop
        ),
    ]
