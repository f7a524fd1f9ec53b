-- Postings in one round trip. Expected refusals are outcomes, not errors, so that the caller's transaction
-- survives them:
--   posted | duplicate | insufficient | frozen | nothing | closed
-- The account row is changed first, always: that update is the check and the lock which serialises postings of
-- one account. Plans are cached per session, and one made while the tables were empty would scan them for ever:
-- hence enable_seqscan is off.

-- A credit that is not plain: the first of an account, a pending one, one of a merged account or one with a debt.
CREATE OR REPLACE FUNCTION rewards_post_credit(
    p_tenant bigint, p_customer bigint, p_wallet bigint, p_kind text, p_points bigint, p_source_type text,
    p_source_id text, p_occurred_at timestamptz, p_posted_at timestamptz, p_expires_at timestamptz,
    p_revision bigint, p_actor_kind text, p_actor_label text, p_reason text, p_activates_at timestamptz, p_awaits text
) RETURNS rewards_posting_result LANGUAGE plpgsql AS $$
DECLARE
    v_is_pending boolean := p_awaits IS NOT NULL OR COALESCE(p_activates_at > p_posted_at, false);
    v_account rewards_account%ROWTYPE;
    v_result rewards_posting_result;
    v_balance bigint;
    v_repaid bigint;
    v_kept bigint;
    v_lot bigint;
BEGIN
    v_account.id := rewards_account_of(p_tenant, p_customer, p_wallet);
    IF v_account.id IS NULL THEN
        INSERT INTO rewards_account (tenant_id, customer_id, wallet_id, available, held, pending, debt, seq)
        VALUES (p_tenant, p_customer, p_wallet, 0, 0, 0, 0, 0)
        ON CONFLICT (tenant_id, customer_id, wallet_id) DO NOTHING;
        v_account.id := rewards_account_of(p_tenant, p_customer, p_wallet);
    END IF;
    SELECT * INTO STRICT v_account FROM rewards_account a
    WHERE a.tenant_id = p_tenant AND a.id = v_account.id FOR NO KEY UPDATE;
    IF v_account.frozen_at IS NULL THEN
        INSERT INTO rewards_ledgertransaction (
            tenant_id, account_id, kind, points, source_type, source_id, revision_id, actor_kind, actor_label, reason,
            occurred_at, posted_at
        ) VALUES (
            p_tenant, v_account.id, p_kind, p_points, p_source_type, p_source_id, p_revision, p_actor_kind,
            p_actor_label, p_reason, p_occurred_at, p_posted_at
        ) ON CONFLICT (tenant_id, source_type, source_id) DO NOTHING
        RETURNING id INTO v_result.transaction_id;
    END IF;
    IF v_result.transaction_id IS NULL THEN
        RETURN rewards_refusal(p_tenant, v_account.id, 0, p_posted_at, p_source_type, p_source_id);
    END IF;

    v_repaid := CASE WHEN v_is_pending THEN 0 ELSE LEAST(v_account.debt, p_points) END;
    v_kept := p_points - v_repaid;
    UPDATE rewards_account a
    SET available = a.available + CASE WHEN v_is_pending THEN 0 ELSE v_kept END,
        pending = a.pending + CASE WHEN v_is_pending THEN v_kept ELSE 0 END,
        debt = a.debt - v_repaid,
        seq = a.seq + (v_repaid > 0)::int + (v_kept > 0)::int,
        next_activation_at = CASE WHEN v_is_pending THEN LEAST(a.next_activation_at, p_activates_at)
                                  ELSE a.next_activation_at END
    WHERE a.tenant_id = p_tenant AND a.id = v_account.id
    RETURNING a.available INTO v_result.available;
    IF v_kept > 0 THEN
        INSERT INTO rewards_lot (
            tenant_id, account_id, granted, remaining, held, available_from, expires_at, is_pending, activates_at, awaits
        ) VALUES (
            p_tenant, v_account.id, v_kept, v_kept, 0, COALESCE(p_activates_at, p_occurred_at), p_expires_at, v_is_pending,
            p_activates_at, COALESCE(p_awaits, '')
        ) RETURNING id INTO v_lot;
    END IF;
    v_balance := v_account.pending + v_account.available + v_account.held - v_account.debt;
    INSERT INTO rewards_ledgerentry (tenant_id, transaction_id, account_id, lot_id, points, seq, balance_after, lot_remaining)
    SELECT p_tenant, v_result.transaction_id, v_account.id, NULL, v_repaid, v_account.seq + 1, v_balance + v_repaid,
           NULL
    WHERE v_repaid > 0
    UNION ALL
    SELECT p_tenant, v_result.transaction_id, v_account.id, v_lot, v_kept, v_account.seq + (v_repaid > 0)::int + 1,
           v_balance + p_points, v_kept
    WHERE v_kept > 0;
    v_result.outcome := 'posted';
    v_result.points := p_points;
    RETURN v_result;
END $$;

-- Credits (p_points > 0, a new lot) or debits (p_points < 0, lots in spending order) one account.
CREATE OR REPLACE FUNCTION rewards_post(
    p_customer bigint, p_wallet bigint, p_kind text, p_points bigint, p_source_type text, p_source_id text,
    p_occurred_at timestamptz, p_posted_at timestamptz, p_expires_at timestamptz, p_revision bigint,
    p_actor_kind text, p_actor_label text, p_reason text, p_activates_at timestamptz DEFAULT NULL,
    p_awaits text DEFAULT NULL
) RETURNS rewards_posting_result LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    -- As rewards_active_tenant does, without a call.
    v_tenant bigint := NULLIF(current_setting('app.tenant_id', true), '')::bigint;
    v_attempt integer := 0;
    v_account bigint;
    v_heir bigint;
    v_available bigint;
    v_balance bigint;
    v_seq bigint;
    v_lot bigint;
    v_remaining bigint;
    v_pick record;
    v_transaction bigint;
    v_setting text;
BEGIN
    LOOP
        -- The plain case: no debt to repay first, nothing due that would come before in the spending order.
        UPDATE rewards_account a SET available = a.available + p_points, seq = a.seq + 1
        WHERE a.tenant_id = v_tenant AND a.customer_id = p_customer AND a.wallet_id = p_wallet
          AND a.available + p_points >= 0 AND a.frozen_at IS NULL AND a.moved_to_id IS NULL
          AND CASE WHEN p_points > 0
                   THEN a.debt = 0 AND p_awaits IS NULL AND (p_activates_at IS NULL OR p_activates_at <= p_posted_at)
                   ELSE a.next_activation_at IS NULL OR a.next_activation_at > p_posted_at END
        RETURNING a.id, a.available, a.pending + a.available + a.held - a.debt, a.seq
        INTO v_account, v_available, v_balance, v_seq;
        EXIT WHEN FOUND;
        v_tenant := rewards_active_tenant();
        v_attempt := v_attempt + 1;
        IF p_points > 0 THEN
            RETURN rewards_post_credit(
                v_tenant, p_customer, p_wallet, p_kind, p_points, p_source_type, p_source_id, p_occurred_at, p_posted_at,
                p_expires_at, p_revision, p_actor_kind, p_actor_label, p_reason, p_activates_at, p_awaits
            );
        END IF;
        v_account := rewards_account_of(v_tenant, p_customer, p_wallet);
        SELECT a.customer_id INTO v_heir FROM rewards_account a WHERE a.tenant_id = v_tenant AND a.id = v_account;
        -- Lots whose date has come are activated here when the sweep is late; a merged account leads to its heir.
        IF v_attempt = 3 OR v_account IS NULL
           OR (v_heir = p_customer AND NOT rewards_activate_due(v_tenant, v_account, p_posted_at)) THEN
            RETURN rewards_refusal(v_tenant, v_account, -p_points, p_posted_at, p_source_type, p_source_id);
        END IF;
        p_customer := v_heir;
    END LOOP;

    IF p_points < 0 THEN
        -- The first lot in the spending order, if it is enough.
        UPDATE rewards_lot l SET remaining = l.remaining + p_points, is_open = l.remaining + p_points > 0
        WHERE l.tenant_id = v_tenant AND l.remaining - l.held >= -p_points AND l.id = (
            SELECT o.id FROM rewards_lot o
            WHERE o.tenant_id = v_tenant AND o.account_id = v_account AND o.is_open AND o.remaining > o.held
              AND NOT o.is_pending AND (o.expires_at IS NULL OR o.expires_at > p_posted_at)
            ORDER BY o.expires_at, o.available_from, o.id LIMIT 1
        )
        RETURNING l.id, l.remaining INTO v_lot, v_remaining;
        IF NOT FOUND THEN
            v_pick := rewards_pick_lots(v_tenant, v_account, -p_points, p_posted_at, NULL);
            UPDATE rewards_account a
            SET available = a.available - CASE WHEN v_pick.total < -p_points THEN p_points ELSE 0 END,
                seq = a.seq + CASE WHEN v_pick.total < -p_points THEN -1 ELSE cardinality(v_pick.lots) - 1 END
            WHERE a.tenant_id = v_tenant AND a.id = v_account;
            IF v_pick.total < -p_points THEN
                RETURN rewards_refusal(v_tenant, v_account, -p_points, p_posted_at, p_source_type, p_source_id);
            END IF;
        END IF;
    END IF;

    INSERT INTO rewards_ledgertransaction (
        tenant_id, account_id, kind, points, source_type, source_id, revision_id, actor_kind, actor_label, reason,
        occurred_at, posted_at
    ) VALUES (
        v_tenant, v_account, p_kind, p_points, p_source_type, p_source_id, p_revision, p_actor_kind,
        p_actor_label, p_reason, p_occurred_at, p_posted_at
    ) ON CONFLICT (tenant_id, source_type, source_id) DO NOTHING
    RETURNING id INTO v_transaction;
    IF NOT FOUND THEN
        -- A twin was first. The account and its lots are ours until commit, so undoing by arithmetic is exact.
        UPDATE rewards_account a
        SET available = a.available - p_points, seq = v_seq - 1
        WHERE a.tenant_id = v_tenant AND a.id = v_account;
        UPDATE rewards_lot l SET remaining = l.remaining - p_points, is_open = true
        WHERE l.tenant_id = v_tenant AND l.id = v_lot;
        RETURN rewards_refusal(v_tenant, v_account, 0, p_posted_at, p_source_type, p_source_id);
    END IF;

    -- One statement a table: with common table expressions around them the same rows cost more.
    IF v_pick IS NOT NULL THEN
        PERFORM rewards_debit_lots(
            v_tenant, v_account, v_transaction, v_seq - 1, v_balance - p_points, v_pick.lots, v_pick.parts
        );
    ELSE
        IF p_points > 0 THEN
            INSERT INTO rewards_lot (tenant_id, account_id, granted, remaining, held, available_from, expires_at, is_pending, awaits)
            VALUES (v_tenant, v_account, p_points, p_points, 0, COALESCE(p_activates_at, p_occurred_at), p_expires_at, false, '')
            RETURNING id, remaining INTO v_lot, v_remaining;
        END IF;
        -- What the line says of its account and its lot is what their statements returned: a copy needs no proof.
        v_setting := set_config('rewards.line_is_copied', 'yes', true);
        INSERT INTO rewards_ledgerentry (tenant_id, transaction_id, account_id, lot_id, points, seq, balance_after, lot_remaining)
        VALUES (v_tenant, v_transaction, v_account, v_lot, p_points, v_seq, v_balance, v_remaining);
        v_setting := set_config('rewards.line_is_copied', '', true);
    END IF;
    RETURN ('posted', v_transaction, p_points, v_available, NULL)::rewards_posting_result;
END $$;
