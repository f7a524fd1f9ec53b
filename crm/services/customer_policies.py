"""The tenant's policy about identities and personal data: changed by staff, followed at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from crm.models import CustomerPolicy
from crm.services import tombstones
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import FieldError, InvalidInput
from tenants.services import audit, jobs

EDITABLE: Final = (
    "phone_region",
    "ignores_gmail_dots",
    "drops_plus_tag",
    "needs_profiling_consent",
    "is_non_personalised",
    "erasure_grace_days",
)
MOST_GRACE_DAYS: Final = 30
_OF_SPELLING = frozenset({"phone_region", "ignores_gmail_dots", "drops_plus_tag"})
RESPELL_JOB: Final = "crm.respell_identities"


@transaction.atomic
def change(*, values: Mapping[str, Any], by: Actor, at: datetime) -> CustomerPolicy:
    """Change the policy; another spelling starts the job that spells existing identities again.

    GDPR article 12 gives a month to answer a wish to be erased, hence the most days of grace. Raises
    ``InvalidInput``.
    """
    by.require(Permission.PRIVACY_MANAGE)
    unknown = sorted(set(values) - set(EDITABLE))
    if unknown:
        errors = [FieldError(f"/{name}", "read_only", "This field cannot be set.") for name in unknown]
        raise InvalidInput(errors=errors)
    if not 0 <= values.get("erasure_grace_days", 0) <= MOST_GRACE_DAYS:
        error = FieldError("/erasure_grace_days", "out_of_range", f"From 0 to {MOST_GRACE_DAYS} days.")
        raise InvalidInput(errors=[error])
    policy = tombstones.policy(at=at)
    diff = {
        name: [getattr(policy, name), value]
        for name, value in values.items()
        if getattr(policy, name) != value
    }
    for name, value in values.items():
        setattr(policy, name, value)
    policy.updated_at = at
    policy.save()
    audit.record(action="customer_policy.changed", target=policy, by=by, at=at, diff=diff)
    if _OF_SPELLING & set(diff):
        jobs.start(kind=RESPELL_JOB, params={"since": at.isoformat()}, by=by, at=at)
    return policy
