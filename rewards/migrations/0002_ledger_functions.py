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
DROP TRIGGER rewards_lot_refuse_new_key ON rewards_lot;
DROP TRIGGER rewards_lot_refuse_removal ON rewards_lot;
DROP TRIGGER rewards_account_refuse_new_key ON rewards_account;
DROP TRIGGER rewards_account_refuse_removal ON rewards_account;
DROP FUNCTION rewards_analyze_ledger, rewards_check_account, rewards_check_lots, rewards_check_entries,
    rewards_refuse_new_key;
GRANT DELETE ON rewards_account, rewards_lot TO app_rw;
ALTER TABLE rewards_lot ADD CONSTRAINT rewards_lot_account_id_fk
    FOREIGN KEY (tenant_id, account_id) REFERENCES rewards_account (tenant_id, id)
    DEFERRABLE INITIALLY IMMEDIATE;
ALTER TABLE rewards_ledgerentry
    ADD CONSTRAINT rewards_ledgerentry_transaction_id_fk FOREIGN KEY (tenant_id, transaction_id)
        REFERENCES rewards_ledgertransaction (tenant_id, id) DEFERRABLE INITIALLY IMMEDIATE,
    ADD CONSTRAINT rewards_ledgerentry_account_id_fk FOREIGN KEY (tenant_id, account_id)
        REFERENCES rewards_account (tenant_id, id) DEFERRABLE INITIALLY IMMEDIATE,
    ADD CONSTRAINT rewards_ledgerentry_lot_id_fk FOREIGN KEY (tenant_id, lot_id)
        REFERENCES rewards_lot (tenant_id, id) DEFERRABLE INITIALLY IMMEDIATE;
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
