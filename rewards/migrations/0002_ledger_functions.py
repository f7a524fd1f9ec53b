"""The only writers of the ledger, and the whole life of a lot.

The files hold today's text: a change of a function changes its file, and a new migration runs the file again.
"""

from __future__ import annotations

from pathlib import Path

from django.db import migrations

_SQL = Path(__file__).parent / "sql"
_FILES = (
    "points_guards",
    "points_check",
    "points_parts",
    "points_postings",
    "points_batches",
    "points_corrections",
    "points_holds",
    "points_members",
    "points_rights",
)

_BACK = """
DROP FUNCTION rewards_transfer, rewards_unmerge, rewards_merge, rewards_forward, rewards_move_lots,
    rewards_close_hold, rewards_capture_hold, rewards_open_hold, rewards_extend, rewards_cancel_pending,
    rewards_release, rewards_activate, rewards_expire, rewards_restore, rewards_take_back_batch, rewards_take_back,
    rewards_post_batch, rewards_post, rewards_post_credit, rewards_account_of, rewards_activate_due,
    rewards_activate_lots, rewards_refusal, rewards_debit_lots, rewards_left_in_lots, rewards_pick_lots, rewards_usable,
    rewards_active_tenant, rewards_analyze_ledger;
DROP TYPE rewards_posting_result;
-- With the triggers that call them.
DROP FUNCTION rewards_check_entries, rewards_check_lot, rewards_refuse_new_key CASCADE;
ALTER TABLE rewards_account
    ALTER available TYPE bigint, ALTER held TYPE bigint, ALTER pending TYPE bigint, ALTER debt TYPE bigint;
ALTER TABLE rewards_lot ALTER granted TYPE bigint, ALTER held TYPE bigint;
DROP DOMAIN rewards_points, rewards_grant;
ALTER TABLE rewards_account RESET (fillfactor);
ALTER TABLE rewards_ledgerentry DROP CONSTRAINT rewards_ledgerentry_pkey, ADD PRIMARY KEY (tenant_id, id);
ALTER TABLE rewards_ledgertransaction ADD CONSTRAINT rewards_ledgertransaction_account_id_fk
    FOREIGN KEY (tenant_id, account_id) REFERENCES rewards_account (tenant_id, id) DEFERRABLE;
ALTER TABLE rewards_account ADD CONSTRAINT rewards_account_moved_to_id_fk
    FOREIGN KEY (tenant_id, moved_to_id) REFERENCES rewards_account (tenant_id, id) DEFERRABLE;
ALTER TABLE rewards_lot
    ADD CONSTRAINT rewards_lot_account_id_fk FOREIGN KEY (tenant_id, account_id)
        REFERENCES rewards_account (tenant_id, id) DEFERRABLE,
    ADD CONSTRAINT rewards_lot_moved_from_id_fk FOREIGN KEY (tenant_id, moved_from_id)
        REFERENCES rewards_lot (tenant_id, id) DEFERRABLE,
    ADD CONSTRAINT rewards_lot_moved_to_id_fk FOREIGN KEY (tenant_id, moved_to_id)
        REFERENCES rewards_lot (tenant_id, id) DEFERRABLE;
ALTER TABLE rewards_ledgerentry
    ADD CONSTRAINT rewards_ledgerentry_transaction_id_fk FOREIGN KEY (tenant_id, transaction_id)
        REFERENCES rewards_ledgertransaction (tenant_id, id) DEFERRABLE,
    ADD CONSTRAINT rewards_ledgerentry_account_id_fk FOREIGN KEY (tenant_id, account_id)
        REFERENCES rewards_account (tenant_id, id) DEFERRABLE,
    ADD CONSTRAINT rewards_ledgerentry_lot_id_fk FOREIGN KEY (tenant_id, lot_id)
        REFERENCES rewards_lot (tenant_id, id) DEFERRABLE;
REVOKE UPDATE (frozen_at) ON rewards_account FROM app_rw;
GRANT INSERT ON rewards_ledgertransaction, rewards_ledgerentry TO app_rw;
GRANT INSERT, UPDATE, DELETE ON rewards_account, rewards_lot, rewards_hold, rewards_holdline TO app_rw;
"""


class Migration(migrations.Migration):
    dependencies = [("rewards", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "\n".join((_SQL / f"{name}.sql").read_text(encoding="utf-8") for name in _FILES), _BACK
        )
    ]
