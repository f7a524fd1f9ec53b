"""Identify calls on the customer: personal fields, attributes, addresses as identities."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from crm.domain.event_catalogue import IDENTIFIED
from crm.domain.identify_traits import told_by
from crm.models import Customer, Event, Person
from crm.services import customers, identities
from tenants.domain.actors import SYSTEM
from tenants.scope import active_tenant_id

_STRIP = """
UPDATE crm_event SET properties = properties - %s::text[]
WHERE tenant_id = %s AND message_id = %s AND occurred_at = %s
"""


def apply(
    *, customer: Customer, traits: Mapping[str, Any], message_id: str, occurred_at: datetime, at: datetime
) -> None:
    """Write what an identify call told; a late one fills only what is not known yet.

    Personal values move out of the event into the person's row, which is where erasure looks for them. An
    address that belongs to somebody else is kept as text and is no identity: two customers who share it are
    a duplicate for staff to judge.
    """
    told = told_by(traits)
    person, attributes = dict(told.person), dict(told.attributes)
    if _is_late(customer, occurred_at):
        known = Person.objects.filter(customer=customer).first()
        person = {name: value for name, value in person.items() if not getattr(known, name, None)}
        attributes = {key: value for key, value in attributes.items() if key not in customer.attributes}
    taken = _taken(customer, person)
    if person or attributes:
        change = customers.CustomerChange(
            person={name: value for name, value in person.items() if name not in taken},
            attributes=attributes,
        )
        customers.update(customer=customer, change=change, by=SYSTEM, at=at)
    if taken:
        Person.objects.update_or_create(customer=customer, defaults=taken)
    if told.personal_keys:
        keys = sorted({"address", *told.personal_keys} & set(traits))
        with connection.cursor() as cursor:
            cursor.execute(_STRIP, [keys, active_tenant_id(), message_id, occurred_at])


def _is_late(customer: Customer, occurred_at: datetime) -> bool:
    return Event.objects.filter(customer=customer, name=IDENTIFIED, occurred_at__gt=occurred_at).exists()


def _taken(customer: Customer, person: Mapping[str, Any]) -> dict[str, Any]:
    """Return the e-mail and phone that cannot be this customer's identity: another's, or badly written."""
    pairs = {
        kind: (kind, identities.spelled(kind, person[kind])) for kind in ("email", "phone") if kind in person
    }
    found = identities.resolve([pair for pair in pairs.values() if pair[1]])
    return {
        kind: person[kind]
        for kind, pair in pairs.items()
        if not pair[1] or found.get(pair, customer.pk) != customer.pk
    }
