-- Points that change hands: transfers between members, and merges of two customers with their way back. Lots
-- arrive with the expiry they had.

-- Moves parts of lots from one account to another, both locked: a posting out, a posting in, one lot in per lot
-- out. `p_debt` moves along. Lots that return to where they came from find their old row again.
CREATE OR REPLACE FUNCTION rewards_move_lots(
    p_tenant bigint, p_from bigint, p_to bigint, p_lots bigint[], p_parts bigint[], p_debt bigint, p_kind_out text,
    p_kind_in text, p_source_type text, p_source_id text, p_at timestamptz, p_actor_kind text, p_actor_label text,
    p_reason text, p_is_return boolean, p_is_move boolean
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_total bigint;
    v_pending bigint;
    v_lines bigint := cardinality(p_lots) + (p_debt > 0)::int;
    v_from rewards_account%ROWTYPE;
    v_to rewards_account%ROWTYPE;
    v_out bigint;
    v_in bigint;
    v_step bigint;
    v_lot rewards_lot%ROWTYPE;
    v_new bigint;
    v_arrived bigint[] := '{}';
    v_left bigint[] := rewards_left_in_lots(p_tenant, p_lots, p_parts);
    v_remaining bigint;
    v_holding bigint[] := '{}';
BEGIN
    SELECT COALESCE(SUM(t.part), 0)::bigint, COALESCE(SUM(t.part) FILTER (WHERE l.is_pending), 0)::bigint
    INTO v_total, v_pending
    FROM unnest(p_lots, p_parts) AS t(lot, part) JOIN rewards_lot l ON l.tenant_id = p_tenant AND l.id = t.lot;

    SELECT * INTO STRICT v_from FROM rewards_account a WHERE a.tenant_id = p_tenant AND a.id = p_from;
    SELECT * INTO STRICT v_to FROM rewards_account a WHERE a.tenant_id = p_tenant AND a.id = p_to;
    UPDATE rewards_account a
    SET available = a.available - v_total + v_pending, pending = a.pending - v_pending, debt = a.debt - p_debt,
        seq = a.seq + v_lines
    WHERE a.tenant_id = p_tenant AND a.id = p_from;
    UPDATE rewards_account a
    SET available = a.available + v_total - v_pending, pending = a.pending + v_pending, debt = a.debt + p_debt,
        seq = a.seq + v_lines
    WHERE a.tenant_id = p_tenant AND a.id = p_to;
    INSERT INTO rewards_ledgertransaction (
        tenant_id, account_id, kind, points, source_type, source_id, actor_kind, actor_label, reason, occurred_at, posted_at
    ) VALUES (
        p_tenant, p_from, p_kind_out, p_debt - v_total, p_source_type, p_source_id || ':out', p_actor_kind, p_actor_label,
        p_reason, p_at, p_at
    ) RETURNING id INTO v_out;
    INSERT INTO rewards_ledgertransaction (
        tenant_id, account_id, kind, points, source_type, source_id, actor_kind, actor_label, reason, occurred_at, posted_at
    ) VALUES (
        p_tenant, p_to, p_kind_in, v_total - p_debt, p_source_type, p_source_id || ':in', p_actor_kind, p_actor_label,
        p_reason, p_at, p_at
    ) RETURNING id INTO v_in;

    FOR v_step IN 1 .. cardinality(p_lots) LOOP
        UPDATE rewards_lot l
        SET remaining = l.remaining - p_parts[v_step], is_open = l.remaining - p_parts[v_step] > 0
        WHERE l.tenant_id = p_tenant AND l.id = p_lots[v_step] RETURNING * INTO v_lot;
        IF p_is_return THEN
            UPDATE rewards_lot l
            SET remaining = l.remaining + p_parts[v_step], is_open = true, is_pending = v_lot.is_pending,
                moved_to_id = NULL
            WHERE l.tenant_id = p_tenant AND l.id = v_lot.moved_from_id RETURNING l.id, l.remaining INTO v_new, v_remaining;
        ELSE
            INSERT INTO rewards_lot (
                tenant_id, account_id, granted, remaining, held, available_from, expires_at, is_pending, activates_at,
                awaits, moved_from_id
            ) VALUES (
                p_tenant, p_to, p_parts[v_step], p_parts[v_step], 0, v_lot.available_from, v_lot.expires_at, v_lot.is_pending,
                v_lot.activates_at, v_lot.awaits, CASE WHEN p_is_move THEN v_lot.id END
            ) RETURNING id, remaining INTO v_new, v_remaining;
            IF p_is_move THEN
                UPDATE rewards_lot l SET moved_to_id = v_new WHERE l.tenant_id = p_tenant AND l.id = v_lot.id;
            END IF;
        END IF;
        v_arrived := v_arrived || v_new;
        v_holding := v_holding || v_remaining;
    END LOOP;
    UPDATE rewards_account a SET next_activation_at = (
        SELECT MIN(l.activates_at) FROM rewards_lot l
        WHERE l.tenant_id = p_tenant AND l.account_id = a.id AND l.is_open AND l.is_pending
    )
    WHERE a.tenant_id = p_tenant AND a.id IN (p_from, p_to) AND v_pending > 0;

    INSERT INTO rewards_ledgerentry (tenant_id, transaction_id, account_id, lot_id, points, seq, balance_after, lot_remaining)
    SELECT p_tenant, v_out, p_from, t.lot, t.points, v_from.seq + t.step,
           v_from.pending + v_from.available + v_from.held - v_from.debt + SUM(t.points) OVER (ORDER BY t.step),
           t.remaining
    FROM (
        SELECT u.lot, -u.part AS points, u.remaining, u.step
        FROM unnest(p_lots, p_parts, v_left) WITH ORDINALITY AS u(lot, part, remaining, step)
        UNION ALL SELECT NULL, p_debt, NULL, v_lines WHERE p_debt > 0
    ) t
    UNION ALL
    SELECT p_tenant, v_in, p_to, t.lot, t.points, v_to.seq + t.step,
           v_to.pending + v_to.available + v_to.held - v_to.debt + SUM(t.points) OVER (ORDER BY t.step), t.remaining
    FROM (
        SELECT u.lot, u.part AS points, u.remaining, u.step
        FROM unnest(v_arrived, p_parts, v_holding) WITH ORDINALITY AS u(lot, part, remaining, step)
        UNION ALL SELECT NULL, -p_debt, NULL, v_lines WHERE p_debt > 0
    ) t;
    RETURN v_out;
END $$;

-- Sends on what a merged account still holds or has got back: everything but its open holds.
CREATE OR REPLACE FUNCTION rewards_forward(
    p_tenant bigint, p_account bigint, p_at timestamptz, p_actor_kind text, p_actor_label text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_account rewards_account%ROWTYPE;
    v_heir bigint;
    v_lots bigint[];
    v_parts bigint[];
BEGIN
    SELECT * INTO STRICT v_account FROM rewards_account a WHERE a.tenant_id = p_tenant AND a.id = p_account;
    IF v_account.moved_to_id IS NULL THEN
        RETURN;
    END IF;
    v_heir := rewards_account_of(p_tenant, v_account.customer_id, v_account.wallet_id);
    PERFORM 1 FROM rewards_account a WHERE a.tenant_id = p_tenant AND a.id = v_heir FOR NO KEY UPDATE;
    SELECT COALESCE(array_agg(l.id ORDER BY l.id), '{}'), COALESCE(array_agg(l.remaining - l.held ORDER BY l.id), '{}')
    INTO v_lots, v_parts
    FROM rewards_lot l
    WHERE l.tenant_id = p_tenant AND l.account_id = p_account AND l.is_open AND l.remaining > l.held;
    IF cardinality(v_lots) + v_account.debt > 0 THEN
        PERFORM rewards_move_lots(
            p_tenant, p_account, v_heir, v_lots, v_parts, v_account.debt, 'merge_out', 'merge_in', 'merge',
            p_account || ':' || v_account.seq, p_at, p_actor_kind, p_actor_label, '', false, true
        );
    END IF;
END $$;

-- Gives all accounts of customer p_from to customer p_to. Returns 'frozen' when one may not move, else 'posted'.
CREATE OR REPLACE FUNCTION rewards_merge(
    p_from bigint, p_to bigint, p_at timestamptz, p_actor_kind text, p_actor_label text
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_account rewards_account%ROWTYPE;
    v_heir bigint;
BEGIN
    INSERT INTO rewards_account (tenant_id, customer_id, wallet_id, available, held, pending, debt, seq)
    SELECT v_tenant, p_to, a.wallet_id, 0, 0, 0, 0, 0 FROM rewards_account a
    WHERE a.tenant_id = v_tenant AND a.customer_id = p_from AND a.moved_to_id IS NULL
    ON CONFLICT (tenant_id, customer_id, wallet_id) DO NOTHING;
    PERFORM 1 FROM rewards_account a
    WHERE a.tenant_id = v_tenant AND a.customer_id IN (p_from, p_to) ORDER BY a.id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT 1 FROM rewards_account a
        WHERE a.tenant_id = v_tenant AND a.customer_id IN (p_from, p_to) AND a.frozen_at IS NOT NULL
    ) THEN
        RETURN 'frozen';
    END IF;
    FOR v_account IN
        SELECT a.* FROM rewards_account a
        WHERE a.tenant_id = v_tenant AND a.customer_id = p_from AND a.moved_to_id IS NULL ORDER BY a.id
    LOOP
        SELECT a.id INTO STRICT v_heir FROM rewards_account a
        WHERE a.tenant_id = v_tenant AND a.customer_id = p_to AND a.wallet_id = v_account.wallet_id;
        UPDATE rewards_account a SET moved_to_id = v_heir WHERE a.tenant_id = v_tenant AND a.id = v_account.id;
        PERFORM rewards_forward(v_tenant, v_account.id, p_at, p_actor_kind, p_actor_label);
    END LOOP;
    RETURN 'posted';
END $$;

-- Takes customer p_from's accounts out of p_to's again: what is left of each moved lot returns to its old row,
-- held parts stay until their hold closes, and so much of the debt as is still owed.
CREATE OR REPLACE FUNCTION rewards_unmerge(
    p_from bigint, p_to bigint, p_at timestamptz, p_actor_kind text, p_actor_label text
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_account rewards_account%ROWTYPE;
    v_heir rewards_account%ROWTYPE;
    v_lots bigint[];
    v_parts bigint[];
    v_debt bigint;
BEGIN
    PERFORM 1 FROM rewards_account a
    WHERE a.tenant_id = v_tenant AND a.customer_id IN (p_from, p_to) ORDER BY a.id FOR NO KEY UPDATE;
    FOR v_account IN
        SELECT a.* FROM rewards_account a
        JOIN rewards_account h ON h.tenant_id = v_tenant AND h.id = a.moved_to_id AND h.customer_id = p_to
        WHERE a.tenant_id = v_tenant AND a.customer_id = p_from ORDER BY a.id
    LOOP
        SELECT * INTO STRICT v_heir FROM rewards_account a WHERE a.tenant_id = v_tenant AND a.id = v_account.moved_to_id;
        IF v_account.frozen_at IS NOT NULL OR v_heir.frozen_at IS NOT NULL THEN
            RETURN 'frozen';
        END IF;
        SELECT COALESCE(array_agg(n.id ORDER BY n.id), '{}'), COALESCE(array_agg(n.remaining - n.held ORDER BY n.id), '{}')
        INTO v_lots, v_parts
        FROM rewards_lot n JOIN rewards_lot o ON o.tenant_id = v_tenant AND o.id = n.moved_from_id
        WHERE n.tenant_id = v_tenant AND n.account_id = v_heir.id AND n.is_open AND n.remaining > n.held
          AND o.account_id = v_account.id;
        SELECT LEAST(v_heir.debt, COALESCE(SUM(e.points), 0))::bigint INTO v_debt
        FROM rewards_ledgerentry e
        JOIN rewards_ledgertransaction t ON t.tenant_id = v_tenant AND t.id = e.transaction_id
        WHERE e.tenant_id = v_tenant AND e.account_id = v_account.id AND e.lot_id IS NULL
          AND t.kind IN ('merge_out', 'merge_in');
        UPDATE rewards_account a SET moved_to_id = NULL WHERE a.tenant_id = v_tenant AND a.id = v_account.id;
        UPDATE rewards_lot l SET moved_to_id = NULL
        WHERE l.tenant_id = v_tenant AND l.account_id = v_account.id AND l.moved_to_id IS NOT NULL;
        IF cardinality(v_lots) + v_debt > 0 THEN
            PERFORM rewards_move_lots(
                v_tenant, v_heir.id, v_account.id, v_lots, v_parts, v_debt, 'merge_out', 'merge_in', 'unmerge',
                v_account.id || ':' || v_account.seq, p_at, p_actor_kind, p_actor_label, '', true, true
            );
        END IF;
    END LOOP;
    RETURN 'posted';
END $$;

-- Gives points of one member to another. The receiver's lots keep the expiry of the lots they come from.
CREATE OR REPLACE FUNCTION rewards_transfer(
    p_from bigint, p_to bigint, p_wallet bigint, p_points bigint, p_source_type text, p_source_id text,
    p_at timestamptz, p_actor_kind text, p_actor_label text, p_reason text
) RETURNS rewards_posting_result LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_from bigint := rewards_account_of(v_tenant, p_from, p_wallet);
    v_to bigint := rewards_account_of(v_tenant, p_to, p_wallet);
    v_is_frozen boolean;
    v_pick record;
    v_result rewards_posting_result;
BEGIN
    IF v_to IS NULL THEN
        INSERT INTO rewards_account (tenant_id, customer_id, wallet_id, available, held, pending, debt, seq)
        VALUES (v_tenant, p_to, p_wallet, 0, 0, 0, 0, 0) ON CONFLICT (tenant_id, customer_id, wallet_id) DO NOTHING;
        v_to := rewards_account_of(v_tenant, p_to, p_wallet);
    END IF;
    PERFORM 1 FROM rewards_account a WHERE a.tenant_id = v_tenant AND a.id IN (v_from, v_to) ORDER BY a.id FOR NO KEY UPDATE;
    PERFORM rewards_activate_due(v_tenant, v_from, p_at);
    SELECT bool_or(a.frozen_at IS NOT NULL) INTO v_is_frozen FROM rewards_account a
    WHERE a.tenant_id = v_tenant AND a.id IN (v_from, v_to);
    v_pick := rewards_pick_lots(v_tenant, v_from, p_points, p_at, NULL);
    IF v_is_frozen OR v_pick.total < p_points OR EXISTS (
        SELECT 1 FROM rewards_ledgertransaction t
        WHERE t.tenant_id = v_tenant AND t.source_type = p_source_type AND t.source_id = p_source_id || ':out'
    ) THEN
        v_result := rewards_refusal(v_tenant, v_from, p_points, p_at, p_source_type, p_source_id || ':out');
        v_result.outcome := CASE WHEN v_is_frozen AND v_result.outcome = 'insufficient' THEN 'frozen' ELSE v_result.outcome END;
        RETURN v_result;
    END IF;
    v_result.transaction_id := rewards_move_lots(
        v_tenant, v_from, v_to, v_pick.lots, v_pick.parts, 0, 'transfer_out', 'transfer_in', p_source_type, p_source_id,
        p_at, p_actor_kind, p_actor_label, p_reason, false, false
    );
    v_result.outcome := 'posted';
    v_result.points := -p_points;
    SELECT a.available INTO v_result.available FROM rewards_account a WHERE a.tenant_id = v_tenant AND a.id = v_from;
    RETURN v_result;
END $$;
