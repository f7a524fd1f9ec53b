-- What a posting must hold when its lines are written, which is last.
--
-- The transaction is the program's side: its points, negated. The customer's lines add up to it, name rows of its
-- account, and say what the account and the lot hold after them; the trigger compares that with the rows. A lot
-- holds at least what is held of it and at most what was granted, and is open while it holds something. So each
-- line costs the same however many lots the member has. That the lines follow from one another without a gap, and
-- that the lots together are the balance, is for verify_ledger.
-- Subqueries are one look-up a line whatever the statistics say; a join right after a load is quadratic.
CREATE OR REPLACE FUNCTION rewards_check_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_transaction bigint;
    v_keys_hold boolean;
    v_adds_up boolean;
BEGIN
    -- Only rewards_post says so, of the one line whose values its statements returned; see ADR 10.
    IF current_setting('rewards.line_is_copied', true) = 'yes' THEN
        RETURN NULL;
    END IF;
    SELECT c.transaction_id INTO v_transaction
    FROM (
        SELECT a.tenant_id, a.transaction_id, MIN(a.account_id) AS account_id, MAX(a.account_id) AS other_id,
               SUM(a.points) AS points,
               bool_and(a.points <> 0) AND bool_and(
                   (SELECT CASE WHEN a.seq = b.seq
                           THEN a.balance_after = b.pending + b.available + b.held - b.debt ELSE a.seq < b.seq END
                    FROM rewards_account b WHERE b.tenant_id = a.tenant_id AND b.id = a.account_id) IS TRUE
               ) AND bool_and(a.lot_id IS NULL OR
                   -- Lots that had moved on in parts come back to one row in as many lines: the last one counts.
                   (SELECT l.account_id = a.account_id
                       AND l.remaining BETWEEN l.held AND l.granted AND l.is_open = (l.remaining > 0) AND (
                        l.remaining = a.lot_remaining
                        OR EXISTS (SELECT FROM added x WHERE x.lot_id = a.lot_id AND x.seq > a.seq))
                    FROM rewards_lot l WHERE l.tenant_id = a.tenant_id AND l.id = a.lot_id) IS TRUE
               ) AS is_right
        FROM added a
        GROUP BY a.tenant_id, a.transaction_id
    ) c
    WHERE NOT c.is_right OR c.account_id <> c.other_id OR (
        SELECT t.account_id = c.account_id AND t.points = c.points
               AND (t.points <> 0 OR t.kind IN ('repay', 'merge_out', 'merge_in'))
        FROM rewards_ledgertransaction t WHERE t.tenant_id = c.tenant_id AND t.id = c.transaction_id
    ) IS NOT TRUE
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    SELECT bool_and(t.account_id IS NOT DISTINCT FROM a.account_id AND b.id IS NOT NULL
                    AND (a.lot_id IS NULL OR l.account_id IS NOT DISTINCT FROM a.account_id)),
           SUM(a.points) = MIN(t.points) AND bool_and(a.points <> 0)
           AND bool_and(t.points <> 0 OR t.kind IN ('repay', 'merge_out', 'merge_in'))
    INTO v_keys_hold, v_adds_up
    FROM added a
    LEFT JOIN rewards_ledgertransaction t ON t.tenant_id = a.tenant_id AND t.id = a.transaction_id
    LEFT JOIN rewards_account b ON b.tenant_id = a.tenant_id AND b.id = a.account_id
    LEFT JOIN rewards_lot l ON l.tenant_id = a.tenant_id AND l.id = a.lot_id
    WHERE a.transaction_id = v_transaction;
    IF NOT v_keys_hold THEN
        RAISE EXCEPTION 'The lines of ledger transaction % name rows that are missing or another account''s', v_transaction
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'rewards_entries_keys';
    ELSIF NOT v_adds_up THEN
        RAISE EXCEPTION 'The lines of ledger transaction % do not add up to its points', v_transaction
            USING ERRCODE = 'check_violation', CONSTRAINT = 'rewards_entries_add_up';
    END IF;
    RAISE EXCEPTION 'The lines of ledger transaction % differ from its account or its lots', v_transaction
        USING ERRCODE = 'check_violation', CONSTRAINT = 'rewards_entries_match_rows';
END $$;

CREATE OR REPLACE TRIGGER rewards_entries_add_up AFTER INSERT ON rewards_ledgerentry
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION rewards_check_entries();

-- Holding moves points of a lot without a line. A CHECK between columns would be read from its text at every posting
-- (ADR 12).
CREATE OR REPLACE FUNCTION rewards_check_lot() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.remaining BETWEEN NEW.held AND NEW.granted THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'Lot % would hold less than is held of it, or more than was granted', NEW.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'rewards_lot_within_grant';
END $$;

CREATE OR REPLACE TRIGGER rewards_lot_within_grant AFTER UPDATE OF granted, held ON rewards_lot
    FOR EACH ROW EXECUTE FUNCTION rewards_check_lot();
