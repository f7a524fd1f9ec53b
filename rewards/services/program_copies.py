"""Taking a program to another tenant: as a draft there, for somebody who belongs to both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext

from rewards.models import ProgramRevision
from rewards.queries.programs import findings_of
from rewards.services import programs
from tenants.domain.actors import Actor, ActorKind
from tenants.domain.permissions import PERMISSIONS_BY_ROLE, Permission
from tenants.errors import FieldError, InvalidInput, NotFound
from tenants.models import Job, Tenant
from tenants.queries.access import FoundMembership, memberships_of
from tenants.scope import active_tenant, tenant_scope
from tenants.services import jobs

KIND: Final = "rewards.copy_program"


def targets(memberships: Sequence[FoundMembership], here: Tenant) -> list[FoundMembership]:
    """Return the other tenants whose program somebody with these memberships may edit."""
    return [
        membership
        for membership in memberships
        if membership.tenant_id != here.pk and Permission.PROGRAM_EDIT in PERMISSIONS_BY_ROLE[membership.role]
    ]


@transaction.atomic
def request(*, revision: ProgramRevision, to_slug: str, tenant: Tenant, by: Actor, at: datetime) -> Job:
    """Start the job that copies a revision. Raises ``InvalidInput`` unless the person may edit there too."""
    found = _target(by, to_slug, tenant)
    params = {"number": revision.number, "tenant_id": found.tenant_id, "user_id": by.id, "label": by.label}
    return jobs.start(kind=KIND, params=params, by=by, at=at)


def _target(by: Actor, slug: str, tenant: Tenant) -> FoundMembership:
    memberships = memberships_of(by.id) if by.kind is ActorKind.USER and by.id else []
    for membership in targets(memberships, tenant):
        if membership.slug == slug:
            return membership
    raise InvalidInput(errors=[FieldError("/tenant", "not_a_member", "You do not edit a program there.")])


def copy(*, tenant: Tenant, params: dict[str, Any], at: datetime) -> dict[str, Any]:
    """Read the revision here, write a draft there; opens its own scopes, asking again who may.

    Amounts stay as they are: where the other tenant counts in another currency, the draft's note says so.
    Returns the draft's number and how many errors the check finds there, such as segments that are not there.
    """
    with tenant_scope(tenant):
        row = ProgramRevision.objects.filter(number=params["number"]).first()
        if row is None:
            raise NotFound(f"There is no revision {params['number']}.")
        document = row.document
    there = {each.tenant_id: each for each in targets(memberships_of(params["user_id"]), tenant)}
    if params["tenant_id"] not in there:
        raise InvalidInput("You do not edit a program there any more.")
    actor = Actor(ActorKind.USER, params["label"], params["user_id"])
    with tenant_scope(params["tenant_id"]):
        note = _note(f"{tenant.name} #{params['number']}", tenant.currency, active_tenant())
        draft = programs.save_draft(document=document, note=note, by=actor, at=at)
        errors = sum(each.is_error for each in findings_of(programs.check(document)))
        return {"revision": draft.number, "errors": errors}


def _note(origin: str, currency: str, there: Tenant) -> str:
    if currency == there.currency:
        return origin
    with translation.override(there.locale):
        return gettext("%(origin)s: amounts were written for %(currency)s, check them") % {
            "origin": origin, "currency": currency,
        }  # fmt: skip
