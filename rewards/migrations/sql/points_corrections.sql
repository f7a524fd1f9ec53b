-- Taking back, restoring, cancelling, expiring, activating. Outcomes as in the postings.

-- Takes back up to p_points of what transaction p_earn credited: from its own lot first, pending, active or
-- expired, then from the other active lots in spending order. What is spent already is `missing`, or becomes a
-- debt that the next earn repays (p_policy: only_pending | within_balance | allow_debt). A lot that moved with a
-- merge is found where it is now.
CREATE OR REPLACE FUNCTION rewards_take_back(
    p_earn bigint, p_points bigint, p_kind text, p_reverses bigint, p_source_type text, p_source_id text,
    p_occurred_at timestamptz, p_posted_at timestamptz, p_revision bigint, p_actor_kind text,
    p_actor_label text, p_reason text, p_policy text DEFAULT 'within_balance'
) RETURNS rewards_posting_result LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_account rewards_account%ROWTYPE;
    v_result rewards_posting_result;
    v_pick record;
    v_lot bigint;
    v_next bigint;
    v_is_pending boolean := false;
    v_pending bigint;
    v_debt bigint := 0;
BEGIN
    SELECT rewards_account_of(v_tenant, a.customer_id, a.wallet_id) INTO STRICT v_account.id
    FROM rewards_ledgertransaction t JOIN rewards_account a ON a.tenant_id = v_tenant AND a.id = t.account_id
    WHERE t.tenant_id = v_tenant AND t.id = p_earn;
    SELECT e.lot_id INTO v_lot FROM rewards_ledgerentry e
    WHERE e.tenant_id = v_tenant AND e.transaction_id = p_earn AND e.lot_id IS NOT NULL AND e.points > 0;
    PERFORM rewards_activate_due(v_tenant, v_account.id, p_posted_at);
    SELECT * INTO STRICT v_account FROM rewards_account a
    WHERE a.tenant_id = v_tenant AND a.id = v_account.id FOR NO KEY UPDATE;
    v_next := v_lot;
    WHILE v_next IS NOT NULL LOOP
        SELECT l.id, l.moved_to_id, l.is_pending INTO v_lot, v_next, v_is_pending FROM rewards_lot l
        WHERE l.tenant_id = v_tenant AND l.id = v_next;
    END LOOP;
    v_result.available := v_account.available;
    SELECT 'duplicate', t.id, t.points INTO v_result.outcome, v_result.transaction_id, v_result.points
    FROM rewards_ledgertransaction t
    WHERE t.tenant_id = v_tenant
      AND ((t.source_type = p_source_type AND t.source_id = p_source_id) OR t.reverses_id = p_reverses);
    IF FOUND THEN
        v_result.missing := GREATEST(p_points + v_result.points, 0);
        RETURN v_result;
    END IF;
    v_pick := rewards_pick_lots(v_tenant, v_account.id, p_points, p_posted_at, v_lot);
    v_pending := CASE WHEN v_is_pending AND v_pick.lots[1] = v_lot THEN v_pick.parts[1] ELSE 0 END;
    IF p_policy = 'only_pending' THEN
        SELECT v_pick.lots[1:(v_pending > 0)::int] AS lots, v_pick.parts[1:(v_pending > 0)::int] AS parts, v_pending AS total
        INTO v_pick;
    ELSIF p_policy = 'allow_debt' THEN
        v_debt := p_points - v_pick.total;
    END IF;
    v_result.points := -v_pick.total - v_debt;
    v_result.missing := p_points - v_pick.total - v_debt;
    v_result.outcome := CASE WHEN v_account.frozen_at IS NOT NULL THEN 'frozen'
                             WHEN v_result.points = 0 THEN 'nothing' ELSE 'posted' END;
    IF v_result.outcome <> 'posted' THEN
        RETURN v_result;
    END IF;

    UPDATE rewards_account a
    SET available = a.available - v_pick.total + v_pending, pending = a.pending - v_pending, debt = a.debt + v_debt,
        seq = a.seq + cardinality(v_pick.lots) + (v_debt > 0)::int
    WHERE a.tenant_id = v_tenant AND a.id = v_account.id
    RETURNING a.available INTO v_result.available;
    INSERT INTO rewards_ledgertransaction (
        tenant_id, account_id, kind, points, source_type, source_id, reverses_id, revision_id, actor_kind,
        actor_label, reason, occurred_at, posted_at
    ) VALUES (
        v_tenant, v_account.id, p_kind, v_result.points, p_source_type, p_source_id, p_reverses, p_revision,
        p_actor_kind, p_actor_label, p_reason, p_occurred_at, p_posted_at
    ) RETURNING id INTO v_result.transaction_id;
    PERFORM rewards_debit_lots(
        v_tenant, v_account.id, v_result.transaction_id, v_account.seq,
        v_account.pending + v_account.available + v_account.held - v_account.debt, v_pick.lots, v_pick.parts, false, v_debt
    );
    RETURN v_result;
END $$;

-- Takes back for many returns in one round trip, in the order given.
CREATE OR REPLACE FUNCTION rewards_take_back_batch(
    p_earns bigint[], p_points bigint[], p_source_type text, p_source_ids text[], p_occurred timestamptz[],
    p_posted_at timestamptz, p_revision bigint, p_actor_kind text, p_actor_label text, p_policies text[]
) RETURNS TABLE (source_id text, outcome text, points bigint) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_step bigint;
    v_result rewards_posting_result;
BEGIN
    PERFORM 1 FROM rewards_account a
    WHERE a.tenant_id = v_tenant AND a.id IN (
        SELECT t.account_id FROM rewards_ledgertransaction t WHERE t.tenant_id = v_tenant AND t.id = ANY (p_earns)
    )
    ORDER BY a.id FOR NO KEY UPDATE;
    FOR v_step IN 1 .. cardinality(p_earns) LOOP
        v_result := rewards_take_back(
            p_earns[v_step], p_points[v_step], 'return', NULL, p_source_type, p_source_ids[v_step],
            p_occurred[v_step], p_posted_at, p_revision, p_actor_kind, p_actor_label, '', p_policies[v_step]
        );
        source_id := p_source_ids[v_step];
        outcome := v_result.outcome;
        points := v_result.points;
        RETURN NEXT;
    END LOOP;
END $$;

-- Undoes a debit: the same lots get their points back and keep their expiry. Where that has passed they may be
-- used until p_grace_until, if one is given.
CREATE OR REPLACE FUNCTION rewards_restore(
    p_debit bigint, p_source_type text, p_source_id text, p_occurred_at timestamptz, p_posted_at timestamptz,
    p_actor_kind text, p_actor_label text, p_reason text, p_grace_until timestamptz DEFAULT NULL
) RETURNS rewards_posting_result LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_debit rewards_ledgertransaction%ROWTYPE;
    v_account rewards_account%ROWTYPE;
    v_result rewards_posting_result;
    v_lots bigint[];
    v_parts bigint[];
    v_taken bigint[];
    v_left bigint[];
BEGIN
    SELECT * INTO STRICT v_debit FROM rewards_ledgertransaction t WHERE t.tenant_id = v_tenant AND t.id = p_debit;
    SELECT array_agg(e.lot_id ORDER BY e.seq), array_agg(-e.points ORDER BY e.seq), array_agg(e.points ORDER BY e.seq)
    INTO v_lots, v_parts, v_taken
    FROM rewards_ledgerentry e
    WHERE e.tenant_id = v_tenant AND e.transaction_id = p_debit AND e.lot_id IS NOT NULL;
    SELECT a.* INTO STRICT v_account FROM rewards_account a
    WHERE a.tenant_id = v_tenant AND a.id = v_debit.account_id FOR NO KEY UPDATE;
    v_result.available := v_account.available;
    SELECT 'duplicate', t.id, t.points INTO v_result.outcome, v_result.transaction_id, v_result.points
    FROM rewards_ledgertransaction t
    WHERE t.tenant_id = v_tenant
      AND (t.reverses_id = p_debit OR (t.source_type = p_source_type AND t.source_id = p_source_id));
    IF FOUND THEN
        RETURN v_result;
    END IF;
    IF v_account.frozen_at IS NOT NULL THEN
        v_result.outcome := 'frozen';
        RETURN v_result;
    END IF;

    UPDATE rewards_account a
    SET available = a.available - v_debit.points, seq = a.seq + cardinality(v_lots)
    WHERE a.tenant_id = v_tenant AND a.id = v_account.id;
    INSERT INTO rewards_ledgertransaction (
        tenant_id, account_id, kind, points, source_type, source_id, reverses_id, actor_kind, actor_label,
        reason, occurred_at, posted_at
    ) VALUES (
        v_tenant, v_account.id, 'reversal', -v_debit.points, p_source_type, p_source_id, p_debit, p_actor_kind,
        p_actor_label, p_reason, p_occurred_at, p_posted_at
    ) RETURNING id INTO v_result.transaction_id;
    v_left := rewards_left_in_lots(v_tenant, v_lots, v_taken);
    UPDATE rewards_lot l
    SET remaining = l.remaining + t.part, is_open = true,
        expires_at = CASE WHEN l.expires_at <= p_posted_at THEN GREATEST(l.expires_at, p_grace_until) ELSE l.expires_at END
    FROM unnest(v_lots, v_parts) AS t(lot, part)
    WHERE l.tenant_id = v_tenant AND l.id = t.lot;
    INSERT INTO rewards_ledgerentry (tenant_id, transaction_id, account_id, lot_id, points, seq, balance_after, lot_remaining)
    SELECT v_tenant, v_result.transaction_id, v_account.id, t.lot, t.part, v_account.seq + t.step,
           v_account.pending + v_account.available + v_account.held - v_account.debt + SUM(t.part) OVER (ORDER BY t.step),
           t.remaining
    FROM unnest(v_lots, v_parts, v_left) WITH ORDINALITY AS t(lot, part, remaining, step);
    v_result.outcome := 'posted';
    v_result.points := -v_debit.points;
    v_result.available := v_account.available - v_debit.points;
    PERFORM rewards_forward(v_tenant, v_account.id, p_posted_at, p_actor_kind, p_actor_label);
    RETURN v_result;
END $$;

-- Expires due lots of at most p_limit accounts, one transaction per account and expiry instant. Points that were
-- still pending expire too.
CREATE OR REPLACE FUNCTION rewards_expire(
    p_at timestamptz, p_limit integer, OUT accounts bigint, OUT transactions bigint, OUT points bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_accounts bigint[];
BEGIN
    SELECT COALESCE(array_agg(due.account_id), '{}') INTO v_accounts FROM (
        SELECT DISTINCT l.account_id FROM rewards_lot l
        JOIN rewards_account a ON a.tenant_id = v_tenant AND a.id = l.account_id AND a.frozen_at IS NULL
        WHERE l.tenant_id = v_tenant AND l.is_open AND l.expires_at <= p_at AND l.remaining > l.held
        ORDER BY l.account_id LIMIT p_limit
    ) due;
    accounts := cardinality(v_accounts);
    PERFORM 1 FROM rewards_account a
    WHERE a.tenant_id = v_tenant AND a.id = ANY (v_accounts) ORDER BY a.id FOR NO KEY UPDATE;

    WITH due AS MATERIALIZED (
        SELECT l.id AS lot_id, l.account_id, l.expires_at, l.is_pending, l.held, l.remaining - l.held AS part,
               row_number() OVER account AS place, SUM(l.remaining - l.held) OVER account AS running
        FROM rewards_lot l
        WHERE l.tenant_id = v_tenant AND l.account_id = ANY (v_accounts) AND l.is_open
          AND l.expires_at <= p_at AND l.remaining > l.held
        WINDOW account AS (
            PARTITION BY l.account_id ORDER BY l.expires_at, l.available_from, l.id ROWS UNBOUNDED PRECEDING
        )
    ), debited AS (
        UPDATE rewards_account a
        SET available = a.available - d.active, pending = a.pending - d.pending, seq = a.seq + d.places
        FROM (
            SELECT account_id, COUNT(*) AS places, COALESCE(SUM(part) FILTER (WHERE is_pending), 0)::bigint AS pending,
                   COALESCE(SUM(part) FILTER (WHERE NOT is_pending), 0)::bigint AS active
            FROM due GROUP BY account_id
        ) d
        WHERE a.tenant_id = v_tenant AND a.id = d.account_id
        RETURNING a.id, a.seq - d.places AS seq,
                  a.pending + a.available + a.held - a.debt + d.pending + d.active AS balance
    ), posted AS (
        INSERT INTO rewards_ledgertransaction (
            tenant_id, account_id, kind, points, source_type, source_id, actor_kind, actor_label, reason,
            occurred_at, posted_at
        )
        -- A restored lot can expire again, hence the account's running number in the source.
        SELECT v_tenant, d.account_id, 'expire', -SUM(d.part), 'expiry', d.account_id || ':' || b.seq + MIN(d.place),
               'system', 'system', '', d.expires_at, p_at
        FROM due d JOIN debited b ON b.id = d.account_id
        GROUP BY d.account_id, d.expires_at, b.seq
        RETURNING id, account_id, occurred_at, rewards_ledgertransaction.points
    ), emptied AS (
        UPDATE rewards_lot l SET remaining = l.held, is_open = l.held > 0 FROM due d
        WHERE l.tenant_id = v_tenant AND l.id = d.lot_id
    ), entries AS (
        INSERT INTO rewards_ledgerentry (
            tenant_id, transaction_id, account_id, lot_id, points, seq, balance_after, lot_remaining
        )
        SELECT v_tenant, p.id, d.account_id, d.lot_id, -d.part, b.seq + d.place, b.balance - d.running, d.held
        FROM due d JOIN debited b ON b.id = d.account_id
        JOIN posted p ON p.account_id = d.account_id AND p.occurred_at = d.expires_at
    )
    SELECT COUNT(*), COALESCE(-SUM(p.points), 0) INTO transactions, points FROM posted p;
END $$;

-- Activates the lots whose date has come, of at most p_limit accounts; returns how many accounts.
CREATE OR REPLACE FUNCTION rewards_activate(p_at timestamptz, p_limit integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_account bigint;
    v_count bigint := 0;
BEGIN
    FOR v_account IN
        SELECT d.id FROM (
            SELECT a.id FROM rewards_account a
            WHERE a.tenant_id = v_tenant AND a.next_activation_at <= p_at AND a.frozen_at IS NULL
            ORDER BY a.next_activation_at LIMIT p_limit
        ) d ORDER BY d.id
    LOOP
        v_count := v_count + rewards_activate_due(v_tenant, v_account, p_at)::int;
    END LOOP;
    RETURN v_count;
END $$;

-- Activates pending lots ahead of their date or because what they waited for has happened. Returns the points.
CREATE OR REPLACE FUNCTION rewards_release(p_lots bigint[], p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_account bigint;
    v_points bigint := 0;
BEGIN
    FOR v_account IN
        SELECT a.id FROM rewards_account a
        WHERE a.tenant_id = v_tenant AND a.frozen_at IS NULL AND a.id IN (
            SELECT l.account_id FROM rewards_lot l WHERE l.tenant_id = v_tenant AND l.id = ANY (p_lots)
        )
        ORDER BY a.id FOR NO KEY UPDATE
    LOOP
        v_points := v_points + rewards_activate_lots(v_tenant, v_account, p_lots, p_at);
    END LOOP;
    RETURN v_points;
END $$;

-- Cancels what is left of a pending lot; `nothing` when it is not pending any more.
CREATE OR REPLACE FUNCTION rewards_cancel_pending(
    p_lot bigint, p_source_type text, p_source_id text, p_at timestamptz, p_actor_kind text, p_actor_label text,
    p_reason text
) RETURNS rewards_posting_result LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_account rewards_account%ROWTYPE;
    v_points bigint;
    v_result rewards_posting_result;
BEGIN
    SELECT a.* INTO STRICT v_account FROM rewards_account a
    JOIN rewards_lot l ON l.tenant_id = v_tenant AND l.id = p_lot
    WHERE a.tenant_id = v_tenant AND a.id = l.account_id FOR NO KEY UPDATE OF a;
    v_result.available := v_account.available;
    SELECT 'duplicate', t.id, t.points INTO v_result.outcome, v_result.transaction_id, v_result.points
    FROM rewards_ledgertransaction t
    WHERE t.tenant_id = v_tenant AND t.source_type = p_source_type AND t.source_id = p_source_id;
    IF FOUND THEN
        RETURN v_result;
    END IF;
    SELECT l.remaining INTO v_points FROM rewards_lot l
    WHERE l.tenant_id = v_tenant AND l.id = p_lot AND l.is_open AND l.is_pending;
    v_result.outcome := CASE WHEN v_account.frozen_at IS NOT NULL THEN 'frozen'
                             WHEN v_points IS NULL THEN 'nothing' ELSE 'posted' END;
    IF v_result.outcome <> 'posted' THEN
        RETURN v_result;
    END IF;
    UPDATE rewards_account a SET pending = a.pending - v_points, seq = a.seq + 1
    WHERE a.tenant_id = v_tenant AND a.id = v_account.id;
    INSERT INTO rewards_ledgertransaction (
        tenant_id, account_id, kind, points, source_type, source_id, actor_kind, actor_label, reason, occurred_at, posted_at
    ) VALUES (
        v_tenant, v_account.id, 'cancel', -v_points, p_source_type, p_source_id, p_actor_kind, p_actor_label, p_reason,
        p_at, p_at
    ) RETURNING id INTO v_result.transaction_id;
    PERFORM rewards_debit_lots(
        v_tenant, v_account.id, v_result.transaction_id, v_account.seq,
        v_account.pending + v_account.available + v_account.held - v_account.debt, ARRAY[p_lot], ARRAY[v_points]
    );
    v_result.points := -v_points;
    RETURN v_result;
END $$;

-- Inactivity: the open lots of these customers last at least until the given moments.
CREATE OR REPLACE FUNCTION rewards_extend(p_wallet bigint, p_customers bigint[], p_until timestamptz[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_count bigint;
BEGIN
    PERFORM 1 FROM rewards_account a
    WHERE a.tenant_id = v_tenant AND a.wallet_id = p_wallet AND a.customer_id = ANY (p_customers)
    ORDER BY a.id FOR NO KEY UPDATE;
    WITH newest AS (
        SELECT a.id, MAX(t.until) AS until FROM unnest(p_customers, p_until) AS t(customer_id, until)
        JOIN rewards_account a ON a.tenant_id = v_tenant AND a.customer_id = t.customer_id AND a.wallet_id = p_wallet
        GROUP BY a.id
    ), extended AS (
        UPDATE rewards_lot l SET expires_at = n.until FROM newest n
        WHERE l.tenant_id = v_tenant AND l.account_id = n.id AND l.is_open AND l.expires_at < n.until RETURNING 1
    )
    SELECT COUNT(*) INTO v_count FROM extended;
    RETURN v_count;
END $$;
