-- Who may write the ledger, and what no writer can get around.
--
-- The application holds SELECT alone on accounts, lots, transactions, lines and holds. The posting functions
-- write as their owner (SECURITY DEFINER), who is under row-level security too, because it is forced: the tenant
-- is the scope's, inside them as everywhere. So a balance cannot change without its lots by any statement of
-- the application, and one statement trigger (points_check) is enough to hold the functions themselves to their
-- promises.
--
-- What the keys of lines and lots name never goes away: transactions are append-only, accounts and lots refuse to
-- be deleted or to change their keys. So they are looked at once, when they are written, by the statement: foreign
-- keys row by row took two thirds of a batch.

REVOKE INSERT, UPDATE, DELETE ON rewards_account, rewards_lot, rewards_hold, rewards_holdline FROM app_rw;
REVOKE INSERT ON rewards_ledgertransaction, rewards_ledgerentry FROM app_rw;
-- Freezing is a decision of the application; the column also allows it to lock the row.
GRANT UPDATE (frozen_at) ON rewards_account TO app_rw;

ALTER TABLE rewards_ledgerentry
    DROP CONSTRAINT rewards_ledgerentry_transaction_id_fk,
    DROP CONSTRAINT rewards_ledgerentry_account_id_fk,
    DROP CONSTRAINT rewards_ledgerentry_lot_id_fk;
ALTER TABLE rewards_lot
    DROP CONSTRAINT rewards_lot_account_id_fk,
    DROP CONSTRAINT rewards_lot_moved_from_id_fk,
    DROP CONSTRAINT rewards_lot_moved_to_id_fk;
ALTER TABLE rewards_account DROP CONSTRAINT rewards_account_moved_to_id_fk;
ALTER TABLE rewards_ledgertransaction DROP CONSTRAINT rewards_ledgertransaction_account_id_fk;

-- Lines are looked up by their transaction, never by their number alone: one index instead of two.
ALTER TABLE rewards_ledgerentry
    DROP CONSTRAINT rewards_ledgerentry_pkey, ADD PRIMARY KEY (tenant_id, transaction_id, id);
-- Room on the page for the next version of a row that every posting changes.
ALTER TABLE rewards_account SET (fillfactor = 70);

-- CHECK constraints are read from their text at every statement; those of a domain are read once a session (ADR 10).
CREATE DOMAIN rewards_points AS bigint CONSTRAINT rewards_points_not_negative CHECK (VALUE >= 0);
CREATE DOMAIN rewards_grant AS bigint CONSTRAINT rewards_grant_positive CHECK (VALUE > 0);
ALTER TABLE rewards_account
    ALTER available TYPE rewards_points, ALTER held TYPE rewards_points,
    ALTER pending TYPE rewards_points, ALTER debt TYPE rewards_points;
ALTER TABLE rewards_lot ALTER granted TYPE rewards_grant, ALTER held TYPE rewards_points;

-- AFTER: a BEFORE trigger locks each row once more, with a record in the log, even where no key is changed.
CREATE FUNCTION rewards_refuse_new_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'A row of % is never deleted and keeps its keys', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER rewards_account_refuse_removal BEFORE DELETE ON rewards_account
    FOR EACH ROW EXECUTE FUNCTION rewards_refuse_new_key();
CREATE TRIGGER rewards_account_refuse_new_key AFTER UPDATE OF tenant_id, id ON rewards_account
    FOR EACH ROW WHEN ((OLD.tenant_id, OLD.id) IS DISTINCT FROM (NEW.tenant_id, NEW.id))
    EXECUTE FUNCTION rewards_refuse_new_key();
CREATE TRIGGER rewards_lot_refuse_removal BEFORE DELETE ON rewards_lot
    FOR EACH ROW EXECUTE FUNCTION rewards_refuse_new_key();
CREATE TRIGGER rewards_lot_refuse_new_key AFTER UPDATE OF tenant_id, id, account_id ON rewards_lot
    FOR EACH ROW WHEN ((OLD.tenant_id, OLD.id, OLD.account_id) IS DISTINCT FROM (NEW.tenant_id, NEW.id, NEW.account_id))
    EXECUTE FUNCTION rewards_refuse_new_key();

CREATE TYPE rewards_posting_result AS (
    outcome text, transaction_id bigint, points bigint, available bigint, missing bigint
);

-- Right after a history is posted the planner would take the ledger for nearly empty; only its owner may say
-- otherwise.
CREATE FUNCTION rewards_analyze_ledger() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    ANALYZE rewards_account, rewards_ledgertransaction, rewards_lot, rewards_ledgerentry, rewards_decisionrecord
$$;
