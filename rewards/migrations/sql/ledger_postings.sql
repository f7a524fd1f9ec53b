-- Postings in one round trip. All functions are SECURITY INVOKER: row-level security holds inside them, and
-- every statement names the tenant as well. Expected refusals are outcomes, not errors, so that the caller's
-- transaction survives them:
--   posted | duplicate | insufficient | frozen | nothing
-- The account row is changed first, always: that update is the lock which serialises postings of one account.

CREATE TYPE rewards_posting_result AS (
    outcome text, transaction_id bigint, points bigint, available bigint, missing bigint
);

CREATE FUNCTION rewards_active_tenant() RETURNS bigint LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public AS $$
DECLARE
    v_tenant bigint := NULLIF(current_setting('app.tenant_id', true), '')::bigint;
BEGIN
    IF v_tenant IS NULL THEN
        RAISE EXCEPTION 'No tenant scope is open' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN v_tenant;
END $$;

-- Free points of an account that can be spent at p_at.
CREATE FUNCTION rewards_usable(p_tenant bigint, p_account bigint, p_at timestamptz) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
    SELECT COALESCE(SUM(remaining - held), 0)::bigint FROM rewards_lot
    WHERE tenant_id = p_tenant AND account_id = p_account AND is_open
      AND (expires_at IS NULL OR expires_at > p_at)
$$;

-- Not LANGUAGE sql: such a function is planned again at every call.
-- Lots that give p_wanted points, p_first_lot (expired or not) before the spending order.
CREATE FUNCTION rewards_pick_lots(
    p_tenant bigint, p_account bigint, p_wanted bigint, p_at timestamptz, p_first_lot bigint,
    OUT lots bigint[], OUT parts bigint[], OUT total bigint
) LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
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
    -- The index is in spending order: only lots that are needed are read, however many there are.
    FOR v_lot IN
        SELECT id, remaining - held AS free FROM rewards_lot
        WHERE tenant_id = p_tenant AND account_id = p_account AND is_open AND remaining > held
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

-- Takes points out of lots and writes one customer line per lot and one line for the program.
-- The account has been changed already; p_seq and p_balance are its values before.
CREATE FUNCTION rewards_debit_lots(
    p_tenant bigint, p_account bigint, p_transaction bigint, p_seq bigint, p_balance bigint,
    p_lots bigint[], p_parts bigint[], p_from_held boolean
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public SET enable_seqscan = off AS $$
BEGIN
    IF cardinality(p_lots) = 1 THEN
        -- Most debits. With arrays the two statements below are planned at every call.
        UPDATE rewards_lot l
        SET remaining = l.remaining - p_parts[1],
            held = CASE WHEN p_from_held THEN l.held - p_parts[1] ELSE l.held END
        WHERE l.tenant_id = p_tenant AND l.id = p_lots[1];

        INSERT INTO rewards_ledgerentry (tenant_id, transaction_id, account_id, lot_id, points, seq, balance_after)
        VALUES (p_tenant, p_transaction, p_account, p_lots[1], -p_parts[1], p_seq + 1, p_balance - p_parts[1]),
               (p_tenant, p_transaction, NULL, NULL, p_parts[1], NULL, NULL);
        RETURN;
    END IF;
    UPDATE rewards_lot l
    SET remaining = l.remaining - t.part, held = CASE WHEN p_from_held THEN l.held - t.part ELSE l.held END
    FROM unnest(p_lots, p_parts) AS t(lot, part)
    WHERE l.tenant_id = p_tenant AND l.id = t.lot;

    INSERT INTO rewards_ledgerentry (tenant_id, transaction_id, account_id, lot_id, points, seq, balance_after)
    SELECT p_tenant, p_transaction, p_account, t.lot, -t.part, p_seq + t.step,
           p_balance - SUM(t.part) OVER (ORDER BY t.step)
    FROM unnest(p_lots, p_parts) WITH ORDINALITY AS t(lot, part, step)
    UNION ALL
    SELECT p_tenant, p_transaction, NULL, NULL, SUM(t.part), NULL, NULL FROM unnest(p_parts) AS t(part);
END $$;

CREATE FUNCTION rewards_refusal(
    p_tenant bigint, p_customer bigint, p_wallet bigint, p_wanted bigint, p_at timestamptz,
    p_source_type text, p_source_id text
) RETURNS rewards_posting_result LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public AS $$
DECLARE
    v_result rewards_posting_result;
    v_frozen timestamptz;
    v_account bigint;
    v_usable bigint;
BEGIN
    SELECT 'duplicate', t.id, t.points INTO v_result.outcome, v_result.transaction_id, v_result.points
    FROM rewards_ledgertransaction t
    WHERE t.tenant_id = p_tenant AND t.source_type = p_source_type AND t.source_id = p_source_id;
    SELECT a.id, a.frozen_at, a.available INTO v_account, v_frozen, v_result.available FROM rewards_account a
    WHERE a.tenant_id = p_tenant AND a.customer_id = p_customer AND a.wallet_id = p_wallet;
    IF v_result.outcome IS NULL THEN
        v_usable := rewards_usable(p_tenant, v_account, p_at);
        v_result.outcome := CASE WHEN v_frozen IS NULL THEN 'insufficient' ELSE 'frozen' END;
        v_result.missing := GREATEST(p_wanted - v_usable, 0);
    END IF;
    RETURN v_result;
END $$;

-- Credits (p_points > 0, a new lot) or debits (p_points < 0, lots in spending order) one account.
CREATE FUNCTION rewards_post(
    p_customer bigint, p_wallet bigint, p_kind text, p_points bigint, p_source_type text, p_source_id text,
    p_occurred_at timestamptz, p_posted_at timestamptz, p_expires_at timestamptz, p_revision bigint,
    p_actor_kind text, p_actor_label text, p_reason text
) RETURNS rewards_posting_result LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_account rewards_account%ROWTYPE;
    v_result rewards_posting_result;
    v_lot bigint;
    v_pick record;
    v_steps bigint := 1;
BEGIN
    UPDATE rewards_account a SET available = a.available + p_points, seq = a.seq + 1
    WHERE a.tenant_id = v_tenant AND a.customer_id = p_customer AND a.wallet_id = p_wallet
      AND a.available >= -p_points AND a.frozen_at IS NULL
    RETURNING * INTO v_account;
    IF NOT FOUND AND p_points > 0 THEN
        INSERT INTO rewards_account AS a (tenant_id, customer_id, wallet_id, available, held, seq)
        VALUES (v_tenant, p_customer, p_wallet, p_points, 0, 1)
        ON CONFLICT (tenant_id, customer_id, wallet_id) DO UPDATE
            SET available = a.available + p_points, seq = a.seq + 1 WHERE a.frozen_at IS NULL
        RETURNING * INTO v_account;
    END IF;
    IF v_account.id IS NULL THEN
        RETURN rewards_refusal(v_tenant, p_customer, p_wallet, -p_points, p_posted_at, p_source_type, p_source_id);
    END IF;

    IF p_points < 0 THEN
        v_pick := rewards_pick_lots(v_tenant, v_account.id, -p_points, p_posted_at, NULL);
        v_steps := cardinality(v_pick.lots);
        IF v_pick.total < -p_points THEN
            UPDATE rewards_account a SET available = a.available - p_points, seq = a.seq - 1
            WHERE a.tenant_id = v_tenant AND a.id = v_account.id;
            RETURN rewards_refusal(v_tenant, p_customer, p_wallet, -p_points, p_posted_at, p_source_type, p_source_id);
        END IF;
    END IF;

    INSERT INTO rewards_ledgertransaction (
        tenant_id, account_id, kind, points, source_type, source_id, revision_id, actor_kind, actor_label, reason,
        occurred_at, posted_at
    ) VALUES (
        v_tenant, v_account.id, p_kind, p_points, p_source_type, p_source_id, p_revision, p_actor_kind,
        p_actor_label, p_reason, p_occurred_at, p_posted_at
    ) ON CONFLICT (tenant_id, source_type, source_id) DO NOTHING
    RETURNING id INTO v_result.transaction_id;
    IF NOT FOUND THEN
        -- A twin was first. The account row is ours until commit, so undoing by arithmetic is exact.
        UPDATE rewards_account a SET available = a.available - p_points, seq = a.seq - 1
        WHERE a.tenant_id = v_tenant AND a.id = v_account.id;
        RETURN rewards_refusal(v_tenant, p_customer, p_wallet, 0, p_posted_at, p_source_type, p_source_id);
    END IF;

    IF p_points > 0 THEN
        INSERT INTO rewards_lot (tenant_id, account_id, granted, remaining, held, available_from, expires_at)
        VALUES (v_tenant, v_account.id, p_points, p_points, 0, p_occurred_at, p_expires_at)
        RETURNING id INTO v_lot;
        INSERT INTO rewards_ledgerentry (tenant_id, transaction_id, account_id, lot_id, points, seq, balance_after)
        VALUES (v_tenant, v_result.transaction_id, v_account.id, v_lot, p_points, v_account.seq,
                v_account.available + v_account.held),
               (v_tenant, v_result.transaction_id, NULL, NULL, -p_points, NULL, NULL);
    ELSE
        IF v_steps > 1 THEN
            UPDATE rewards_account a SET seq = a.seq + v_steps - 1
            WHERE a.tenant_id = v_tenant AND a.id = v_account.id;
        END IF;
        PERFORM rewards_debit_lots(
            v_tenant, v_account.id, v_result.transaction_id, v_account.seq - 1,
            v_account.available + v_account.held - p_points, v_pick.lots, v_pick.parts, false
        );
    END IF;
    v_result.outcome := 'posted';
    v_result.points := p_points;
    v_result.available := v_account.available;
    RETURN v_result;
END $$;

-- Credits many accounts of one wallet in one statement; parallel arrays, one element per posting, in time
-- order. Returns the sources that stay unposted because their account is frozen.
CREATE FUNCTION rewards_post_batch(
    p_wallet bigint, p_kind text, p_source_type text, p_customers bigint[], p_points bigint[],
    p_source_ids text[], p_occurred timestamptz[], p_expires timestamptz[], p_posted_at timestamptz,
    p_revision bigint, p_actor_kind text, p_actor_label text, OUT posted bigint, OUT frozen text[]
) LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
BEGIN
    INSERT INTO rewards_account (tenant_id, customer_id, wallet_id, available, held, seq)
    SELECT DISTINCT v_tenant, c.id, p_wallet, 0, 0, 0 FROM unnest(p_customers) AS c(id)
    WHERE NOT EXISTS (
        SELECT 1 FROM rewards_account a
        WHERE a.tenant_id = v_tenant AND a.customer_id = c.id AND a.wallet_id = p_wallet
    )
    ON CONFLICT (tenant_id, customer_id, wallet_id) DO NOTHING;
    -- Locks in id order: two batches over the same customers queue instead of deadlocking.
    PERFORM 1 FROM rewards_account a
    WHERE a.tenant_id = v_tenant AND a.wallet_id = p_wallet AND a.customer_id = ANY (p_customers)
    ORDER BY a.id FOR NO KEY UPDATE;

    -- Planned at every call: a plan has to know how long the arrays are, or it joins them by nested loops. The
    -- setting force_custom_plan would reach the foreign keys too and plan each of their row checks anew.
    -- $1 tenant, $2 wallet, $3 kind, $4 source type, $5 to $9 the arrays, $10 posted at, $11 revision, $12 and $13 actor
    EXECUTE $sql$
    WITH input AS MATERIALIZED (
        SELECT a.id AS account_id, t.*
        FROM unnest($5, $6, $7, $8, $9) WITH ORDINALITY
            AS t(customer_id, points, source_id, occurred_at, expires_at, step)
        JOIN rewards_account a ON a.tenant_id = $1 AND a.customer_id = t.customer_id
            AND a.wallet_id = $2 AND a.frozen_at IS NULL
    ), transactions AS (
        INSERT INTO rewards_ledgertransaction (
            tenant_id, account_id, kind, points, source_type, source_id, revision_id, actor_kind, actor_label,
            reason, occurred_at, posted_at
        )
        SELECT $1, i.account_id, $3, i.points, $4, i.source_id, $11, $12,
               $13, '', i.occurred_at, $10
        FROM input i ORDER BY i.step
        ON CONFLICT (tenant_id, source_type, source_id) DO NOTHING
        RETURNING id, source_id
    ), numbered AS MATERIALIZED (
        SELECT t.id AS transaction_id, nextval('rewards_lot_id_seq') AS lot_id, i.*,
               row_number() OVER account AS place, SUM(i.points) OVER account AS running
        FROM transactions t JOIN input i USING (source_id)
        WINDOW account AS (PARTITION BY i.account_id ORDER BY i.step ROWS UNBOUNDED PRECEDING)
    ), credited AS (
        UPDATE rewards_account a SET available = a.available + n.points, seq = a.seq + n.places
        FROM (
            SELECT account_id, SUM(points)::bigint AS points, COUNT(*) AS places FROM numbered GROUP BY account_id
        ) n
        WHERE a.tenant_id = $1 AND a.id = n.account_id
        RETURNING a.id, a.seq - n.places AS seq, a.available + a.held - n.points AS balance
    ), lots AS (
        INSERT INTO rewards_lot (id, tenant_id, account_id, granted, remaining, held, available_from, expires_at)
        SELECT lot_id, $1, account_id, points, points, 0, occurred_at, expires_at FROM numbered
        ORDER BY step
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
        p_expires, p_posted_at, p_revision, p_actor_kind, p_actor_label;

    SELECT COALESCE(array_agg(t.source_id), '{}') INTO frozen
    FROM unnest(p_customers, p_source_ids) AS t(customer_id, source_id)
    JOIN rewards_account a ON a.tenant_id = v_tenant AND a.customer_id = t.customer_id
        AND a.wallet_id = p_wallet AND a.frozen_at IS NOT NULL;
END $$;
