"""The ledger's functions again: the only writers of the ledger, and the whole life of a lot.

The files hold today's text: a change of a function changes its file, and a new migration runs the file again.
"""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).parent / "sql"
_BEFORE = ("ledger_postings", "ledger_corrections", "ledger_holds")
_NOW = (
    "points_guards",
    "points_check",
    "points_parts",
    "points_postings",
    "points_batches",
    "points_corrections",
    "points_holds",
    "points_members",
)

_DROP_BEFORE = """
DROP FUNCTION rewards_close_hold, rewards_capture_hold, rewards_open_hold, rewards_expire, rewards_restore,
    rewards_take_back_batch, rewards_take_back, rewards_post_batch, rewards_post, rewards_refusal,
    rewards_debit_lots, rewards_pick_lots, rewards_usable, rewards_active_tenant;
DROP TYPE rewards_posting_result;
"""
_TYPE = """
CREATE TYPE rewards_posting_result AS (
    outcome text, transaction_id bigint, points bigint, available bigint, missing bigint
);
"""
_DROP_NOW = """
DROP FUNCTION rewards_transfer, rewards_unmerge, rewards_merge, rewards_forward, rewards_move_lots,
    rewards_close_hold, rewards_capture_hold, rewards_open_hold, rewards_extend, rewards_cancel_pending,
    rewards_release, rewards_activate, rewards_expire, rewards_restore, rewards_take_back_batch, rewards_take_back,
    rewards_post_batch, rewards_post, rewards_post_credit, rewards_account_of, rewards_activate_due,
    rewards_activate_lots, rewards_refusal, rewards_debit_lots, rewards_left_in_lots, rewards_pick_lots, rewards_usable,
    rewards_active_tenant;
DROP TYPE rewards_posting_result;
DROP TRIGGER rewards_entries_add_up ON rewards_ledgerentry;
DROP FUNCTION rewards_check_entries;
ALTER TABLE rewards_account RESET (fillfactor);
REVOKE UPDATE (frozen_at) ON rewards_account FROM app_rw;
GRANT INSERT, UPDATE ON rewards_account, rewards_lot TO app_rw;
GRANT INSERT, UPDATE, DELETE ON rewards_hold, rewards_holdline TO app_rw;
GRANT INSERT ON rewards_ledgertransaction, rewards_ledgerentry TO app_rw;
ALTER TABLE rewards_ledgertransaction ADD CONSTRAINT rewards_ledgertransaction_account_id_fk
    FOREIGN KEY (tenant_id, account_id) REFERENCES rewards_account (tenant_id, id)
    DEFERRABLE INITIALLY IMMEDIATE;
"""


def _read(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def _guards_before() -> str:
    """The triggers of the first guards, without the keys and grants that came with them and are still there."""
    text = _read("ledger_guards")
    start = text.index("CREATE FUNCTION rewards_check_entries")
    return text[start : text.index("-- Right after a history is posted")]


class Migration(migrations.Migration):
    dependencies = [("rewards", "0006_points_depth")]

    operations = [
        migrations.RunSQL(
            "\n".join([_DROP_BEFORE, _TYPE, *map(_read, _NOW)]),
            "\n".join([_DROP_NOW, _guards_before(), *map(_read, _BEFORE)]),
        )
    ]
