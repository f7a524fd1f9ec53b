"""Whether somebody has said who the tenant is."""

from __future__ import annotations

from typing import Final

from django.db.models import Q

from tenants.domain.actors import ActorKind
from tenants.models import AuditEntry

_SAID: Final = ("tenant.signed_up", "tenant.changed")


def is_described() -> bool:
    """Whether a person has opened the open scope's tenant with its particulars, or changed them since."""
    opened = Q(action="tenant.created", actor_kind__in=[ActorKind.USER, ActorKind.OPERATOR])
    return AuditEntry.objects.filter(opened | Q(action__in=_SAID)).exists()
