"""Customers: created, patched, found by identity. Personal data goes to `Person`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from crm.domain.identities import Spelling, normalise
from crm.locks import lock_customer
from crm.models import Customer, CustomerState, Identity, IdentityKind, Person, Purpose
from crm.queries import customer_policies
from crm.services import consents, customer_touches, identities, tombstones
from crm.services.tombstones import IdentityErased
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import Conflict, FieldError, InvalidInput, NotFound
from tenants.services import audit, outbox

_DIRECT_FIELDS = ("may_profile", "member_since")
MOST_ATTRIBUTES = 200


class IdentityTaken(Conflict):
    """The identity points to another customer already."""

    code = "identity_taken"
    title = "This identity belongs to another customer"


class CustomerNotEditable(Conflict):
    """A merged or anonymised customer is history."""

    code = "customer_not_editable"
    title = "A merged or anonymised customer cannot be changed"


@dataclass(frozen=True, slots=True)
class CustomerChange:
    """What to set; only what is named changes. An attribute set to None is removed."""

    person: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    identities: tuple[tuple[str, str], ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def create(
    *, external_id: str | None = None, change: CustomerChange | None = None, by: Actor, at: datetime
) -> Customer:
    """Create a customer with identities and personal data. Raises ``IdentityTaken``, ``InvalidInput``."""
    by.require(Permission.CUSTOMERS_EDIT)
    change = change or CustomerChange()
    customer: Customer = Customer(external_id=external_id or None, created_at=at, updated_at=at)
    customer.may_profile = not customer_policies.current().needs_profiling_consent
    _apply_fields(customer, change)
    try:
        with transaction.atomic():
            customer.save(force_insert=True)
    except IntegrityError as error:
        raise IdentityTaken(identity=f"external_id:{external_id}") from error
    if external_id:
        add_identity(customer=customer, kind=IdentityKind.EXTERNAL_ID, value=external_id, at=at)
    _apply_rows(customer, change, at)
    _record_profiling(customer, change, by, at)
    customer_touches.add([customer.pk], is_history=False)
    _publish_change(customer, at)
    audit.record(action="customer.created", target=customer, by=by, at=at)
    return customer


@transaction.atomic
def update(*, customer: Customer, change: CustomerChange, by: Actor, at: datetime) -> Customer:
    """Patch a customer. Raises ``CustomerNotEditable``, ``IdentityTaken``, ``InvalidInput``."""
    by.require(Permission.CUSTOMERS_EDIT)
    customer = lock_customer(customer.pk)
    if customer.state in {CustomerState.MERGED, CustomerState.ANONYMISED}:
        raise CustomerNotEditable
    before = dict(customer.attributes)
    _apply_fields(customer, change)
    customer.updated_at = at
    customer.save()
    _apply_rows(customer, change, at)
    _record_profiling(customer, change, by, at)
    customer_touches.add([customer.pk], is_history=False)
    if change.person or change.identities:
        _publish_change(customer, at)
    diff: dict[str, Any] = {name: ["", "changed"] for name in change.person}
    diff |= {
        f"attributes.{key}": [before.get(key), customer.attributes.get(key)] for key in change.attributes
    }
    audit.record(action="customer.updated", target=customer, by=by, at=at, diff=diff)
    return customer


@transaction.atomic
def set_suspended(*, customer: Customer, suspended: bool, by: Actor, at: datetime) -> Customer:
    """Suspend an active customer, or make a suspended one active again."""
    by.require(Permission.CUSTOMERS_EDIT)
    customer = lock_customer(customer.pk)
    allowed = CustomerState.ACTIVE if suspended else CustomerState.SUSPENDED
    if customer.state != allowed:
        raise CustomerNotEditable(f"The customer is {customer.state}.")
    before, customer.state = customer.state, CustomerState.SUSPENDED if suspended else CustomerState.ACTIVE
    customer.updated_at = at
    customer.save(update_fields=["state", "updated_at"])
    customer_touches.add([customer.pk], is_history=False)
    audit.record(
        action="customer.state_changed",
        target=customer,
        by=by,
        at=at,
        diff={"state": [before, customer.state]},
    )
    return customer


def open_for_change(customer: Customer) -> Customer:
    """Return the customer, or the one they were merged into. Raises ``CustomerNotEditable`` if anonymised."""
    return _surviving(customer)


def add_identity(
    *,
    customer: Customer,
    kind: str,
    value: str,
    at: datetime,
    pointer: str = "/identities",
    spelling: Spelling | None = None,
) -> Identity:
    """Point an identity to the customer, if it does not yet; ``pointer`` is where the value was given.

    Raises ``IdentityTaken`` and ``InvalidInput``.
    """
    spelled = normalise(kind, value, spelling or identities.spelling_of([kind]))
    if not spelled:
        raise InvalidInput(errors=[FieldError(pointer, "invalid", f"“{value}” is no {kind}.")])
    if tombstones.erased([(kind, spelled)]):
        raise IdentityErased(identity=kind)
    given = value.strip() if value.strip() != spelled else ""
    identity, _created = Identity.objects.get_or_create(
        kind=kind, value=spelled, defaults={"customer": customer, "given": given, "created_at": at}
    )
    if identity.customer_id != customer.pk:
        raise IdentityTaken(identity=f"{kind}:{spelled}")
    found: Identity = identity
    return found


def _publish_change(customer: Customer, at: datetime) -> None:
    outbox.publish(topic="crm.customers_changed", payload={"customer_ids": [customer.pk]}, at=at)


def _apply_fields(customer: Customer, change: CustomerChange) -> None:
    for name, value in change.fields.items():
        if name not in _DIRECT_FIELDS:
            raise InvalidInput(errors=[FieldError(f"/{name}", "read_only", "This field cannot be set.")])
        setattr(customer, name, value)
    merged = {**customer.attributes, **change.attributes}
    customer.attributes = {key: value for key, value in merged.items() if value is not None}
    if len(customer.attributes) > MOST_ATTRIBUTES:
        raise InvalidInput(
            errors=[FieldError("/attributes", "too_many", f"At most {MOST_ATTRIBUTES} attributes.")]
        )


def _record_profiling(customer: Customer, change: CustomerChange, by: Actor, at: datetime) -> None:
    """A profile that is switched on or off by hand is a decision like any other, with its history."""
    if "may_profile" not in change.fields:
        return
    decision = consents.NewConsent(
        customer_id=customer.pk,
        purpose=Purpose.PROFILING,
        is_granted=bool(change.fields["may_profile"]),
        occurred_at=at,
        source=str(by.kind),
        address=by.address,
    )
    consents.add(changes=[decision], by=by, at=at)


def _apply_rows(customer: Customer, change: CustomerChange, at: datetime) -> None:
    if change.person:
        Person.objects.update_or_create(customer=customer, defaults=dict(change.person))
    given = [(kind, value, f"/identities/{n}/value") for n, (kind, value) in enumerate(change.identities)]
    given += [
        (kind, str(change.person[kind]), f"/person/{kind}")
        for kind in ("email", "phone")
        if change.person.get(kind)
    ]
    spelling = identities.spelling_of(kind for kind, _value, _pointer in given)
    for kind, value, pointer in given:
        add_identity(customer=customer, kind=kind, value=value, at=at, pointer=pointer, spelling=spelling)


@transaction.atomic
def obtain(*, public_id: UUID | None = None, external_id: str | None = None, at: datetime) -> Customer | None:
    """Return the customer named by either id, a new one for an unknown external id, None for neither.

    For a merged customer it is the one they were merged into. Raises ``NotFound`` for an unknown public id
    and ``CustomerNotEditable`` or ``IdentityErased`` for somebody who was erased: nothing new is kept.
    """
    if public_id is not None:
        found = Customer.objects.filter(public_id=public_id).first()
        if found is None:
            raise NotFound("There is no such customer.")
        return _surviving(found)
    if not external_id:
        return None
    pair = (IdentityKind.EXTERNAL_ID.value, normalise(IdentityKind.EXTERNAL_ID, external_id))
    customer_id = identities.resolve_or_create([pair], at=at).get(pair)
    if customer_id is None:
        raise IdentityErased(identity=external_id)
    return _surviving(Customer.objects.get(pk=customer_id))


def _surviving(customer: Customer) -> Customer:
    while customer.merged_into is not None:
        customer = customer.merged_into
    if customer.state == CustomerState.ANONYMISED:
        raise CustomerNotEditable
    return customer
