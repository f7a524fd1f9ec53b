"""Tables of the floor. ``GLOBAL_MODELS`` lists the few that belong to no tenant."""

from __future__ import annotations

from tenants.models.api_key import ApiKey
from tenants.models.audit_entry import AuditEntry
from tenants.models.idempotency_record import IdempotencyRecord
from tenants.models.job import Job
from tenants.models.membership import Membership
from tenants.models.outbox_message import OutboxMessage
from tenants.models.sign_up import SignUp
from tenants.models.tenant import Tenant
from tenants.models.user import User

# Tables without a tenant, each for a reason: the tenants themselves; people, who may serve several tenants;
# sign-ups, whose tenant is not open yet.
GLOBAL_MODELS = frozenset({"tenants.Tenant", "tenants.User", "tenants.SignUp"})

__all__ = [
    "GLOBAL_MODELS",
    "ApiKey",
    "AuditEntry",
    "IdempotencyRecord",
    "Job",
    "Membership",
    "OutboxMessage",
    "SignUp",
    "Tenant",
    "User",
]
