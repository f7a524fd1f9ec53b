"""Memberships: who belongs to a tenant, in which role. A tenant always keeps an owner."""

from __future__ import annotations

from datetime import datetime

from tenants.domain.actors import Actor
from tenants.domain.permissions import Role
from tenants.errors import Conflict
from tenants.locks import lock_memberships
from tenants.models import Membership, User
from tenants.services import audit


class LastOwner(Conflict):
    code = "last_owner"
    title = "A tenant needs at least one owner"


def add(*, user: User, role: Role, by: Actor, at: datetime) -> Membership:
    """Give ``user`` a role in the active tenant, or change the one they have."""
    memberships = {membership.user_id: membership for membership in lock_memberships()}
    if present := memberships.get(user.pk):
        return change_role(membership=present, role=role, by=by, at=at)
    membership: Membership = Membership.objects.create(user=user, role=role, created_at=at)
    audit.record(action="membership.added", target=membership, by=by, at=at, diff={"role": [None, role]})
    return membership


def invite(*, email: str, role: Role, by: Actor, at: datetime, name: str = "") -> Membership:
    """Add the person with this e-mail, creating a user without a password when there is none yet."""
    user = User.objects.filter(email__iexact=email.strip()).first()
    if user is None:
        user = User.objects.create_user(email=email, name=name)
    return add(user=user, role=role, by=by, at=at)


def change_role(*, membership: Membership, role: Role, by: Actor, at: datetime) -> Membership:
    """Change a role. Raises ``LastOwner`` when nobody else owns the tenant."""
    memberships = lock_memberships()
    current = next(row for row in memberships if row.pk == membership.pk)
    before = current.role
    if before == role:
        return current
    _keep_an_owner(memberships, current)
    current.role = role
    current.save(update_fields=["role"])
    audit.record(action="membership.changed", target=current, by=by, at=at, diff={"role": [before, role]})
    return current


def remove(*, membership: Membership, by: Actor, at: datetime) -> None:
    """Take a person out of the tenant. Raises ``LastOwner``."""
    memberships = lock_memberships()
    current = next(row for row in memberships if row.pk == membership.pk)
    _keep_an_owner(memberships, current)
    audit.record(
        action="membership.removed", target=current, by=by, at=at, diff={"role": [current.role, None]}
    )
    current.delete()


def _keep_an_owner(memberships: list[Membership], leaving: Membership) -> None:
    owners = [row for row in memberships if row.role == Role.OWNER]
    if owners == [leaving]:
        raise LastOwner("Make somebody else an owner first.")
