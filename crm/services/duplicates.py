"""Finding customers who may be one person, as sets, and what staff decide about them.

Customers are compared only within blocks that share a key: the loosest spelling of an e-mail, the end of a
phone number, or a date of birth or postcode with an initial. Blocks above a cap are left out, because a key
that hundreds share tells nobody apart, so that the work grows with the number of customers. Keys are compared
by equality, which uses indexes under row-level security; trigrams only weigh the pairs that are left.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from crm.models import CandidateState, Customer, DuplicateCandidate
from crm.services import merges
from crm.services.merges import CustomersNotMergeable
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.scope import active_tenant_id
from tenants.services import audit

LARGEST_BLOCK: Final = 60
LEAST_SCORE: Final = 0.6
LEAST_SIMILARITY: Final = 0.45
_PERSON = "crm_person p WHERE p.tenant_id = %(tenant)s AND ({all} OR p.customer_id = ANY(%(ids)s))"
_IDENTITY = "crm_identity i WHERE i.tenant_id = %(tenant)s AND ({all} OR i.customer_id = ANY(%(ids)s))"
_EMAIL = """
CASE WHEN split_part({email}, '@', 2) IN ('gmail.com', 'googlemail.com')
     THEN replace(split_part(split_part({email}, '@', 1), '+', 1), '.', '') || '@gmail.com'
     ELSE split_part(split_part({email}, '@', 1), '+', 1) || '@' || split_part({email}, '@', 2) END
"""
_DIGITS = r"regexp_replace({phone}, '\D', '', 'g')"
_INITIALS = (
    "CROSS JOIN LATERAL (VALUES (left(p.given_name_lower, 1)), (left(p.family_name_lower, 1))) n(initial)"
)
_FORGET_KEYS = """
DELETE FROM crm_matchkey k WHERE k.tenant_id = %(tenant)s AND ({all} OR k.customer_id = ANY(%(ids)s))
"""
_WRITE_KEYS = f"""
INSERT INTO crm_matchkey (tenant_id, customer_id, kind, key)
SELECT DISTINCT %(tenant)s::bigint, found.customer_id, found.kind, left(found.key, 254) FROM (
    SELECT p.customer_id, 'email' AS kind, {_EMAIL.format(email="p.email_lower")} AS key
    FROM {_PERSON} AND p.email <> ''
  UNION ALL
    SELECT i.customer_id, 'email', {_EMAIL.format(email="lower(i.value)")}
    FROM {_IDENTITY} AND i.kind = 'email'
  UNION ALL
    SELECT p.customer_id, 'phone', right({_DIGITS.format(phone="p.phone")}, 9)
    FROM {_PERSON} AND length({_DIGITS.format(phone="p.phone")}) >= 7
  UNION ALL
    SELECT i.customer_id, 'phone', right({_DIGITS.format(phone="i.value")}, 9)
    FROM {_IDENTITY} AND i.kind = 'phone' AND length({_DIGITS.format(phone="i.value")}) >= 7
  UNION ALL
    SELECT p.customer_id, 'birth', p.birth_on::text || n.initial
    FROM crm_person p {_INITIALS} {{person}} AND p.birth_on IS NOT NULL AND n.initial <> ''
  UNION ALL
    SELECT p.customer_id, 'postcode', upper(replace(p.postcode, ' ', '')) || ':' || n.initial
    FROM crm_person p {_INITIALS} {{person}} AND p.postcode <> '' AND n.initial <> ''
) found
JOIN crm_customer c ON c.tenant_id = %(tenant)s AND c.id = found.customer_id
 AND c.state IN ('active', 'suspended')
"""  # noqa: S608 - joined from constants
_KEYS_OF_ALL = """
SELECT kind, key FROM crm_matchkey WHERE tenant_id = %(tenant)s GROUP BY kind, key HAVING count(*) > 1
"""
_KEYS_OF_SOME = """
SELECT DISTINCT kind, key FROM crm_matchkey WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(ids)s)
"""
# Each proof is the chance that it alone makes one person of two; together they leave the product of the
# doubts (noisy-or). A shared address or number of people with unlike names is a household's and weighs less.
_PAIRS = """
CREATE TEMPORARY TABLE found_pair ON COMMIT DROP AS
WITH asked AS MATERIALIZED ({keys}), block AS MATERIALIZED (
    SELECT k.kind, k.key, array_agg(k.customer_id) AS members FROM asked
    JOIN crm_matchkey k ON k.tenant_id = %(tenant)s AND k.kind = asked.kind AND k.key = asked.key
    GROUP BY k.kind, k.key HAVING count(*) BETWEEN 2 AND %(cap)s
), pair AS (
    SELECT a.id AS first_id, b.id AS second_id,
           bool_or(kind = 'email') AS email, bool_or(kind = 'phone') AS phone,
           bool_or(kind = 'birth') AS birth, bool_or(kind = 'postcode') AS postcode
    FROM block CROSS JOIN LATERAL unnest(members) a(id) CROSS JOIN LATERAL unnest(members) b(id)
    WHERE a.id < b.id AND ({all} OR a.id = ANY(%(ids)s) OR b.id = ANY(%(ids)s))
    GROUP BY a.id, b.id
), named AS (
    SELECT pair.*, nullif(btrim(a.given_name_lower || ' ' || a.family_name_lower), '') AS mine,
           nullif(btrim(b.given_name_lower || ' ' || b.family_name_lower), '') AS theirs,
           nullif(btrim(b.family_name_lower || ' ' || b.given_name_lower), '') AS swapped,
           a.birth_on <> b.birth_on AS born_apart
    FROM pair
    LEFT JOIN crm_person a ON a.tenant_id = %(tenant)s AND a.customer_id = pair.first_id
    LEFT JOIN crm_person b ON b.tenant_id = %(tenant)s AND b.customer_id = pair.second_id
), likened AS (
    SELECT *, greatest(similarity(mine, theirs), similarity(mine, swapped)) AS alike FROM named
), judged AS (
    SELECT *, coalesce(alike < 0.3, false) AS unlike, coalesce(alike >= %(similar)s, false) AS is_near
    FROM likened
)
SELECT first_id, second_id,
       (1 - (1 - CASE WHEN email THEN CASE WHEN unlike THEN 0.5 ELSE 0.95 END ELSE 0 END)
          * (1 - CASE WHEN phone THEN CASE WHEN unlike THEN 0.35 ELSE 0.85 END ELSE 0 END)
          * (1 - CASE WHEN birth AND is_near THEN 0.5 + 0.4 * alike ELSE 0 END)
          * (1 - CASE WHEN postcode AND is_near THEN 0.3 + 0.4 * alike ELSE 0 END))
       * CASE WHEN born_apart THEN 0.5 ELSE 1 END AS score,
       to_jsonb(array_remove(ARRAY[
           CASE WHEN email THEN 'email' END, CASE WHEN phone THEN 'phone' END,
           CASE WHEN birth AND is_near THEN 'birth' END, CASE WHEN postcode AND is_near THEN 'postcode' END
       ], NULL)) AS reasons
FROM judged
"""
_KEEP = """
INSERT INTO crm_duplicatecandidate AS kept (tenant_id, public_id, first_id, second_id, score, reasons, state,
                                            found_at, decided_by)
SELECT %(tenant)s, crm_new_public_id(), first_id, second_id, round(score::numeric, 3), reasons, 'open',
       %(at)s, ''
FROM found_pair WHERE score >= %(least)s
ON CONFLICT (tenant_id, first_id, second_id) DO UPDATE SET score = excluded.score, reasons = excluded.reasons
WHERE kept.state = 'open' AND (kept.score, kept.reasons) IS DISTINCT FROM (excluded.score, excluded.reasons)
"""
_DROP_STALE = """
DELETE FROM crm_duplicatecandidate d
WHERE d.tenant_id = %(tenant)s AND d.state = 'open'
  AND ({all} OR d.first_id = ANY(%(ids)s) OR d.second_id = ANY(%(ids)s))
  AND NOT EXISTS (SELECT FROM found_pair f WHERE f.first_id = d.first_id AND f.second_id = d.second_id
                  AND f.score >= %(least)s)
"""
_COUNT_LARGE = """
SELECT count(*) FROM (SELECT FROM crm_matchkey WHERE tenant_id = %(tenant)s GROUP BY kind, key
                      HAVING count(*) > %(cap)s) large
"""


@dataclass(frozen=True, slots=True)
class Found:
    """Open candidates after a search, and how many keys too many customers share to say anything."""

    candidates: int
    large_blocks: int


@transaction.atomic
def find(*, customer_ids: Collection[int] | None = None, at: datetime) -> Found:
    """Compare the given customers with everybody, or everybody with everybody; keep the likely pairs.

    A pair that staff decided about keeps their decision. An open one that is not likely any more goes.
    """
    params: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "ids": sorted(customer_ids or []),
        "at": at,
        "cap": LARGEST_BLOCK,
        "least": LEAST_SCORE,
        "similar": LEAST_SIMILARITY,
    }
    is_all = "true" if customer_ids is None else "false"
    keys = _KEYS_OF_ALL if customer_ids is None else _KEYS_OF_SOME
    person = f"WHERE p.tenant_id = %(tenant)s AND ({is_all} OR p.customer_id = ANY(%(ids)s))"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.found_pair")
        cursor.execute(_FORGET_KEYS.format(all=is_all), params)
        cursor.execute(_WRITE_KEYS.format(all=is_all, person=person), params)
        cursor.execute(_PAIRS.format(all=is_all, keys=keys), params)
        cursor.execute(_KEEP, params)
        cursor.execute(_DROP_STALE.format(all=is_all), params)
        cursor.execute(_COUNT_LARGE, params)
        (large,) = cursor.fetchone()
        cursor.execute("DROP TABLE found_pair")
    open_now = DuplicateCandidate.objects.filter(state=CandidateState.OPEN).count()
    return Found(candidates=open_now, large_blocks=large if customer_ids is None else 0)


@transaction.atomic
def dismiss(*, candidates: Collection[DuplicateCandidate], by: Actor, at: datetime) -> int:
    """Say that these pairs are not one person each; they are not suggested again. Return how many changed."""
    by.require(Permission.CUSTOMERS_MERGE)
    changed: int = DuplicateCandidate.objects.filter(
        pk__in=[each.pk for each in candidates], state=CandidateState.OPEN
    ).update(state=CandidateState.DISMISSED, decided_at=at, decided_by=by.label[:254])
    for each in candidates:
        audit.record(action="duplicate.dismissed", target=each, by=by, at=at)
    return changed


@transaction.atomic
def reopen(*, candidate: DuplicateCandidate, by: Actor, at: datetime) -> None:
    """Take a dismissal back."""
    by.require(Permission.CUSTOMERS_MERGE)
    DuplicateCandidate.objects.filter(pk=candidate.pk, state=CandidateState.DISMISSED).update(
        state=CandidateState.OPEN, decided_at=None, decided_by=""
    )
    audit.record(action="duplicate.reopened", target=candidate, by=by, at=at)


@transaction.atomic
def settle(*, survivor_id: int, absorbed_id: int, is_merged: bool, at: datetime) -> None:
    """Follow a merge or its undoing: mark the pair, then look at both customers again."""
    first, second = sorted([survivor_id, absorbed_id])
    pair = DuplicateCandidate.objects.filter(first_id=first, second_id=second)
    if is_merged:
        pair.update(state=CandidateState.MERGED, decided_at=at)
    else:
        pair.filter(state=CandidateState.MERGED).update(state=CandidateState.OPEN, decided_at=None)
    find(customer_ids=[first, second], at=at)


def merge_all(*, candidates: Collection[DuplicateCandidate], by: Actor, at: datetime) -> tuple[int, int]:
    """Merge each pair, the younger record into the older; return how many were merged and how many refused.

    A customer who went into another by an earlier pair of the same call is followed there. Each pair is a
    savepoint of its own: one that cannot be merged does not hold up the others.
    """
    by.require(Permission.CUSTOMERS_MERGE)
    merged = 0
    for candidate in candidates:
        first, second = _survivor(candidate.first_id), _survivor(candidate.second_id)
        survivor, absorbed = sorted([first, second], key=lambda each: (each.created_at, each.pk))
        try:
            with transaction.atomic():
                merges.merge(survivor=survivor, absorbed=absorbed, reason="duplicate", by=by, at=at)
        except CustomersNotMergeable:
            continue
        merged += 1
    return merged, len(candidates) - merged


def _survivor(customer_id: int) -> Customer:
    customer: Customer = Customer.objects.select_related("merged_into").get(pk=customer_id)
    while customer.merged_into is not None:
        customer = customer.merged_into
    return customer
