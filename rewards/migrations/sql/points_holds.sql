-- Holds: points set aside lot by lot. An open hold keeps its lots' points out of spending and out of expiry.

CREATE OR REPLACE FUNCTION rewards_open_hold(
    p_public_id uuid, p_customer bigint, p_wallet bigint, p_points bigint, p_source_type text,
    p_source_id text, p_at timestamptz, p_expires_at timestamptz,
    OUT outcome text, OUT hold_id bigint, OUT missing bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_account bigint := rewards_account_of(v_tenant, p_customer, p_wallet);
    v_pick record;
BEGIN
    PERFORM rewards_activate_due(v_tenant, v_account, p_at);
    UPDATE rewards_account a SET available = a.available - p_points, held = a.held + p_points
    WHERE a.tenant_id = v_tenant AND a.id = v_account AND a.available >= p_points AND a.frozen_at IS NULL;
    IF FOUND THEN
        v_pick := rewards_pick_lots(v_tenant, v_account, p_points, p_at, NULL);
        IF v_pick.total = p_points THEN
            INSERT INTO rewards_hold (
                tenant_id, public_id, account_id, points, state, source_type, source_id, opened_at, expires_at
            ) VALUES (
                v_tenant, p_public_id, v_account, p_points, 'open', p_source_type, p_source_id, p_at, p_expires_at
            ) ON CONFLICT (tenant_id, source_type, source_id) DO NOTHING RETURNING id INTO hold_id;
        END IF;
        IF hold_id IS NULL THEN
            UPDATE rewards_account a SET available = a.available + p_points, held = a.held - p_points
            WHERE a.tenant_id = v_tenant AND a.id = v_account;
        ELSE
            UPDATE rewards_lot l SET held = l.held + t.part
            FROM unnest(v_pick.lots, v_pick.parts) AS t(lot, part)
            WHERE l.tenant_id = v_tenant AND l.id = t.lot;
            INSERT INTO rewards_holdline (tenant_id, hold_id, lot_id, points)
            SELECT v_tenant, hold_id, t.lot, t.part FROM unnest(v_pick.lots, v_pick.parts) AS t(lot, part);
            outcome := 'posted';
            RETURN;
        END IF;
    END IF;

    SELECT 'duplicate', h.id INTO outcome, hold_id FROM rewards_hold h
    WHERE h.tenant_id = v_tenant AND h.source_type = p_source_type AND h.source_id = p_source_id;
    IF outcome IS NULL THEN
        SELECT CASE WHEN a.frozen_at IS NULL THEN 'insufficient' ELSE 'frozen' END INTO outcome
        FROM rewards_account a WHERE a.tenant_id = v_tenant AND a.id = v_account;
        outcome := COALESCE(outcome, 'insufficient');
        missing := GREATEST(p_points - rewards_usable(v_tenant, v_account, p_at), 0);
    END IF;
END $$;

-- Spends the held points, also of lots that expired meanwhile. The outcome is 'closed' when the hold is not
-- open any more, or its time is over by p_at; `transaction_id` is then that of the capture, if it was one.
CREATE OR REPLACE FUNCTION rewards_capture_hold(
    p_hold bigint, p_kind text, p_source_type text, p_source_id text, p_at timestamptz, p_actor_kind text,
    p_actor_label text, p_reason text
) RETURNS rewards_posting_result LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_hold rewards_hold%ROWTYPE;
    v_account rewards_account%ROWTYPE;
    v_lots bigint[];
    v_parts bigint[];
    v_result rewards_posting_result;
BEGIN
    SELECT a.* INTO STRICT v_account FROM rewards_account a
    JOIN rewards_hold h ON h.tenant_id = v_tenant AND h.id = p_hold
    WHERE a.tenant_id = v_tenant AND a.id = h.account_id FOR NO KEY UPDATE OF a;
    SELECT * INTO STRICT v_hold FROM rewards_hold h WHERE h.tenant_id = v_tenant AND h.id = p_hold FOR NO KEY UPDATE;
    v_result.available := v_account.available;
    IF v_hold.state <> 'open' OR v_hold.expires_at <= p_at OR v_account.frozen_at IS NOT NULL THEN
        v_result.outcome := CASE WHEN v_hold.state <> 'open' OR v_hold.expires_at <= p_at THEN 'closed' ELSE 'frozen' END;
        v_result.transaction_id := v_hold.transaction_id;
        RETURN v_result;
    END IF;
    SELECT array_agg(l.lot_id ORDER BY l.id), array_agg(l.points ORDER BY l.id) INTO v_lots, v_parts
    FROM rewards_holdline l WHERE l.tenant_id = v_tenant AND l.hold_id = p_hold;

    UPDATE rewards_account a SET held = a.held - v_hold.points, seq = a.seq + cardinality(v_lots)
    WHERE a.tenant_id = v_tenant AND a.id = v_account.id;
    INSERT INTO rewards_ledgertransaction (
        tenant_id, account_id, kind, points, source_type, source_id, actor_kind, actor_label, reason,
        occurred_at, posted_at
    ) VALUES (
        v_tenant, v_account.id, p_kind, -v_hold.points, p_source_type, p_source_id, p_actor_kind, p_actor_label,
        p_reason, p_at, p_at
    ) RETURNING id INTO v_result.transaction_id;
    UPDATE rewards_hold h SET state = 'captured', closed_at = p_at, transaction_id = v_result.transaction_id
    WHERE h.tenant_id = v_tenant AND h.id = p_hold;
    PERFORM rewards_debit_lots(
        v_tenant, v_account.id, v_result.transaction_id, v_account.seq,
        v_account.pending + v_account.available + v_account.held - v_account.debt, v_lots, v_parts, true
    );
    v_result.outcome := 'posted';
    v_result.points := -v_hold.points;
    RETURN v_result;
END $$;

-- Gives the held points back to their lots; false when the hold was closed already.
CREATE OR REPLACE FUNCTION rewards_close_hold(p_hold bigint, p_state text, p_at timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_points bigint;
    v_account bigint;
BEGIN
    SELECT a.id INTO STRICT v_account FROM rewards_account a
    JOIN rewards_hold h ON h.tenant_id = v_tenant AND h.id = p_hold
    WHERE a.tenant_id = v_tenant AND a.id = h.account_id FOR NO KEY UPDATE OF a;
    UPDATE rewards_hold h SET state = p_state, closed_at = p_at
    WHERE h.tenant_id = v_tenant AND h.id = p_hold AND h.state = 'open' RETURNING h.points INTO v_points;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE rewards_account a SET available = a.available + v_points, held = a.held - v_points
    WHERE a.tenant_id = v_tenant AND a.id = v_account;
    UPDATE rewards_lot l SET held = l.held - h.points
    FROM rewards_holdline h
    WHERE h.tenant_id = v_tenant AND h.hold_id = p_hold AND l.tenant_id = v_tenant AND l.id = h.lot_id;
    PERFORM rewards_forward(v_tenant, v_account, p_at, 'system', 'system');
    RETURN true;
END $$;
