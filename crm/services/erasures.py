"""Erasing a customer: the person goes, the books stay by number, and nothing about them comes in again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from crm import signals
from crm.domain.personal_data import HARMLESS_PROPERTIES
from crm.locks import lock_customers
from crm.models import AttributeDefinition, Customer, CustomerState, Identity, Person
from crm.queries import sensitive
from crm.services import tombstones
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import Conflict
from tenants.scope import active_tenant_id
from tenants.services import audit, outbox

Pair = tuple[str, str]
_CLUSTER = """
WITH RECURSIVE cluster AS (
    SELECT id FROM crm_customer WHERE tenant_id = %(tenant)s AND id = %(id)s
  UNION
    SELECT c.id FROM cluster JOIN crm_customer c ON c.tenant_id = %(tenant)s AND c.merged_into_id = cluster.id
)
SELECT id FROM cluster ORDER BY id
"""
# Tables whose rows go whole. Rejects and quarantined rows are no books: one that mentions the person goes.
_TABLES_OF_THE_PERSON = (
    "crm_person",
    "crm_identity",
    "crm_matchkey",
    "crm_computedtrait",
    "crm_customerprofile",
    "crm_segmentmember",
    "crm_segmentdeparture",
    "crm_consent",
)
_TEXTS = (
    ("crm_eventreject", "payload"),
    ("crm_quarantinedrow", "raw"),
    ("crm_stagedrow", "fields"),
    ("tenants_idempotencyrecord", "body"),
)
_DELETE_OF = "DELETE FROM {table} WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(ids)s)"
_DELETE_MENTIONS = """
DELETE FROM {table} WHERE tenant_id = %(tenant)s
  AND EXISTS (SELECT FROM unnest(%(words)s::text[]) w WHERE position(w IN lower({column}::text)) > 0)
"""
_STATEMENTS = {
    "candidates": """
        DELETE FROM crm_duplicatecandidate WHERE tenant_id = %(tenant)s
          AND (first_id = ANY(%(ids)s) OR second_id = ANY(%(ids)s))""",
    "merged_rows": """
        DELETE FROM crm_mergedrow WHERE tenant_id = %(tenant)s AND merge_id IN (
            SELECT id FROM crm_customermerge WHERE tenant_id = %(tenant)s
               AND (survivor_id = ANY(%(ids)s) OR absorbed_id = ANY(%(ids)s)))""",
    "archives": """
        DELETE FROM crm_privacyarchive WHERE tenant_id = %(tenant)s AND request_id IN (
            SELECT id FROM crm_privacyrequest WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(ids)s))""",
    # Messages that wait still have work to do; what they bring in meets the tombstones.
    "messages": """
        DELETE FROM tenants_outboxmessage WHERE tenant_id = %(tenant)s AND state <> 'pending'
          AND EXISTS (SELECT FROM unnest(%(words)s::text[]) w
                      WHERE position(w IN lower(payload::text)) > 0)""",
    # What was learnt from traffic shows a few values as they came.
    "schema_examples": """
        UPDATE crm_propertyschema SET examples = '[]' WHERE tenant_id = %(tenant)s
          AND EXISTS (SELECT FROM unnest(%(words)s::text[]) w
                      WHERE position(w IN lower(examples::text)) > 0)""",
    # An import cannot be undone for somebody who is gone; their rows in its journal say only that.
    "import_changes": """
        UPDATE crm_importchange SET before = '{}', after = '{}' WHERE tenant_id = %(tenant)s
          AND (before <> '{}' OR after <> '{}')
          AND EXISTS (SELECT FROM unnest(%(words)s::text[]) w
                      WHERE position(w IN lower(before::text || ' ' || after::text)) > 0)""",
    "consent_proofs": """
        UPDATE crm_consentchange SET address = '', recorded_by = ''
        WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(ids)s)""",
    "events": """
        UPDATE crm_event SET properties = (
            SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(properties)
            WHERE key = ANY(%(harmless)s) AND jsonb_typeof(value) IN ('string', 'number')
        ) WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(ids)s) AND properties <> '{}'""",
    "merges": """
        UPDATE crm_customermerge SET before = '{}', after = '{}', choices = '{}', reason = '',
               journal_purged_at = coalesce(journal_purged_at, %(at)s)
        WHERE tenant_id = %(tenant)s AND (survivor_id = ANY(%(ids)s) OR absorbed_id = ANY(%(ids)s))""",
    "customers": """
        UPDATE crm_customer SET state = 'anonymised', merged_into_id = NULL, external_id = NULL,
               may_profile = false, may_personalise = false, updated_at = %(at)s,
               attributes = (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(attributes)
                             WHERE key = ANY(%(kept)s))
        WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s)""",
    "audit_entries": "SELECT tenants_redact_customer_audit(%(public_ids)s)",
}
_SEGMENTS = """
SELECT DISTINCT segment_id FROM crm_segmentmember
WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(ids)s)
"""
_RECOUNT = """
UPDATE crm_segment s SET member_count = (
    SELECT count(*) FROM crm_segmentmember m WHERE m.tenant_id = s.tenant_id AND m.segment_id = s.id
) WHERE s.tenant_id = %(tenant)s AND s.id = ANY(%(segments)s)
"""
SHORTEST_WORD = 5


class NotErasable(Conflict):
    """The customer was merged into another: erase that one, and this one goes with it."""

    code = "not_erasable"
    title = "This customer cannot be erased on its own"


@transaction.atomic
def erase(*, customer: Customer, by: Actor, at: datetime) -> dict[str, int]:
    """Erase a customer and all who were merged into them; return rows removed or emptied by kind.

    Orders, returns, the names and times of events and the points ledger stay by number. Sends
    ``customer_erased`` for each record inside the transaction. Safe to repeat. Raises ``NotErasable``.
    """
    by.require(Permission.PRIVACY_MANAGE)
    if customer.state == CustomerState.MERGED:
        raise NotErasable("Erase the customer this one was merged into.")
    return wipe(customer_id=customer.pk, by=by, at=at)


@transaction.atomic
def wipe(*, customer_id: int, by: Actor, at: datetime) -> dict[str, int]:
    """Do what ``erase`` does for a service that has checked the actor's right; for replays as well."""
    cluster = lock_customers(_cluster(customer_id))
    pairs = _pairs(cluster)
    tombstones.bury(pairs=pairs, at=at)
    counts = _carry_out(cluster, pairs, at)
    for each in cluster:
        signals.customer_erased.send(sender=Customer, customer_id=each.pk, by=by, at=at)
    # The target's label is its number from now on: the row has no name to give.
    target = Customer.objects.get(pk=customer_id)
    audit.record(action="customer.erased", target=target, by=by, at=at)
    ids = [each.pk for each in cluster]
    outbox.publish(topic="crm.customers_erased", payload={"customer_ids": ids}, at=at)
    return counts


def _cluster(customer_id: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_CLUSTER, {"tenant": active_tenant_id(), "id": customer_id})
        return [each for (each,) in cursor.fetchall()]


def _pairs(cluster: Collection[Customer]) -> list[Pair]:
    """Every identity the records had, those that only stand in fields included."""
    found = list(Identity.objects.filter(customer__in=cluster).values_list("kind", "value"))
    for person in Person.objects.filter(customer__in=cluster):
        found += [("email", person.email), ("phone", person.phone)]
    found += [("external_id", each.external_id or "") for each in cluster]
    return [(kind, value) for kind, value in dict.fromkeys(found) if value]


def _words(cluster: Collection[Customer], pairs: Collection[Pair]) -> list[str]:
    """What a text would call the person: identities as spelled and as given, and public ids."""
    given = Identity.objects.filter(customer__in=cluster).exclude(given="").values_list("given", flat=True)
    words = {value.lower() for _kind, value in pairs} | {each.lower() for each in given}
    words |= {str(each.public_id) for each in cluster}
    return sorted(word for word in words if len(word) >= SHORTEST_WORD)


def _carry_out(cluster: Collection[Customer], pairs: Collection[Pair], at: datetime) -> dict[str, int]:
    ids = [each.pk for each in cluster]
    params: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "ids": ids,
        "public_ids": [str(each.public_id) for each in cluster],
        "words": _words(cluster, pairs),
        "harmless": sorted(HARMLESS_PROPERTIES - sensitive.property_keys()),
        "kept": list(
            AttributeDefinition.objects.filter(subject="customer", is_personal=False).values_list(
                "key", flat=True
            )
        ),
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SEGMENTS, params)
        params["segments"] = [each for (each,) in cursor.fetchall()]
        counts: dict[str, int] = {}
        for name, statement in _all_statements():
            cursor.execute(statement, params)
            counts[name] = cursor.fetchone()[0] if name == "audit_entries" else cursor.rowcount
        cursor.execute(_RECOUNT, params)
    return {name: count for name, count in counts.items() if count}


def _all_statements() -> list[tuple[str, str]]:
    return [
        *((table, _DELETE_OF.format(table=table)) for table in _TABLES_OF_THE_PERSON),
        *((table, _DELETE_MENTIONS.format(table=table, column=column)) for table, column in _TEXTS),
        *_STATEMENTS.items(),
    ]
