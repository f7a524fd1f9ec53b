-- What no posting can get around, however it is written.
--
-- Lines of one transaction are inserted by one statement and must sum to zero in it. Balance and lots are
-- compared twice: when lots change (the account has to be changed first) and, deferred, when an account changed.
--
-- The keys of lines and lots are checked here too, by the statement: row by row they took two thirds of a batch.
-- That is the same promise because what they name never goes away: transactions are append-only, accounts and
-- lots refuse to be deleted or to change their keys. The checks run as the writer, so row-level security hides
-- what belongs to other tenants from them.
--
-- Plans are cached per session, and one made while the tables were empty would scan them for ever: hence
-- enable_seqscan is off in every function that looks rows up by key.

ALTER TABLE rewards_ledgerentry
    DROP CONSTRAINT rewards_ledgerentry_transaction_id_fk,
    DROP CONSTRAINT rewards_ledgerentry_account_id_fk,
    DROP CONSTRAINT rewards_ledgerentry_lot_id_fk;
ALTER TABLE rewards_lot DROP CONSTRAINT rewards_lot_account_id_fk;

CREATE FUNCTION rewards_refuse_new_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'A row of % is never deleted and keeps its keys', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER rewards_account_refuse_removal BEFORE DELETE ON rewards_account
    FOR EACH ROW EXECUTE FUNCTION rewards_refuse_new_key();
CREATE TRIGGER rewards_account_refuse_new_key BEFORE UPDATE OF tenant_id, id ON rewards_account
    FOR EACH ROW WHEN ((OLD.tenant_id, OLD.id) IS DISTINCT FROM (NEW.tenant_id, NEW.id))
    EXECUTE FUNCTION rewards_refuse_new_key();
CREATE TRIGGER rewards_lot_refuse_removal BEFORE DELETE ON rewards_lot
    FOR EACH ROW EXECUTE FUNCTION rewards_refuse_new_key();
CREATE TRIGGER rewards_lot_refuse_new_key BEFORE UPDATE OF tenant_id, id, account_id ON rewards_lot
    FOR EACH ROW WHEN ((OLD.tenant_id, OLD.id, OLD.account_id) IS DISTINCT FROM (NEW.tenant_id, NEW.id, NEW.account_id))
    EXECUTE FUNCTION rewards_refuse_new_key();
REVOKE DELETE ON rewards_account, rewards_lot FROM app_rw;

CREATE FUNCTION rewards_check_entries() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
DECLARE
    v_bad record;
BEGIN
    -- A line of the program has neither account nor lot; one of a customer has those of its transaction.
    SELECT c.transaction_id, SUM(c.points) <> 0 AS is_unbalanced INTO v_bad
    FROM (
        -- Subqueries are one look-up a line whatever the statistics say; a join right after a load is quadratic.
        SELECT a.tenant_id, a.transaction_id, a.account_id, a.points,
               (SELECT t.account_id FROM rewards_ledgertransaction t
                WHERE t.tenant_id = a.tenant_id AND t.id = a.transaction_id) AS owner_id,
               (SELECT l.account_id FROM rewards_lot l
                WHERE l.tenant_id = a.tenant_id AND l.id = a.lot_id) AS lot_owner_id
        FROM added a
    ) c
    GROUP BY c.tenant_id, c.transaction_id
    HAVING SUM(c.points) <> 0 OR bool_or(
        c.owner_id IS NULL OR c.account_id <> c.owner_id OR c.account_id IS DISTINCT FROM c.lot_owner_id
    )
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF v_bad.is_unbalanced THEN
        RAISE EXCEPTION 'The lines of ledger transaction % do not sum to zero', v_bad.transaction_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'rewards_entries_sum_to_zero';
    END IF;
    RAISE EXCEPTION 'The lines of ledger transaction % name rows that are missing or another account''s',
            v_bad.transaction_id
        USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'rewards_entries_keys';
END $$;

CREATE TRIGGER rewards_entries_sum_to_zero AFTER INSERT ON rewards_ledgerentry
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION rewards_check_entries();

CREATE FUNCTION rewards_check_lots() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
DECLARE
    v_bad record;
BEGIN
    SELECT c.account_id, a.id IS NULL AS is_missing INTO v_bad
    FROM (SELECT DISTINCT tenant_id, account_id FROM changed) c
    LEFT JOIN LATERAL (
        SELECT id, available, held FROM rewards_account WHERE tenant_id = c.tenant_id AND id = c.account_id LIMIT 1
    ) a ON true
    CROSS JOIN LATERAL (
        SELECT COALESCE(SUM(l.remaining), 0) AS remaining, COALESCE(SUM(l.held), 0) AS held
        FROM rewards_lot l WHERE l.tenant_id = c.tenant_id AND l.account_id = c.account_id AND l.is_open
    ) lots
    WHERE a.id IS NULL OR a.available + a.held <> lots.remaining OR a.held <> lots.held
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF v_bad.is_missing THEN
        RAISE EXCEPTION 'A lot names account %, which does not exist', v_bad.account_id
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'rewards_lot_account_id_fk';
    END IF;
    RAISE EXCEPTION 'The balance of account % differs from its lots', v_bad.account_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'rewards_balance_equals_lots';
END $$;

CREATE TRIGGER rewards_lots_equal_balance_on_insert AFTER INSERT ON rewards_lot
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION rewards_check_lots();
CREATE TRIGGER rewards_lots_equal_balance_on_update AFTER UPDATE ON rewards_lot
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION rewards_check_lots();

CREATE FUNCTION rewards_check_account() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
BEGIN
    PERFORM 1
    FROM rewards_account a
    CROSS JOIN LATERAL (
        SELECT COALESCE(SUM(l.remaining), 0) AS remaining, COALESCE(SUM(l.held), 0) AS held
        FROM rewards_lot l WHERE l.tenant_id = NEW.tenant_id AND l.account_id = NEW.id AND l.is_open
    ) lots
    WHERE a.tenant_id = NEW.tenant_id AND a.id = NEW.id
      AND (a.available + a.held <> lots.remaining OR a.held <> lots.held);
    IF FOUND THEN
        RAISE EXCEPTION 'The balance of account % differs from its lots', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'rewards_balance_equals_lots';
    END IF;
    RETURN NULL;
END $$;

-- Freezing an account that is already wrong must be possible: hence the columns.
CREATE CONSTRAINT TRIGGER rewards_balance_equals_lots AFTER INSERT OR UPDATE OF available, held ON rewards_account
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rewards_check_account();

-- Right after a history is posted the planner would take the ledger for nearly empty; only its owner may say
-- otherwise.
CREATE FUNCTION rewards_analyze_ledger() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    ANALYZE rewards_account, rewards_ledgertransaction, rewards_lot, rewards_ledgerentry, rewards_decisionrecord
$$;
REVOKE ALL ON FUNCTION rewards_analyze_ledger() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rewards_analyze_ledger() TO app_rw;
