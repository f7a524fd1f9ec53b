-- Credits many accounts of one wallet in few statements; parallel arrays, one element per posting, in time
-- order, and one reason for all. Returns the sources that stay unposted because their account is frozen.
--
-- The accounts are locked and read first, so everything that will be written is known before the first insert,
-- and no statement waits for what another returns. Sources are taken to be new: that they are not is found by
-- their unique index, and what came before it is undone. The next attempt leaves the known ones out.
CREATE OR REPLACE FUNCTION rewards_post_batch(
    p_wallet bigint, p_kind text, p_source_type text, p_customers bigint[], p_points bigint[],
    p_source_ids text[], p_occurred timestamptz[], p_expires timestamptz[], p_posted_at timestamptz,
    p_revision bigint, p_actor_kind text, p_actor_label text, p_activates timestamptz[] DEFAULT NULL,
    p_awaits text[] DEFAULT NULL, p_reason text DEFAULT '', OUT posted bigint, OUT frozen text[]
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_known text[] := '{}';
    v_before bigint := 0;
    v_constraint text;
    v_missing bigint[];
    v_accounts record;
    v_special record;
    v_result rewards_posting_result;
BEGIN
    FOR v_attempt IN 1 .. 2 LOOP
        -- Locks in id order: two batches over the same customers queue instead of deadlocking.
        SELECT COALESCE(array_agg(a.id), '{}') AS ids, COALESCE(array_agg(a.customer_id), '{}') AS customers,
               array_agg(a.seq) AS seqs, array_agg(a.pending + a.available + a.held - a.debt) AS balances,
               array_agg(a.frozen_at IS NULL AND a.debt = 0 AND a.moved_to_id IS NULL) AS are_plain,
               COALESCE(bool_and(a.frozen_at IS NULL AND a.debt = 0 AND a.moved_to_id IS NULL), true) AS all_plain
        INTO v_accounts
        FROM (
            SELECT * FROM rewards_account o
            WHERE o.tenant_id = v_tenant AND o.wallet_id = p_wallet AND o.customer_id = ANY (p_customers)
            ORDER BY o.id FOR NO KEY UPDATE
        ) a;
        EXIT WHEN v_attempt = 2;
        SELECT array_agg(c.id ORDER BY c.id) INTO v_missing
        FROM (SELECT unnest(p_customers) AS id EXCEPT SELECT unnest(v_accounts.customers)) c;
        EXIT WHEN v_missing IS NULL;
        -- Another transaction may have made them a moment ago: then nothing is inserted, and they are read all the same.
        INSERT INTO rewards_account (tenant_id, customer_id, wallet_id, available, held, pending, debt, seq)
        SELECT v_tenant, c.id, p_wallet, 0, 0, 0, 0, 0 FROM unnest(v_missing) AS c(id)
        ON CONFLICT (tenant_id, customer_id, wallet_id) DO NOTHING;
    END LOOP;

    LOOP
        BEGIN
            -- Planned at every call: a plan has to know how long the arrays are, or it joins them by nested loops.
            -- $1 tenant, $2 kind, $3 source type, $4 to $8 the arrays, $9 and $10 what pending credits wait for,
            -- $11 posted at, $12 revision, $13 and $14 actor, $15 the reason of all of them, $16 known sources,
            -- $17 to $21 the accounts
            EXECUTE $sql$
            WITH input AS MATERIALIZED (
                SELECT i.*, nextval('rewards_ledgertransaction_id_seq') AS transaction_id,
                       nextval('rewards_lot_id_seq') AS lot_id
                FROM (
                    SELECT a.account_id, t.*, t.awaits IS NOT NULL OR COALESCE(t.activates_at > $11, false) AS is_pending,
                           a.seq + row_number() OVER account AS entry_seq,
                           (a.balance + SUM(t.points) OVER account)::bigint AS balance_after
                    FROM unnest($4, $5, $6, $7, $8, $9, $10) WITH ORDINALITY
                        AS t(customer_id, points, source_id, occurred_at, expires_at, activates_at, awaits, step)
                    JOIN unnest($17, $18, $19, $20, $21) AS a(account_id, customer_id, seq, balance, is_plain)
                        ON a.customer_id = t.customer_id AND a.is_plain
                    WHERE t.source_id <> ALL ($16)
                    WINDOW account AS (PARTITION BY a.account_id ORDER BY t.step ROWS UNBOUNDED PRECEDING)
                ) i
                ORDER BY i.step
            ), transactions AS (
                INSERT INTO rewards_ledgertransaction (
                    id, tenant_id, account_id, kind, points, source_type, source_id, revision_id, actor_kind, actor_label,
                    reason, occurred_at, posted_at
                )
                SELECT transaction_id, $1, account_id, $2, points, $3, source_id, $12, $13, $14, $15, occurred_at, $11
                FROM input
            ), credited AS (
                UPDATE rewards_account a
                SET available = a.available + n.active, pending = a.pending + n.pending, seq = a.seq + n.places,
                    next_activation_at = LEAST(a.next_activation_at, n.activates_at)
                FROM (
                    SELECT account_id, COUNT(*) AS places, MIN(activates_at) FILTER (WHERE is_pending) AS activates_at,
                           COALESCE(SUM(points) FILTER (WHERE is_pending), 0)::bigint AS pending,
                           COALESCE(SUM(points) FILTER (WHERE NOT is_pending), 0)::bigint AS active
                    FROM input GROUP BY account_id
                ) n
                WHERE a.tenant_id = $1 AND a.id = n.account_id
            ), lots AS (
                INSERT INTO rewards_lot (
                    id, tenant_id, account_id, granted, remaining, held, available_from, expires_at, is_pending,
                    activates_at, awaits
                )
                SELECT lot_id, $1, account_id, points, points, 0, COALESCE(activates_at, occurred_at), expires_at,
                       is_pending, activates_at, COALESCE(awaits, '')
                FROM input
            ), entries AS (
                INSERT INTO rewards_ledgerentry (
                    tenant_id, transaction_id, account_id, lot_id, points, seq, balance_after, lot_remaining
                )
                SELECT $1, transaction_id, account_id, lot_id, points, entry_seq, balance_after, points FROM input
            )
            SELECT COUNT(*) FROM input
            $sql$ INTO posted USING v_tenant, p_kind, p_source_type, p_customers, p_points, p_source_ids, p_occurred,
                p_expires, p_activates, p_awaits, p_posted_at, p_revision, p_actor_kind, p_actor_label, p_reason, v_known,
                v_accounts.ids, v_accounts.customers, v_accounts.seqs, v_accounts.balances, v_accounts.are_plain;
            EXIT;
        EXCEPTION WHEN unique_violation THEN
            GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
            v_before := cardinality(v_known);
            SELECT COALESCE(array_agg(t.source_id), '{}') INTO v_known FROM rewards_ledgertransaction t
            WHERE t.tenant_id = v_tenant AND t.source_type = p_source_type AND t.source_id = ANY (p_source_ids);
            -- Each attempt has to know more than the one before: two of one batch would never do.
            IF v_constraint <> 'rewards_transaction_source' OR cardinality(v_known) = v_before THEN
                RAISE;
            END IF;
        END;
    END LOOP;

    frozen := '{}';
    IF v_accounts.all_plain THEN
        RETURN;
    END IF;
    -- What is not plain goes one by one, after the rest: accounts with a debt or with an heir, and frozen ones.
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
