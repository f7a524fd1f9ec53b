-- Inactivity: lots that had not ended yet when their customer earned or spent last at least until a moment. A customer
-- may have several pairs (p_since, p_until); the later one does not reach lots that had ended before it.
CREATE OR REPLACE FUNCTION rewards_keep_alive(
    p_wallet bigint, p_customers bigint[], p_since timestamptz[], p_until timestamptz[]
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_tenant bigint := rewards_active_tenant();
    v_count bigint;
BEGIN
    PERFORM 1 FROM rewards_account a
    WHERE a.tenant_id = v_tenant AND a.wallet_id = p_wallet AND a.customer_id = ANY (p_customers)
    ORDER BY a.id FOR NO KEY UPDATE;
    WITH longest AS (
        SELECT l.id, MAX(t.until) AS until
        FROM unnest(p_customers, p_since, p_until) AS t(customer_id, since, until)
        JOIN rewards_account a ON a.tenant_id = v_tenant AND a.customer_id = t.customer_id AND a.wallet_id = p_wallet
        JOIN rewards_lot l ON l.tenant_id = v_tenant AND l.account_id = a.id AND l.is_open
            AND l.expires_at > t.since AND l.expires_at < t.until
        GROUP BY l.id
    ), extended AS (
        UPDATE rewards_lot l SET expires_at = n.until FROM longest n
        WHERE l.tenant_id = v_tenant AND l.id = n.id RETURNING 1
    )
    SELECT COUNT(*) INTO v_count FROM extended;
    RETURN v_count;
END $$;
