"""The ledger's guards and posting functions."""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).parent / "sql"

_BACKWARDS = """
DROP FUNCTION rewards_close_hold, rewards_capture_hold, rewards_open_hold, rewards_expire, rewards_restore,
    rewards_take_back_batch, rewards_take_back, rewards_post_batch, rewards_post, rewards_refusal,
    rewards_debit_lots, rewards_pick_lots, rewards_usable, rewards_active_tenant;
DROP TYPE rewards_posting_result;
DROP TRIGGER rewards_balance_equals_lots ON rewards_account;
DROP TRIGGER rewards_lots_equal_balance_on_update ON rewards_lot;
DROP TRIGGER rewards_lots_equal_balance_on_insert ON rewards_lot;
DROP TRIGGER rewards_entries_sum_to_zero ON rewards_ledgerentry;
DROP FUNCTION rewards_check_account, rewards_check_lots, rewards_check_entries;
"""


def _read(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("rewards", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "\n".join(
                _read(name)
                for name in ("ledger_guards", "ledger_postings", "ledger_corrections", "ledger_holds")
            ),
            _BACKWARDS,
        )
    ]
