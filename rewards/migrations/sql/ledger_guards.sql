-- What no posting can get around, however it is written.
--
-- Lines of one transaction are inserted by one statement and must sum to zero in it: a check over the
-- statement's own rows costs no look-up. Balance and lots are compared twice: when lots change (the account
-- has to be changed first) and, deferred, when an account changed.
--
-- Plans are cached per session, and one made while the tables were empty would scan them for ever: hence
-- enable_seqscan off in every function that looks lots up by account.

CREATE FUNCTION rewards_check_entries() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    v_transaction bigint;
BEGIN
    SELECT transaction_id INTO v_transaction FROM added
    GROUP BY tenant_id, transaction_id HAVING SUM(points) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'The lines of ledger transaction % do not sum to zero', v_transaction
            USING ERRCODE = 'check_violation', CONSTRAINT = 'rewards_entries_sum_to_zero';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER rewards_entries_sum_to_zero AFTER INSERT ON rewards_ledgerentry
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION rewards_check_entries();

CREATE FUNCTION rewards_check_lots() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
DECLARE
    v_account bigint;
BEGIN
    SELECT a.id INTO v_account
    FROM (SELECT DISTINCT tenant_id, account_id FROM changed) c
    JOIN rewards_account a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
    CROSS JOIN LATERAL (
        SELECT COALESCE(SUM(l.remaining), 0) AS remaining, COALESCE(SUM(l.held), 0) AS held
        FROM rewards_lot l WHERE l.tenant_id = c.tenant_id AND l.account_id = c.account_id AND l.is_open
    ) lots
    WHERE a.available + a.held <> lots.remaining OR a.held <> lots.held
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'The balance of account % differs from its lots', v_account
            USING ERRCODE = 'check_violation', CONSTRAINT = 'rewards_balance_equals_lots';
    END IF;
    RETURN NULL;
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
