-- Taking back, restoring and expiring. Outcomes as in the postings.

-- Takes back up to p_points of what transaction p_earn credited: from its own lot first, expired or not, then
-- from the other lots in spending order. What is already spent cannot be taken: `missing`.
CREATE FUNCTION rewards_take_back(
    p_earn bigint, p_points bigint, p_kind text, p_reverses bigint, p_source_type text, p_source_id text,
    p_occurred_at timestamptz, p_posted_at timestamptz, p_revision bigint, p_actor_kind text,
    p_actor_label text, p_reason text
) RETURNS rewards_posting_result LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_account rewards_account%ROWTYPE;
    v_result rewards_posting_result;
    v_pick record;
    v_lot bigint;
BEGIN
    SELECT e.lot_id INTO STRICT v_lot FROM rewards_ledgerentry e
    WHERE e.tenant_id = v_tenant AND e.transaction_id = p_earn AND e.account_id IS NOT NULL AND e.points > 0;
    SELECT a.* INTO STRICT v_account FROM rewards_account a
    JOIN rewards_ledgertransaction t ON t.tenant_id = v_tenant AND t.id = p_earn
    WHERE a.tenant_id = v_tenant AND a.id = t.account_id FOR NO KEY UPDATE OF a;
    v_result.available := v_account.available;
    SELECT 'duplicate', t.id, t.points INTO v_result.outcome, v_result.transaction_id, v_result.points
    FROM rewards_ledgertransaction t
    WHERE t.tenant_id = v_tenant
      AND ((t.source_type = p_source_type AND t.source_id = p_source_id) OR t.reverses_id = p_reverses);
    IF FOUND THEN
        RETURN v_result;
    END IF;
    v_pick := rewards_pick_lots(v_tenant, v_account.id, p_points, p_posted_at, v_lot);
    v_result.points := -v_pick.total;
    v_result.missing := p_points - v_pick.total;
    v_result.outcome := CASE WHEN v_account.frozen_at IS NOT NULL THEN 'frozen'
                             WHEN v_pick.total = 0 THEN 'nothing' ELSE 'posted' END;
    IF v_result.outcome <> 'posted' THEN
        RETURN v_result;
    END IF;

    UPDATE rewards_account a
    SET available = a.available - v_pick.total, seq = a.seq + cardinality(v_pick.lots)
    WHERE a.tenant_id = v_tenant AND a.id = v_account.id;
    INSERT INTO rewards_ledgertransaction (
        tenant_id, account_id, kind, points, source_type, source_id, reverses_id, revision_id, actor_kind,
        actor_label, reason, occurred_at, posted_at
    ) VALUES (
        v_tenant, v_account.id, p_kind, -v_pick.total, p_source_type, p_source_id, p_reverses, p_revision,
        p_actor_kind, p_actor_label, p_reason, p_occurred_at, p_posted_at
    ) RETURNING id INTO v_result.transaction_id;
    PERFORM rewards_debit_lots(
        v_tenant, v_account.id, v_result.transaction_id, v_account.seq, v_account.available + v_account.held,
        v_pick.lots, v_pick.parts, false
    );
    v_result.available := v_account.available - v_pick.total;
    RETURN v_result;
END $$;

-- Takes back for many returns in one round trip, in the order given.
CREATE FUNCTION rewards_take_back_batch(
    p_earns bigint[], p_points bigint[], p_source_type text, p_source_ids text[], p_occurred timestamptz[],
    p_posted_at timestamptz, p_revision bigint, p_actor_kind text, p_actor_label text
) RETURNS TABLE (source_id text, outcome text, points bigint) LANGUAGE plpgsql
SET search_path = pg_catalog, public AS $$
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
            p_occurred[v_step], p_posted_at, p_revision, p_actor_kind, p_actor_label, ''
        );
        source_id := p_source_ids[v_step];
        outcome := v_result.outcome;
        points := v_result.points;
        RETURN NEXT;
    END LOOP;
END $$;

-- Undoes a debit: the same lots get their points back and keep their expiry.
CREATE FUNCTION rewards_restore(
    p_debit bigint, p_source_type text, p_source_id text, p_occurred_at timestamptz, p_posted_at timestamptz,
    p_actor_kind text, p_actor_label text, p_reason text
) RETURNS rewards_posting_result LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_debit rewards_ledgertransaction%ROWTYPE;
    v_account rewards_account%ROWTYPE;
    v_result rewards_posting_result;
    v_lots bigint[];
    v_parts bigint[];
BEGIN
    SELECT * INTO STRICT v_debit FROM rewards_ledgertransaction t WHERE t.tenant_id = v_tenant AND t.id = p_debit;
    SELECT array_agg(e.lot_id ORDER BY e.seq), array_agg(-e.points ORDER BY e.seq) INTO v_lots, v_parts
    FROM rewards_ledgerentry e
    WHERE e.tenant_id = v_tenant AND e.transaction_id = p_debit AND e.account_id IS NOT NULL;
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
    UPDATE rewards_lot l SET remaining = l.remaining + t.part
    FROM unnest(v_lots, v_parts) AS t(lot, part)
    WHERE l.tenant_id = v_tenant AND l.id = t.lot;
    INSERT INTO rewards_ledgerentry (tenant_id, transaction_id, account_id, lot_id, points, seq, balance_after)
    SELECT v_tenant, v_result.transaction_id, v_account.id, t.lot, t.part, v_account.seq + t.step,
           v_account.available + v_account.held + SUM(t.part) OVER (ORDER BY t.step)
    FROM unnest(v_lots, v_parts) WITH ORDINALITY AS t(lot, part, step)
    UNION ALL
    SELECT v_tenant, v_result.transaction_id, NULL, NULL, v_debit.points, NULL, NULL;
    v_result.outcome := 'posted';
    v_result.points := -v_debit.points;
    v_result.available := v_account.available - v_debit.points;
    RETURN v_result;
END $$;

-- Expires due lots of at most p_limit accounts, one transaction per account and expiry instant.
CREATE FUNCTION rewards_expire(
    p_at timestamptz, p_limit integer, OUT accounts bigint, OUT transactions bigint, OUT points bigint
) LANGUAGE plpgsql SET search_path = pg_catalog, public SET plan_cache_mode = force_custom_plan AS $$
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
        SELECT l.id AS lot_id, l.account_id, l.expires_at, l.remaining - l.held AS part,
               row_number() OVER account AS place, SUM(l.remaining - l.held) OVER account AS running
        FROM rewards_lot l
        WHERE l.tenant_id = v_tenant AND l.account_id = ANY (v_accounts) AND l.is_open
          AND l.expires_at <= p_at AND l.remaining > l.held
        WINDOW account AS (
            PARTITION BY l.account_id ORDER BY l.expires_at, l.available_from, l.id ROWS UNBOUNDED PRECEDING
        )
    ), debited AS (
        UPDATE rewards_account a SET available = a.available - d.part, seq = a.seq + d.places
        FROM (SELECT account_id, SUM(part)::bigint AS part, COUNT(*) AS places FROM due GROUP BY account_id) d
        WHERE a.tenant_id = v_tenant AND a.id = d.account_id
        RETURNING a.id, a.seq - d.places AS seq, a.available + a.held + d.part AS balance
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
        UPDATE rewards_lot l SET remaining = l.held FROM due d
        WHERE l.tenant_id = v_tenant AND l.id = d.lot_id
    ), entries AS (
        INSERT INTO rewards_ledgerentry (
            tenant_id, transaction_id, account_id, lot_id, points, seq, balance_after
        )
        SELECT v_tenant, p.id, d.account_id, d.lot_id, -d.part, b.seq + d.place, b.balance - d.running
        FROM due d
        JOIN debited b ON b.id = d.account_id
        JOIN posted p ON p.account_id = d.account_id AND p.occurred_at = d.expires_at
        UNION ALL
        SELECT v_tenant, p.id, NULL, NULL, -p.points, NULL, NULL FROM posted p
    )
    SELECT COUNT(*), COALESCE(-SUM(p.points), 0) INTO transactions, points FROM posted p;
END $$;
