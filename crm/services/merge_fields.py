"""The fields of two customers as JSON: taken down before a merge, combined, put back when it is undone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from django.db import models

from crm.domain.merges import earliest, latest, resolve, restore
from crm.models import Customer, CustomerState, Person

CUSTOMER_FIELDS: Final = (
    "external_id",
    "state",
    "may_profile",
    "may_personalise",
    "created_at",
    "first_seen_at",
    "last_seen_at",
    "member_since",
)
Snapshot = dict[str, dict[str, Any]]


def snapshot(customer: Customer) -> Snapshot:
    """Return the customer's and the person's fields as JSON; ``person`` is empty when there is none."""
    person = Person.objects.filter(customer=customer).first()
    return {
        "customer": _dump(customer, CUSTOMER_FIELDS),
        "attributes": dict(customer.attributes),
        "person": _dump(person, Person.PERSONAL_FIELDS) if person else {},
    }


def combined(survivor: Snapshot, absorbed: Snapshot, choices: Mapping[str, str]) -> Snapshot:
    """Return what the survivor is after the merge; ``choices`` maps "person.email" to "absorbed"."""
    return {
        "customer": _combined_customer(survivor["customer"], absorbed["customer"], choices),
        **{
            part: resolve(survivor[part], absorbed[part], _chosen(choices, part))
            for part in ("attributes", "person")
        },
    }


def _combined_customer(mine: Any, theirs: Any, choices: Mapping[str, str]) -> dict[str, Any]:
    # The stricter state and the stricter answer stay: merging must not lift a suspension or an objection.
    is_suspended = CustomerState.SUSPENDED in {mine["state"], theirs["state"]}
    return {
        **resolve(
            {"external_id": mine["external_id"]},
            {"external_id": theirs["external_id"]},
            _chosen(choices, "customer"),
        ),
        "state": CustomerState.SUSPENDED.value if is_suspended else mine["state"],
        "may_profile": mine["may_profile"] and theirs["may_profile"],
        "may_personalise": mine["may_personalise"] and theirs["may_personalise"],
        "created_at": earliest(mine["created_at"], theirs["created_at"]),
        "first_seen_at": earliest(mine["first_seen_at"], theirs["first_seen_at"]),
        "last_seen_at": latest(mine["last_seen_at"], theirs["last_seen_at"]),
        "member_since": earliest(mine["member_since"], theirs["member_since"]),
    }


def restored(current: Snapshot, before: Snapshot, after: Snapshot) -> Snapshot:
    """Return the survivor as it was, save what was changed since the merge."""
    return {part: restore(current[part], before[part], after[part]) for part in before}


def write(customer: Customer, values: Snapshot) -> None:
    """Write a snapshot's fields to the customer's and the person's rows (the caller saves neither)."""
    _load(customer, values["customer"])
    customer.attributes = values["attributes"]
    customer.save()
    if not values["person"]:
        Person.objects.filter(customer=customer).delete()
        return
    # A fresh row under the old number: a field that is not named is blank again.
    found = Person.objects.filter(customer=customer).values_list("pk", flat=True).first()
    person = Person(pk=found, customer=customer)
    _load(person, values["person"])
    person.save(force_update=found is not None)


def _chosen(choices: Mapping[str, str], part: str) -> dict[str, str]:
    prefix = f"{part}."
    return {name.removeprefix(prefix): side for name, side in choices.items() if name.startswith(prefix)}


def _dump(instance: models.Model, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _plain(getattr(instance, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        # One spelling, so that moments compare as text.
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, date) else value


def _load(instance: models.Model, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        field: Any = instance._meta.get_field(name)
        setattr(instance, name, field.to_python(value))
