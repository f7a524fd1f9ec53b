"""The list of erasures, kept beside the backups and carried out again after one was restored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime

from crm.models import Customer, CustomerState, Tombstone
from crm.services import erasures, tombstones
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did: records erased again, and tombstones put back."""

    customers: int
    tombstones: int


def listed(*, at: datetime) -> list[dict[str, Any]]:
    """Return the tenant's erasures: record numbers, salted hashes and their salt, no names.

    With the salt a phone number can be tried against a hash: the list is as confidential as a backup.
    """
    lines: list[dict[str, Any]] = [{"salt": tombstones.policy(at=at).tombstone_salt}]
    gone = Customer.objects.filter(state=CustomerState.ANONYMISED).order_by("pk")
    lines += [{"customer": str(public_id)} for public_id in gone.values_list("public_id", flat=True)]
    graves = Tombstone.objects.order_by("pk").values_list("kind", "digest", "created_at")
    lines += [{"kind": kind, "digest": each, "at": made.isoformat()} for kind, each, made in graves]
    return lines


@transaction.atomic
def replay(*, lines: Iterable[dict[str, Any]], by: Actor, at: datetime) -> Replayed:
    """Erase again whom the restored backup brought back. Safe to repeat."""
    by.require(Permission.PRIVACY_MANAGE)
    kept = list(lines)
    for line in kept:
        if "salt" in line:
            policy = tombstones.policy(at=at)
            policy.tombstone_salt = line["salt"]
            policy.save(update_fields=["tombstone_salt"])
    public_ids = [line["customer"] for line in kept if "customer" in line]
    back = Customer.objects.filter(public_id__in=public_ids).exclude(state=CustomerState.ANONYMISED)
    # A merged record goes with its survivor, which is in the list as well.
    ids = list(back.exclude(state=CustomerState.MERGED).order_by("pk").values_list("pk", flat=True))
    for customer_id in ids:
        erasures.wipe(customer_id=customer_id, by=by, at=at)
    graves = [
        Tombstone(kind=line["kind"], digest=line["digest"], created_at=parse_datetime(line["at"]) or at)
        for line in kept
        if "digest" in line
    ]
    Tombstone.objects.bulk_create(graves, ignore_conflicts=True)
    return Replayed(customers=len(ids), tombstones=len(graves))
