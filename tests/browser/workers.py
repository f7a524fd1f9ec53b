"""People and workers of the browser tests."""

from __future__ import annotations

from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.models import Job, Tenant, User
from tenants.scope import tenant_scope
from tenants.services import jobs, memberships
from tests.conftest import NOW

PASSWORD = "correct horse battery"


def add_member(tenant: Tenant, role: str, actor: Actor) -> str:
    """Make somebody with this role who can sign in; return the address."""
    with tenant_scope(tenant):
        user = User.objects.create_user(
            email=f"{role}@acme.example.com", password=PASSWORD, name=role.capitalize()
        )
        memberships.add(user=user, role=Role(role), by=actor, at=NOW)
    return str(user.email)


def work(tenant: Tenant) -> int:
    """Do what a worker would do meanwhile: run the jobs that wait; return how many there were."""
    with tenant_scope(tenant):
        waiting = list(Job.objects.filter(state=Job.State.QUEUED).order_by("pk").values_list("pk", flat=True))
    for job_id in waiting:
        ended = jobs.run(tenant_id=tenant.pk, job_id=job_id)
        assert ended is not None
        assert ended.state == Job.State.SUCCEEDED, ended.error
    return len(waiting)
