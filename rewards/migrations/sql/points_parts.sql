-- The parts the posting functions are made of. They run with their caller's rights, so the application cannot
-- use them by themselves. The account is locked by whoever calls them.

CREATE OR REPLACE FUNCTION rewards_active_tenant() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_tenant bigint := NULLIF(current_setting('app.tenant_id', true), '')::bigint;
BEGIN
    IF v_tenant IS NULL THEN
        RAISE EXCEPTION 'No tenant scope is open' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN v_tenant;
END $$;

-- Free points of an account that can be spent at p_at, including lots whose date has come without a sweep.
CREATE OR REPLACE FUNCTION rewards_usable(p_tenant bigint, p_account bigint, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT COALESCE(SUM(remaining - held), 0)::bigint FROM rewards_lot
        WHERE tenant_id = p_tenant AND account_id = p_account AND is_open
          AND (NOT is_pending OR activates_at <= p_at) AND (expires_at IS NULL OR expires_at > p_at)
    );
END $$;

-- Lots that give p_wanted points: p_first_lot (expired or pending too), then the active ones in spending order.
-- The index is in that order: only lots that are needed are read, however many there are.
CREATE OR REPLACE FUNCTION rewards_pick_lots(
    p_tenant bigint, p_account bigint, p_wanted bigint, p_at timestamptz, p_first_lot bigint,
    OUT lots bigint[], OUT parts bigint[], OUT total bigint
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_lot record;
    v_part bigint;
BEGIN
    lots := '{}';
    parts := '{}';
    total := 0;
    IF p_first_lot IS NOT NULL AND p_wanted > 0 THEN
        SELECT LEAST(remaining - held, p_wanted) INTO v_part FROM rewards_lot
        WHERE tenant_id = p_tenant AND id = p_first_lot AND account_id = p_account AND remaining > held;
        IF FOUND THEN
            lots := ARRAY[p_first_lot];
            parts := ARRAY[v_part];
            total := v_part;
        END IF;
    END IF;
    FOR v_lot IN
        SELECT id, remaining - held AS free FROM rewards_lot
        WHERE tenant_id = p_tenant AND account_id = p_account AND is_open AND remaining > held AND NOT is_pending
          AND (expires_at IS NULL OR expires_at > p_at) AND id IS DISTINCT FROM p_first_lot
        ORDER BY expires_at, available_from, id
    LOOP
        EXIT WHEN total >= p_wanted;
        v_part := LEAST(v_lot.free, p_wanted - total);
        lots := lots || v_lot.id;
        parts := parts || v_part;
        total := total + v_part;
    END LOOP;
END $$;

-- What each lot holds once p_parts are taken out of it; read before they are, so that the lines say it
-- independently of the change.
CREATE OR REPLACE FUNCTION rewards_left_in_lots(p_tenant bigint, p_lots bigint[], p_parts bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT l.remaining - t.part FROM unnest(p_lots, p_parts) WITH ORDINALITY AS t(lot, part, step)
        JOIN rewards_lot l ON l.tenant_id = p_tenant AND l.id = t.lot
        ORDER BY t.step
    );
END $$;

-- Takes points out of lots and writes one line per lot and one for what becomes debt. The account has been
-- changed already; p_seq and p_balance are its values before.
CREATE OR REPLACE FUNCTION rewards_debit_lots(
    p_tenant bigint, p_account bigint, p_transaction bigint, p_seq bigint, p_balance bigint,
    p_lots bigint[], p_parts bigint[], p_from_held boolean DEFAULT false, p_debt bigint DEFAULT 0
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_left bigint[] := rewards_left_in_lots(p_tenant, p_lots, p_parts);
BEGIN
    UPDATE rewards_lot l
    SET remaining = l.remaining - t.part, is_open = l.remaining - t.part > 0,
        held = CASE WHEN p_from_held THEN l.held - t.part ELSE l.held END
    FROM unnest(p_lots, p_parts) AS t(lot, part)
    WHERE l.tenant_id = p_tenant AND l.id = t.lot;

    INSERT INTO rewards_ledgerentry (tenant_id, transaction_id, account_id, lot_id, points, seq, balance_after, lot_remaining)
    SELECT p_tenant, p_transaction, p_account, t.lot, -t.part, p_seq + t.step,
           p_balance - SUM(t.part) OVER (ORDER BY t.step), t.remaining
    FROM (
        SELECT u.lot, u.part, u.remaining, u.step
        FROM unnest(p_lots, p_parts, v_left) WITH ORDINALITY AS u(lot, part, remaining, step)
        UNION ALL
        SELECT NULL, p_debt, NULL, cardinality(p_lots) + 1 WHERE p_debt > 0
    ) t;
END $$;

-- What a posting that did not happen answers: its twin, a frozen account or the points that are missing.
CREATE OR REPLACE FUNCTION rewards_refusal(
    p_tenant bigint, p_account bigint, p_wanted bigint, p_at timestamptz, p_source_type text, p_source_id text
) RETURNS rewards_posting_result LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_result rewards_posting_result;
    v_frozen timestamptz;
BEGIN
    SELECT a.frozen_at, a.available INTO v_frozen, v_result.available FROM rewards_account a
    WHERE a.tenant_id = p_tenant AND a.id = p_account;
    SELECT 'duplicate', t.id, t.points INTO v_result.outcome, v_result.transaction_id, v_result.points
    FROM rewards_ledgertransaction t
    WHERE t.tenant_id = p_tenant AND t.source_type = p_source_type AND t.source_id = p_source_id;
    IF v_result.outcome IS NULL THEN
        v_result.outcome := CASE WHEN v_frozen IS NULL THEN 'insufficient' ELSE 'frozen' END;
        v_result.missing := GREATEST(p_wanted - rewards_usable(p_tenant, p_account, p_at), 0);
    END IF;
    RETURN v_result;
END $$;

-- Makes pending lots of one account spendable and repays its debt from them first.
CREATE OR REPLACE FUNCTION rewards_activate_lots(p_tenant bigint, p_account bigint, p_lots bigint[], p_at timestamptz)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_account rewards_account%ROWTYPE;
    v_total bigint;
    v_pick record;
    v_transaction bigint;
    v_lines bigint;
    v_left bigint[];
BEGIN
    WITH activated AS (
        UPDATE rewards_lot l SET is_pending = false, available_from = LEAST(COALESCE(l.activates_at, p_at), p_at)
        WHERE l.tenant_id = p_tenant AND l.account_id = p_account AND l.id = ANY (p_lots) AND l.is_open AND l.is_pending
        RETURNING l.remaining
    )
    SELECT COALESCE(SUM(remaining), 0)::bigint INTO v_total FROM activated;
    UPDATE rewards_account a
    SET pending = a.pending - v_total, available = a.available + v_total, next_activation_at = (
        SELECT MIN(l.activates_at) FROM rewards_lot l
        WHERE l.tenant_id = p_tenant AND l.account_id = p_account AND l.is_open AND l.is_pending
    )
    WHERE a.tenant_id = p_tenant AND a.id = p_account
    RETURNING * INTO v_account;
    IF v_account.debt = 0 OR v_total = 0 THEN
        RETURN v_total;
    END IF;
    v_pick := rewards_pick_lots(p_tenant, p_account, LEAST(v_account.debt, v_total), p_at, NULL);
    IF v_pick.total = 0 THEN
        RETURN v_total;
    END IF;

    v_lines := cardinality(v_pick.lots) + 1;
    UPDATE rewards_account a
    SET available = a.available - v_pick.total, debt = a.debt - v_pick.total, seq = a.seq + v_lines
    WHERE a.tenant_id = p_tenant AND a.id = p_account;
    INSERT INTO rewards_ledgertransaction (
        tenant_id, account_id, kind, points, source_type, source_id, actor_kind, actor_label, reason, occurred_at, posted_at
    ) VALUES (
        p_tenant, p_account, 'repay', 0, 'repay', p_account || ':' || v_account.seq, 'system', 'system', '', p_at, p_at
    ) RETURNING id INTO v_transaction;
    v_left := rewards_left_in_lots(p_tenant, v_pick.lots, v_pick.parts);
    UPDATE rewards_lot l SET remaining = l.remaining - t.part, is_open = l.remaining - t.part > 0
    FROM unnest(v_pick.lots, v_pick.parts) AS t(lot, part)
    WHERE l.tenant_id = p_tenant AND l.id = t.lot;
    -- The customer's lots pay the customer's debt: the lines sum to nothing.
    INSERT INTO rewards_ledgerentry (tenant_id, transaction_id, account_id, lot_id, points, seq, balance_after, lot_remaining)
    SELECT p_tenant, v_transaction, p_account, t.lot, -t.part, v_account.seq + t.step,
           v_account.pending + v_account.available + v_account.held - v_account.debt - SUM(t.part) OVER (ORDER BY t.step),
           t.remaining
    FROM unnest(v_pick.lots, v_pick.parts, v_left) WITH ORDINALITY AS t(lot, part, remaining, step)
    UNION ALL
    SELECT p_tenant, v_transaction, p_account, NULL, v_pick.total, v_account.seq + v_lines,
           v_account.pending + v_account.available + v_account.held - v_account.debt, NULL;
    RETURN v_total;
END $$;

-- Activates the lots whose date has come, swept or not; false when the account has none to wait for.
CREATE OR REPLACE FUNCTION rewards_activate_due(p_tenant bigint, p_account bigint, p_at timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM rewards_account a
    WHERE a.tenant_id = p_tenant AND a.id = p_account AND a.next_activation_at <= p_at AND a.frozen_at IS NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM rewards_activate_lots(p_tenant, p_account, ARRAY(
        SELECT l.id FROM rewards_lot l
        WHERE l.tenant_id = p_tenant AND l.account_id = p_account AND l.is_open AND l.is_pending AND l.activates_at <= p_at
    ), p_at);
    RETURN true;
END $$;

-- The account that now holds what this customer's account held: its own, or the one it was merged into.
CREATE OR REPLACE FUNCTION rewards_account_of(p_tenant bigint, p_customer bigint, p_wallet bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_account bigint;
    v_next bigint;
BEGIN
    SELECT a.id, a.moved_to_id INTO v_account, v_next FROM rewards_account a
    WHERE a.tenant_id = p_tenant AND a.customer_id = p_customer AND a.wallet_id = p_wallet;
    WHILE v_next IS NOT NULL LOOP
        SELECT a.id, a.moved_to_id INTO v_account, v_next FROM rewards_account a
        WHERE a.tenant_id = p_tenant AND a.id = v_next;
    END LOOP;
    RETURN v_account;
END $$;
