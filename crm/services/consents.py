"""Consents: a history that is only added to, and the current state read from its newest rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from crm.domain.consents import ANY_CHANNEL, has_channel
from crm.models import Channel, Purpose
from crm.services import customer_touches
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import FieldError, InvalidInput
from tenants.scope import active_tenant_id
from tenants.services import outbox

CLOCK_SKEW = timedelta(days=1)
_BATCH = 5000
# The same decision told twice is one row: imports can be run again, requests can be retried.
_ADD = """
INSERT INTO crm_consentchange (tenant_id, customer_id, purpose, channel, is_granted, occurred_at, recorded_at,
                               recorded_by, source, wording, address)
SELECT %(tenant)s, g.customer_id, g.purpose, g.channel, g.is_granted, g.occurred_at, %(at)s,
       %(by)s, g.source, g.wording, g.address
FROM jsonb_to_recordset(%(rows)s::jsonb) AS g(customer_id bigint, purpose text, channel text,
     is_granted boolean, occurred_at timestamptz, source text, wording text, address text)
ON CONFLICT (tenant_id, customer_id, purpose, channel, occurred_at, is_granted) DO NOTHING
RETURNING customer_id
"""
_REBUILD = """
WITH newest AS (
    SELECT DISTINCT ON (customer_id, purpose, channel) customer_id, purpose, channel, is_granted, occurred_at
    FROM crm_consentchange WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(ids)s)
    ORDER BY customer_id, purpose, channel, occurred_at DESC, is_granted
), gone AS (
    DELETE FROM crm_consent c WHERE c.tenant_id = %(tenant)s AND c.customer_id = ANY(%(ids)s)
      AND NOT EXISTS (SELECT FROM newest n WHERE n.customer_id = c.customer_id AND n.purpose = c.purpose
                      AND n.channel = c.channel)
)
INSERT INTO crm_consent AS kept (tenant_id, customer_id, purpose, channel, is_granted, changed_at)
SELECT %(tenant)s, customer_id, purpose, channel, is_granted, occurred_at FROM newest
ON CONFLICT (tenant_id, customer_id, purpose, channel) DO UPDATE SET
    is_granted = excluded.is_granted, changed_at = excluded.changed_at
WHERE (kept.is_granted, kept.changed_at) IS DISTINCT FROM (excluded.is_granted, excluded.changed_at)
"""
# Who has never decided keeps what the customer's row says: the tenant's default when it was made.
_FLAGS = """
UPDATE crm_customer c SET
    may_profile = coalesce(d.profiling, c.may_profile),
    may_personalise = coalesce(d.personalisation, c.may_personalise)
FROM (
    SELECT customer_id, bool_and(is_granted) FILTER (WHERE purpose = 'profiling') AS profiling,
           bool_and(is_granted) FILTER (WHERE purpose = 'personalisation') AS personalisation
    FROM crm_consent WHERE tenant_id = %(tenant)s AND customer_id = ANY(%(ids)s)
    GROUP BY customer_id
) d
WHERE c.tenant_id = %(tenant)s AND c.id = d.customer_id
  AND (c.may_profile, c.may_personalise) IS DISTINCT FROM
      (coalesce(d.profiling, c.may_profile), coalesce(d.personalisation, c.may_personalise))
"""


@dataclass(frozen=True, slots=True)
class NewConsent:
    """A decision of a customer: ``source`` says where it was given, ``wording`` which text was shown."""

    customer_id: int
    purpose: str
    is_granted: bool
    occurred_at: datetime
    channel: str = ANY_CHANNEL
    source: str = ""
    wording: str = ""
    address: str = ""


@transaction.atomic
def record(*, changes: Sequence[NewConsent], by: Actor, at: datetime) -> int:
    """Add decisions of any number of customers in bulk; return how many were new.

    A decision older than what is known joins the history and changes nothing now. A withdrawal of profiling
    or personalisation takes effect with this transaction. Publishes ``crm.consents_changed``. Raises
    ``InvalidInput`` with ``/<position>/<field>``; a customer of another tenant is a foreign-key error.
    """
    by.require(Permission.CONSENTS_EDIT)
    return add(changes=changes, by=by, at=at)


def add(*, changes: Sequence[NewConsent], by: Actor, at: datetime) -> int:
    """Do what ``record`` does for a service that has checked the actor's right to its own change."""
    _check(changes, at)
    added = 0
    for start in range(0, len(changes), _BATCH):
        added += _record_batch(changes[start : start + _BATCH], by, at)
    return added


@transaction.atomic
def rebuild(*, customer_ids: Collection[int]) -> None:
    """Read the current state of these customers from their histories again."""
    params: dict[str, Any] = {"tenant": active_tenant_id(), "ids": sorted(customer_ids)}
    with connection.cursor() as cursor:
        cursor.execute(_REBUILD, params)
        cursor.execute(_FLAGS, params)
    customer_touches.add(customer_ids)


def _record_batch(changes: Sequence[NewConsent], by: Actor, at: datetime) -> int:
    rows = [
        {
            "customer_id": each.customer_id,
            "purpose": each.purpose,
            "channel": each.channel,
            "is_granted": each.is_granted,
            "occurred_at": each.occurred_at.isoformat(),
            "source": each.source[:60],
            "wording": each.wording[:60],
            "address": each.address[:45],
        }
        for each in changes
    ]
    params: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "at": at,
        "by": by.label[:254],
        "rows": json.dumps(rows),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ADD, params)
        touched = [customer_id for (customer_id,) in cursor.fetchall()]
    if touched:
        ids = sorted(set(touched))
        rebuild(customer_ids=ids)
        outbox.publish(topic="crm.consents_changed", payload={"customer_ids": ids}, at=at)
    return len(touched)


def _check(changes: Sequence[NewConsent], at: datetime) -> None:
    errors: list[FieldError] = []
    for number, each in enumerate(changes):
        if each.purpose not in Purpose.values:
            errors.append(FieldError(f"/{number}/purpose", "unknown_purpose", "There is no such purpose."))
        elif each.channel not in Channel.values or not has_channel(each.purpose, each.channel):
            errors.append(
                FieldError(f"/{number}/channel", "unknown_channel", "This purpose has no such channel.")
            )
        if each.occurred_at > at + CLOCK_SKEW:
            errors.append(FieldError(f"/{number}/occurred_at", "in_the_future", "At most one day from now."))
    if errors:
        raise InvalidInput(errors=errors[:100])
