-- Rows of one tenant, made from hashes of their numbers: uniform, and the same every time.

INSERT INTO crm_customer (tenant_id, public_id, external_id, state, may_profile, may_personalise,
    attributes, created_at, updated_at, first_seen_at, last_seen_at)
    SELECT %(tenant)s, crm_new_public_id(), 'c' || lpad(n::text, 9, '0'), 'active', true, true,
    jsonb_build_object('age', 18 + floor(pg_temp.uniform(n, 1) * 60)::int, 'vip', n %% 10 = 0),
    %(at)s - pg_temp.uniform(n, 2) * interval '720 days', %(at)s,
    %(at)s - interval '365 days', %(at)s - pg_temp.uniform(n, 3) * interval '60 days'
    FROM generate_series(1, %(size)s) n;

INSERT INTO crm_person (tenant_id, customer_id, email, phone, given_name, family_name, postcode,
    city, country, locale, birth_on)
    SELECT tenant_id, id, external_id || '@shop.example', '', (ARRAY['Ann','Bob','Cid','Dan','Eve','Fay','Gus','Hal','Ida','Jim','Kay','Leo','Mia','Ned','Oda'])[1 + floor(pg_temp.uniform(id, 4) * 15)::int],
    'Family' || floor(pg_temp.uniform(id, 5) * greatest(%(size)s / 5, 10))::bigint, '',
    (ARRAY['Leeds','York','Bath','Derby','Hull','Ely','Wells','Ripon','Truro','Exeter'])[1 + floor(pg_temp.uniform(id, 6) * 10)::int], 'GB', 'en',
    date '1950-01-01' + floor(pg_temp.uniform(id, 7) * 20000)::int
    FROM crm_customer WHERE tenant_id = %(tenant)s;

INSERT INTO crm_identity (tenant_id, customer_id, kind, value, created_at)
    SELECT c.tenant_id, c.id, k.kind, CASE k.kind WHEN 'email' THEN c.external_id || '@shop.example'
    ELSE c.external_id END, %(at)s
    FROM crm_customer c, (VALUES ('external_id'), ('email')) k(kind) WHERE c.tenant_id = %(tenant)s;

INSERT INTO crm_computedtrait (tenant_id, customer_id, name, number, model_version, computed_at)
    SELECT tenant_id, id, 'churn_risk', pg_temp.uniform(id, 8), 'bench', %(at)s
    FROM crm_customer WHERE tenant_id = %(tenant)s;

INSERT INTO crm_item (tenant_id, public_id, external_id, name, category, subcategory, brand, price_minor,
    attributes, is_active, created_at, updated_at)
    SELECT %(tenant)s, crm_new_public_id(), 'i' || n, 'Item ' || n, 'category ' || n %% 20, '',
    'brand ' || n %% 50, 100 + n, '{}', true, %(at)s, %(at)s FROM generate_series(1, 2000) n;

INSERT INTO crm_order (tenant_id, public_id, external_id, customer_id, placed_at, currency, gross_minor,
    store_discount_minor, coupon_discount_minor, total_minor, channel)
    SELECT c.tenant_id, crm_new_public_id(), 'o' || c.id || '-' || k, c.id,
    %(at)s - pg_temp.uniform(c.id * 7 + k, 9) * interval '365 days', 'USD', price, 0, 0, price,
    CASE WHEN k %% 2 = 0 THEN 'web' ELSE 'shop' END
    FROM crm_customer c, generate_series(1, 2) k,
    LATERAL (SELECT 500 + floor(pg_temp.uniform(c.id * 7 + k, 10) * 9500)::bigint AS price) p
    WHERE c.tenant_id = %(tenant)s;

INSERT INTO crm_orderline (tenant_id, order_id, position, item_id, sku, kind, quantity,
    unit_price_minor, gross_minor, store_discount_minor, coupon_discount_minor, total_minor)
    SELECT o.tenant_id, o.id, 1, i.id, i.external_id, 'product', 1, o.total_minor, o.total_minor, 0, 0,
    o.total_minor
    FROM crm_order o JOIN crm_item i ON i.tenant_id = o.tenant_id
    AND i.external_id = 'i' || 1 + floor(pg_temp.uniform(o.id, 11) * 2000)::int
    WHERE o.tenant_id = %(tenant)s;

INSERT INTO crm_ordersummary (tenant_id, customer_id, orders_count, revenue_minor, returned_minor,
    first_order_at, last_order_at)
    SELECT tenant_id, customer_id, count(*), sum(total_minor), 0, min(placed_at), max(placed_at)
    FROM crm_order WHERE tenant_id = %(tenant)s GROUP BY tenant_id, customer_id;

INSERT INTO crm_event (tenant_id, message_id, occurred_at, received_at, name, customer_id, properties)
    SELECT c.tenant_id, c.id || '-' || k, at.occurred_at, at.occurred_at,
    (ARRAY['page_viewed','page_viewed','page_viewed','product_viewed','product_viewed','product_viewed',
    'product_added','checkout_started','link_clicked','app_opened'])[1 + floor(pg_temp.uniform(c.id * 31 + k, 12) * 10)::int],
    c.id, jsonb_build_object('category', 'category ' || floor(pg_temp.uniform(c.id * 31 + k, 13) * 20)::int)
    FROM crm_customer c, generate_series(1, %(events)s) k,
    LATERAL (SELECT %(at)s - pg_temp.uniform(c.id * 31 + k, 14) * interval '365 days' AS occurred_at) at
    WHERE c.tenant_id = %(tenant)s ORDER BY at.occurred_at;
