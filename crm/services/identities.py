"""From identities to customers in one query, creating those that nobody has yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import msgspec
from django.db import IntegrityError, connection, transaction

from crm.domain.identities import PLAIN, Spelling, normalise
from crm.queries import customer_policies
from tenants.scope import active_tenant_id

Pair = tuple[str, str]
_SPELLED_BY_POLICY = frozenset({"email", "phone"})

_RESOLVE = """
SELECT i.kind, i.value, i.customer_id FROM ROWS FROM (
    json_array_elements_text(%(kinds)s::json), json_array_elements_text(%(values)s::json)
) AS asked(kind, value)
JOIN crm_identity i ON i.tenant_id = %(tenant)s AND i.kind = asked.kind AND i.value = asked.value
"""
_CREATE = """
WITH wanted AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('crm_customer', 'id')) AS id, asked.kind, asked.value
    FROM ROWS FROM (
    json_array_elements_text(%(kinds)s::json), json_array_elements_text(%(values)s::json)
) AS asked(kind, value)
), added AS (
    INSERT INTO crm_customer (id, tenant_id, public_id, external_id, state, may_profile, attributes,
                              created_at, updated_at)
    SELECT id, %(tenant)s, crm_new_public_id(), CASE WHEN kind = 'external_id' THEN value END, 'active',
           NOT coalesce((SELECT needs_profiling_consent FROM crm_customerpolicy
                         WHERE tenant_id = %(tenant)s), false),
           '{}', %(at)s, %(at)s
    FROM wanted
)
INSERT INTO crm_identity (tenant_id, customer_id, kind, value, created_at)
SELECT %(tenant)s, id, kind, value, %(at)s FROM wanted
RETURNING kind, value, customer_id
"""


def spelling_of(kinds: Iterable[str]) -> Spelling:
    """Return the tenant's spelling if one of the kinds has one: nobody asks the database for the others."""
    return PLAIN if _SPELLED_BY_POLICY.isdisjoint(kinds) else customer_policies.spelling()


def spelled(kind: str, value: str) -> str:
    """Return the tenant's spelling of one identity; empty when it cannot be one."""
    return normalise(kind, value, spelling_of([kind]))


def resolve(pairs: Collection[Pair]) -> dict[Pair, int]:
    """Return the customer's id by identity, for those that are known."""
    return _execute(_RESOLVE, pairs, None)


def resolve_or_create(pairs: Collection[Pair], *, at: datetime) -> dict[Pair, int]:
    """Return the customer's id of every identity; unknown ones get a customer of their own."""
    found = resolve(pairs)
    while missing := sorted(set(pairs) - set(found)):
        try:
            with transaction.atomic():
                found |= _execute(_CREATE, missing, at)
        except IntegrityError:
            # Somebody else created some of them a moment ago; now they are visible, and others may follow.
            created = resolve(missing)
            if not created:
                raise
            found |= created
    return found


def _execute(statement: str, pairs: Collection[Pair], at: datetime | None) -> dict[Pair, int]:
    if not pairs:
        return {}
    kinds, values = zip(*pairs, strict=True)
    params: dict[str, Any] = {
        "tenant": active_tenant_id(),
        # Two texts, not arrays: the driver would look at each of a thousand elements.
        "kinds": msgspec.json.encode(kinds).decode(),
        "values": msgspec.json.encode(values).decode(),
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return {(kind, value): customer_id for kind, value, customer_id in cursor.fetchall()}
