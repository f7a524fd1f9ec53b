"""Spelling the identities that are there again, after the tenant's policy or the rules have changed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from crm.domain.identities import normalise
from crm.models import Identity, IdentityKind
from crm.queries import customer_policies
from crm.services import duplicates

_BATCH = 2_000


@transaction.atomic
def respell(*, at: datetime) -> int:
    """Give every e-mail and phone the tenant's present spelling; return how many changed.

    Where two customers would meet in one spelling the older keeps it and the other keeps its old one; the
    pair becomes a duplicate candidate for staff. Where it is the same customer the second row goes. Safe to
    repeat: what is spelled right stays.
    """
    spelling = customer_policies.spelling()
    changed: list[Identity] = []
    met: set[int] = set()
    rows = Identity.objects.filter(kind__in=[IdentityKind.EMAIL, IdentityKind.PHONE]).order_by("pk")
    for identity in rows.iterator(chunk_size=_BATCH):
        wanted = normalise(identity.kind, identity.given or identity.value, spelling)
        if not wanted or wanted == identity.value:
            continue
        owner = Identity.objects.filter(kind=identity.kind, value=wanted).first()
        if owner is None:
            identity.given = identity.given or identity.value
            identity.value = wanted
            identity.save(update_fields=["value", "given"])
            changed.append(identity)
        elif owner.customer_id == identity.customer_id:
            identity.delete()
        else:
            met |= {owner.customer_id, identity.customer_id}
    if met:
        duplicates.find(customer_ids=met, at=at)
    return len(changed)
