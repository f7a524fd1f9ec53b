"""Everything kept about one customer, in named sections of JSON."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from crm import signals
from crm.models import (
    ComputedTrait,
    ConsentChange,
    Customer,
    CustomerMerge,
    Event,
    Identity,
    Order,
    Person,
    PrivacyRequest,
    Return,
    SegmentMember,
)

Section = dict[str, Any] | list[dict[str, Any]]


def sections(customer: Customer) -> dict[str, Section]:
    """Return this app's sections and those of the apps above; merged records count as the customer's."""
    merged = CustomerMerge.objects.filter(survivor=customer, undone_at=None)
    found: dict[str, Section] = {
        "profile": _profile(customer),
        "identities": _rows(Identity.objects.filter(customer=customer), "kind", "value", "created_at"),
        "consents": _rows(
            ConsentChange.objects.filter(customer=customer).order_by("occurred_at", "id"),
            "purpose", "channel", "is_granted", "occurred_at", "recorded_at", "source", "wording", "address",
        ),
        "orders": _orders(customer),
        "returns": _rows(
            Return.objects.filter(customer=customer).order_by("returned_at"),
            "external_id", "order__external_id", "returned_at", "total_minor",
        ),
        "events": _rows(
            Event.objects.filter(customer=customer).order_by("occurred_at"),
            "name", "occurred_at", "received_at", "properties",
        ),
        "scores": _rows(
            ComputedTrait.objects.filter(customer=customer).order_by("name"),
            "name", "number", "text", "model_version", "computed_at",
        ),
        "segments": _rows(
            SegmentMember.objects.filter(customer=customer).order_by("segment__name"),
            "segment__name", "segment__description", "joined_at", "reason",
        ),
        "merges": _rows(merged.order_by("merged_at"), "merged_at", "reason", "absorbed__public_id", "moved"),
        "requests": _rows(
            PrivacyRequest.objects.filter(customer=customer).order_by("requested_at"),
            "kind", "state", "requested_at", "finished_at",
        ),
    }  # fmt: skip
    answers = signals.customer_exported.send(sender=Customer, customer_id=customer.pk)
    for _receiver, theirs in answers:
        # The stubs take every answer for text.
        found |= cast("dict[str, Section]", theirs or {})
    return found


def _profile(customer: Customer) -> dict[str, Any]:
    person = Person.objects.filter(customer=customer).first()
    return {
        "id": customer.public_id,
        "external_id": customer.external_id,
        "state": customer.state,
        "may_profile": customer.may_profile,
        "may_personalise": customer.may_personalise,
        "person": {name: getattr(person, name) for name in Person.PERSONAL_FIELDS} if person else {},
        "attributes": customer.attributes,
        "created_at": customer.created_at,
        "first_seen_at": customer.first_seen_at,
        "last_seen_at": customer.last_seen_at,
        "member_since": customer.member_since,
    }


def _rows(rows: Any, *names: str) -> list[dict[str, Any]]:
    return [{key.replace("__", "_"): value for key, value in row.items()} for row in rows.values(*names)]


def _orders(customer: Customer) -> list[dict[str, Any]]:
    orders = Order.objects.filter(customer=customer).order_by("placed_at").prefetch_related("lines")
    return [
        {
            "external_id": order.external_id,
            "placed_at": order.placed_at,
            "currency": order.currency,
            "total_minor": order.total_minor,
            "channel": order.channel,
            "lines": [
                {"sku": line.sku, "quantity": line.quantity, "total_minor": line.total_minor}
                for line in order.lines.all()
            ],
        }
        for order in orders
    ]


def names(found: Collection[str]) -> list[str]:
    """The sections in reading order: who first, the rest as it comes."""
    first = ["profile", "identities", "consents"]
    return [*first, *(name for name in found if name not in first)]
