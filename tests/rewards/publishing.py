"""What waits in the draft, put in force: as somebody does who has approved it."""

from __future__ import annotations

from rewards.models import ProgramRevision
from rewards.queries import programs as program_queries
from rewards.services import programs
from tenants.domain.actors import SYSTEM
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.rewards.factories import NOW


def publish_draft(tenant: Tenant) -> ProgramRevision:
    with tenant_scope(tenant):
        draft = program_queries.draft()
        assert draft is not None
        return programs.publish(revision=draft, by=SYSTEM, at=NOW)
