"""What customers allow now, and how it came to be."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from crm.domain.consents import ANY_CHANNEL, Decision, allows
from crm.models import Consent, ConsentChange


def of_customer(customer_id: int) -> QuerySet[Consent]:
    return Consent.objects.filter(customer_id=customer_id).order_by("purpose", "channel")


def history_of(customer_id: int) -> QuerySet[ConsentChange]:
    return ConsentChange.objects.filter(customer_id=customer_id).order_by("-occurred_at", "-id")


def is_allowed(customer_id: int, purpose: str, channel: str = ANY_CHANNEL) -> bool | None:
    """Tell what one customer decided; None when they never did."""
    rows = Consent.objects.filter(customer_id=customer_id, purpose=purpose)
    return allows([_decision(each) for each in rows], purpose, channel)


def allowing(customer_ids: Collection[int], purpose: str, channel: str = ANY_CHANNEL) -> set[int]:
    """Return who of the customers allows the purpose on the channel (one query)."""
    rows = Consent.objects.filter(
        customer_id__in=list(customer_ids), purpose=purpose, channel__in=[channel, ANY_CHANNEL]
    )
    decisions: dict[int, list[Decision]] = {}
    for row in rows:
        decisions.setdefault(row.customer_id, []).append(_decision(row))
    return {customer_id for customer_id, made in decisions.items() if allows(made, purpose, channel)}


def _decision(row: Consent) -> Decision:
    return Decision(row.purpose, row.channel, row.is_granted, row.changed_at)
