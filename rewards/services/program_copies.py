"""Taking a program to another tenant: as a draft there, for somebody who belongs to both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext

from crm.services import segments
from crm.services.segment_lists import SegmentKeyTaken
from rewards.domain import named_elsewhere
from rewards.domain.brought_segments import MADE, SegmentHere, Traveller, plan
from rewards.domain.named_elsewhere import Named
from rewards.models import ProgramRevision
from rewards.queries import compiled_revisions, copies
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
LOOK: Final = "rewards.look_at_copy"


def targets(memberships: Sequence[FoundMembership], here: Tenant) -> list[FoundMembership]:
    """Return the other tenants whose program somebody with these memberships may edit."""
    return [
        membership
        for membership in memberships
        if membership.tenant_id != here.pk and Permission.PROGRAM_EDIT in PERMISSIONS_BY_ROLE[membership.role]
    ]


@transaction.atomic
def look(*, revision: ProgramRevision, to_slug: str, tenant: Tenant, by: Actor, at: datetime) -> Job:
    """Start the job that tells what would come along. Raises ``InvalidInput`` as ``request`` does."""
    found = _target(by, tenant, lambda each: each.slug == to_slug)
    return jobs.start(kind=LOOK, params=_params(revision, found, by), by=by, at=at)


@transaction.atomic
def request(
    *,
    revision: ProgramRevision,
    to_id: int,
    tenant: Tenant,
    by: Actor,
    at: datetime,
    brings_segments: bool = False,
) -> Job:
    """Start the job that copies a revision, with segments that are missing there if it ``brings_segments``.

    Raises ``InvalidInput`` unless the person may edit there too.
    """
    found = _target(by, tenant, lambda each: each.tenant_id == to_id)
    params = _params(revision, found, by) | {"brings_segments": brings_segments}
    return jobs.start(kind=KIND, params=params, by=by, at=at)


def _params(revision: ProgramRevision, found: FoundMembership, by: Actor) -> dict[str, Any]:
    return {
        "number": revision.number, "tenant_id": found.tenant_id, "tenant": found.name, "user_id": by.id,
        "label": by.label,
    }  # fmt: skip


def _target(by: Actor, tenant: Tenant, is_meant: Callable[[FoundMembership], bool]) -> FoundMembership:
    memberships = memberships_of(by.id) if by.kind is ActorKind.USER and by.id else []
    for membership in targets(memberships, tenant):
        if is_meant(membership):
            return membership
    raise InvalidInput(errors=[FieldError("/tenant", "not_a_member", "You do not edit a program there.")])


def preview(*, tenant: Tenant, params: dict[str, Any], at: datetime) -> dict[str, Any]:
    """Return what a copy would bring along; opens its own scopes, asks again who may, writes nothing.

    ``segments`` have ``key``, ``name``, ``coming`` and the sensitive ``values`` that keep one; ``unknown``
    are the events, attributes and traits that nobody there has seen yet.
    """
    origin = _origin(tenant, params)
    actor = _actor(params)
    with tenant_scope(params["tenant_id"]):
        travellers, known = _travellers(origin)
        actor.require(Permission.PROGRAM_EDIT)
    return {
        "segments": [
            {"key": each.key, "name": each.name, "coming": each.coming.value, "values": list(each.values)}
            for each in travellers
        ],
        "unknown": known.unknown,
    }


def copy(*, tenant: Tenant, params: dict[str, Any], at: datetime) -> dict[str, Any]:
    """Read the revision here, write a draft there; opens its own scopes, asking again who may.

    Amounts stay as they are: where the other tenant counts in another currency, the draft's note says so.
    Returns the draft's number, how many errors the check finds there, such as segments that are not there,
    and how many segments were brought along. One that somebody made meanwhile stays as it is.
    """
    origin = _origin(tenant, params)
    actor = _actor(params)
    with tenant_scope(params["tenant_id"]):
        brought = _bring(origin, by=actor, at=at) if params.get("brings_segments") else []
        note = _note(f"{tenant.name} #{params['number']}", tenant.currency, active_tenant())
        draft = programs.save_draft(document=origin.document, note=note, by=actor, at=at)
        errors = sum(each.is_error for each in findings_of(programs.check(origin.document)))
        return {"revision": draft.number, "errors": errors, "segments": len(brought)}


@dataclass(frozen=True, slots=True)
class _Origin:
    document: Any
    named: Named
    segments: Mapping[str, SegmentHere]


def _origin(tenant: Tenant, params: Mapping[str, Any]) -> _Origin:
    with tenant_scope(tenant):
        row = ProgramRevision.objects.filter(number=params["number"]).first()
        if row is None:
            raise NotFound(f"There is no revision {params['number']}.")
        named = named_elsewhere.of(compiled_revisions.revision_of(row))
        return _Origin(row.document, named, copies.segments_here())


def _actor(params: Mapping[str, Any]) -> Actor:
    there = {each.tenant_id: each for each in memberships_of(params["user_id"])}
    found = there.get(params["tenant_id"])
    if found is None or Permission.PROGRAM_EDIT not in PERMISSIONS_BY_ROLE[found.role]:
        raise InvalidInput("You do not edit a program there any more.")
    return Actor(ActorKind.USER, params["label"], params["user_id"], PERMISSIONS_BY_ROLE[found.role])


def _travellers(origin: _Origin) -> tuple[list[Traveller], copies.Known]:
    known = copies.known_there(origin.named)
    travellers = plan(origin.named.segments, here=origin.segments, there=known.segments, hidden=known.hidden)
    return travellers, known


def _bring(origin: _Origin, *, by: Actor, at: datetime) -> list[str]:
    made = []
    for each in _travellers(origin)[0]:
        if each.coming not in MADE:
            continue
        segment = origin.segments[each.key]
        with suppress(SegmentKeyTaken):
            segments.create(
                key=segment.key, name=segment.name, kind=segment.kind, rule=segment.rule,
                description=segment.description, by=by, at=at,
            )  # fmt: skip
            made.append(segment.key)
    return made


def _note(origin: str, currency: str, there: Tenant) -> str:
    if currency == there.currency:
        return origin
    with translation.override(there.locale):
        return gettext("%(origin)s: amounts were written for %(currency)s, check them") % {
            "origin": origin, "currency": currency,
        }  # fmt: skip
