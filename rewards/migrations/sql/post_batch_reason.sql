-- Credits many accounts of one wallet in few statements; parallel arrays, one element per posting, in time
-- order, and one reason for all. Returns the sources that stay unposted because their account is frozen.
CREATE FUNCTION rewards_post_batch(
    p_wallet bigint, p_kind text, p_source_type text, p_customers bigint[], p_points bigint[],
    p_source_ids text[], p_occurred timestamptz[], p_expires timestamptz[], p_posted_at timestamptz,
    p_revision bigint, p_actor_kind text, p_actor_label text, p_activates timestamptz[] DEFAULT NULL,
    p_awaits text[] DEFAULT NULL, p_reason text DEFAULT '', OUT posted bigint, OUT frozen text[]
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_special record;
    v_result rewards_posting_result;
BEGIN
    INSERT INTO rewards_account (tenant_id, customer_id, wallet_id, available, held, pending, debt, seq)
    SELECT DISTINCT v_tenant, c.id, p_wallet, 0, 0, 0, 0, 0 FROM unnest(p_customers) AS c(id)
    WHERE NOT EXISTS (
        SELECT 1 FROM rewards_account a
        WHERE a.tenant_id = v_tenant AND a.customer_id = c.id AND a.wallet_id = p_wallet
    )
    ON CONFLICT (tenant_id, customer_id, wallet_id) DO NOTHING;
    -- Locks in id order: two batches over the same customers queue instead of deadlocking.
    PERFORM 1 FROM rewards_account a
    WHERE a.tenant_id = v_tenant AND a.wallet_id = p_wallet AND a.customer_id = ANY (p_customers)
    ORDER BY a.id FOR NO KEY UPDATE;

    -- Planned at every call: a plan has to know how long the arrays are, or it joins them by nested loops.
    -- $1 tenant, $2 wallet, $3 kind, $4 source type, $5 to $9 the arrays, $10 posted at, $11 revision, $12 and $13
    -- actor, $14 and $15 what pending credits wait for, $16 the reason of all of them
    EXECUTE $sql$
    WITH input AS MATERIALIZED (
        SELECT a.id AS account_id, t.*, t.awaits IS NOT NULL OR COALESCE(t.activates_at > $10, false) AS is_pending
        FROM unnest($5, $6, $7, $8, $9, $14, $15) WITH ORDINALITY
            AS t(customer_id, points, source_id, occurred_at, expires_at, activates_at, awaits, step)
        JOIN rewards_account a ON a.tenant_id = $1 AND a.customer_id = t.customer_id
            AND a.wallet_id = $2 AND a.frozen_at IS NULL AND a.debt = 0 AND a.moved_to_id IS NULL
    ), transactions AS (
        INSERT INTO rewards_ledgertransaction (
            tenant_id, account_id, kind, points, source_type, source_id, revision_id, actor_kind, actor_label,
            reason, occurred_at, posted_at
        )
        SELECT $1, i.account_id, $3, i.points, $4, i.source_id, $11, $12,
               $13, $16, i.occurred_at, $10
        FROM input i ORDER BY i.step
        ON CONFLICT (tenant_id, source_type, source_id) DO NOTHING
        RETURNING id, source_id
    ), numbered AS MATERIALIZED (
        SELECT t.id AS transaction_id, nextval('rewards_lot_id_seq') AS lot_id, i.*,
               row_number() OVER account AS place, SUM(i.points) OVER account AS running
        FROM transactions t JOIN input i USING (source_id)
        WINDOW account AS (PARTITION BY i.account_id ORDER BY i.step ROWS UNBOUNDED PRECEDING)
    ), credited AS (
        UPDATE rewards_account a
        SET available = a.available + n.active, pending = a.pending + n.pending, seq = a.seq + n.places,
            next_activation_at = LEAST(a.next_activation_at, n.activates_at)
        FROM (
            SELECT account_id, COUNT(*) AS places, MIN(activates_at) FILTER (WHERE is_pending) AS activates_at,
                   COALESCE(SUM(points) FILTER (WHERE is_pending), 0)::bigint AS pending,
                   COALESCE(SUM(points) FILTER (WHERE NOT is_pending), 0)::bigint AS active
            FROM numbered GROUP BY account_id
        ) n
        WHERE a.tenant_id = $1 AND a.id = n.account_id
        RETURNING a.id, a.seq - n.places AS seq, a.pending + a.available + a.held - n.pending - n.active AS balance
    ), lots AS (
        INSERT INTO rewards_lot (
            id, tenant_id, account_id, granted, remaining, held, available_from, expires_at, is_pending, activates_at, awaits
        )
        SELECT lot_id, $1, account_id, points, points, 0, COALESCE(activates_at, occurred_at), expires_at, is_pending,
               activates_at, COALESCE(awaits, '')
        FROM numbered ORDER BY step
    ), entries AS (
        INSERT INTO rewards_ledgerentry (
            tenant_id, transaction_id, account_id, lot_id, points, seq, balance_after
        )
        SELECT $1, n.transaction_id, n.account_id, n.lot_id, n.points, c.seq + n.place, c.balance + n.running
        FROM numbered n JOIN credited c ON c.id = n.account_id
        UNION ALL
        SELECT $1, n.transaction_id, NULL, NULL, -n.points, NULL, NULL FROM numbered n
    )
    SELECT COUNT(*) FROM numbered
    $sql$ INTO posted USING v_tenant, p_wallet, p_kind, p_source_type, p_customers, p_points, p_source_ids, p_occurred,
        p_expires, p_posted_at, p_revision, p_actor_kind, p_actor_label, p_activates, p_awaits, p_reason;

    -- What is not plain goes one by one, after the rest: accounts with a debt or with an heir, and frozen ones.
    frozen := '{}';
    FOR v_special IN
        SELECT t.* FROM unnest(p_customers, p_points, p_source_ids, p_occurred, p_expires, p_activates, p_awaits)
            WITH ORDINALITY AS t(customer_id, points, source_id, occurred_at, expires_at, activates_at, awaits, step)
        JOIN rewards_account a ON a.tenant_id = v_tenant AND a.customer_id = t.customer_id AND a.wallet_id = p_wallet
        WHERE a.frozen_at IS NOT NULL OR a.debt > 0 OR a.moved_to_id IS NOT NULL
        ORDER BY t.step
    LOOP
        v_result := rewards_post_credit(
            v_tenant, v_special.customer_id, p_wallet, p_kind, v_special.points, p_source_type, v_special.source_id,
            v_special.occurred_at, p_posted_at, v_special.expires_at, p_revision, p_actor_kind, p_actor_label, p_reason,
            v_special.activates_at, v_special.awaits
        );
        IF v_result.outcome = 'posted' THEN
            posted := posted + 1;
        ELSIF v_result.outcome = 'frozen' THEN
            frozen := frozen || v_special.source_id;
        END IF;
    END LOOP;
END $$;
