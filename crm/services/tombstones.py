"""What was erased stays away: checked wherever a new identity would come in."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction

from crm.domain.identities import LOOSEST, normalise
from crm.domain.tombstones import digest
from crm.models import CustomerPolicy, Tombstone
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import Conflict
from tenants.services import audit

Pair = tuple[str, str]
# The same question inside a bulk load: ``value`` names a column with spelled external ids.
EXTERNAL_ID_ERASED = """EXISTS (
    SELECT FROM crm_customerpolicy policy JOIN crm_tombstone t ON t.tenant_id = policy.tenant_id
    WHERE policy.tenant_id = %(tenant)s AND t.kind = 'external_id' AND t.digest = encode(
        sha256(convert_to(policy.tombstone_salt || ':external_id:' || {value}, 'UTF8')), 'hex')
)"""


class IdentityErased(Conflict):
    """The identity's person was erased; staff must lift the tombstone before they can come back."""

    code = "identity_erased"
    title = "This identity belongs to somebody who was erased"


def policy(*, at: datetime) -> CustomerPolicy:
    """Return the tenant's policy, made with a salt of its own when it is first needed."""
    found, _created = CustomerPolicy.objects.get_or_create(defaults={"updated_at": at})
    kept: CustomerPolicy = found
    return kept


def bury(*, pairs: Iterable[Pair], at: datetime) -> int:
    """Keep tombstones of these identities; return how many there are. Safe to repeat."""
    salt = policy(at=at).tombstone_salt
    digests = sorted({(kind, digest(salt, kind, spelling)) for kind, spelling in _spellings(pairs)})
    Tombstone.objects.bulk_create(
        [Tombstone(kind=kind, digest=each, created_at=at) for kind, each in digests], ignore_conflicts=True
    )
    return len(digests)


def erased(pairs: Collection[Pair]) -> set[Pair]:
    """Return those of the identities that were erased: one query where a tenant never erased anybody."""
    if not pairs or not Tombstone.objects.exists():
        return set()
    salt = CustomerPolicy.objects.values_list("tombstone_salt", flat=True).get()
    pair_by_digest = {
        (kind, digest(salt, kind, spelling)): (kind, value)
        for kind, value in pairs
        for _kind, spelling in _spellings([(kind, value)])
    }
    digests = [each for _kind, each in pair_by_digest]
    found = Tombstone.objects.filter(digest__in=digests).values_list("kind", "digest")
    return {pair_by_digest[each] for each in found if each in pair_by_digest}


@transaction.atomic
def lift(*, kind: str, value: str, by: Actor, at: datetime) -> bool:
    """Let a person who was erased come back, at their own wish; return whether there was a tombstone."""
    by.require(Permission.PRIVACY_MANAGE)
    kept = policy(at=at)
    digests = [digest(kept.tombstone_salt, kind, each) for _kind, each in _spellings([(kind, value)])]
    removed, _by_model = Tombstone.objects.filter(kind=kind, digest__in=digests).delete()
    audit.record(action="tombstone.lifted", target=kept, by=by, at=at, diff={"kind": [None, kind]})
    return bool(removed)


def _spellings(pairs: Iterable[Pair]) -> list[Pair]:
    """An address is buried under every spelling, so that a changed policy does not open the grave."""
    return [
        (kind, spelling)
        for kind, value in pairs
        for spelling in dict.fromkeys((normalise(kind, value), normalise(kind, value, LOOSEST), value))
        if spelling
    ]
