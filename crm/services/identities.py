"""From identities to customers in one query, creating those that nobody has yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import msgspec
from django.db import IntegrityError, connection, transaction

from crm.domain.identities import NAMING_KINDS, PLAIN, Spelling, normalise
from crm.locks import lock_customer
from crm.models import Customer, CustomerState, Identity, IdentityKind, Person
from crm.queries import customer_policies
from crm.services import merges, tombstones
from tenants.domain.actors import Actor
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
    """Return the customer's id of every identity; unknown ones get a customer of their own.

    An identity whose person was erased is left out of the answer.
    """
    found = resolve(pairs)
    wanted = set(pairs)
    if unknown := wanted - set(found):
        wanted -= tombstones.erased(unknown)
    while missing := sorted(wanted - set(found)):
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


@transaction.atomic
def identify(*, links: Collection[tuple[Pair, Pair]], by: Actor, at: datetime) -> dict[Pair, int]:
    """Join what was anonymous to who it turned out to be; return the customer's id of every pair given.

    Each link is (anonymous pair, known pair), both spelled. An unknown anonymous id is pointed to the known
    customer. A customer who had only anonymous ids becomes the known one, or is merged into them with its
    whole history, journalled. Somebody known by a name already is never merged: a shared browser is not a
    person. An erased identity is left out of the answer.
    """
    erased = tombstones.erased({pair for link in links for pair in link})
    asked = [link for link in dict.fromkeys(links) if erased.isdisjoint(link)]
    found = resolve({pair for link in asked for pair in link})
    for anonymous, known in asked:
        _join(anonymous, known, found, by, at)
    # A merge moved what an earlier link had found.
    return resolve({pair for link in asked for pair in link})


def _join(anonymous: Pair, known: Pair, found: dict[Pair, int], by: Actor, at: datetime) -> None:
    stranger = found.get(anonymous)
    if known not in found and stranger is not None and _is_stranger(stranger):
        _point(known, stranger, at)
        found[known] = stranger
        return
    if known not in found:
        found |= resolve_or_create([known], at=at)
    person = found.get(known)
    if person is None:
        return
    if stranger is None:
        _point(anonymous, person, at)
        found[anonymous] = person
    elif stranger != person and _is_stranger(stranger):
        merges.absorb(survivor_id=person, absorbed_id=stranger, choices={}, reason="identify", by=by, at=at)
        found |= {pair: person for pair, customer_id in found.items() if customer_id == stranger}


def _is_stranger(customer_id: int) -> bool:
    """Lock the customer and tell whether nothing but anonymous ids is known of them."""
    customer = lock_customer(customer_id)
    return (
        customer.state == CustomerState.ACTIVE
        and customer.external_id is None
        and not Person.objects.filter(customer=customer).exists()
        and not Identity.objects.filter(customer=customer, kind__in=NAMING_KINDS).exists()
    )


def _point(pair: Pair, customer_id: int, at: datetime) -> None:
    kind, value = pair
    Identity.objects.bulk_create(
        [Identity(customer_id=customer_id, kind=kind, value=value, created_at=at)], ignore_conflicts=True
    )
    if kind == IdentityKind.EXTERNAL_ID:
        Customer.objects.filter(pk=customer_id, external_id=None).update(external_id=value, updated_at=at)
