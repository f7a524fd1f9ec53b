"""Presets: a starter program by vertical, installed on a tenant that has none yet, in its language."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext

from crm.domain.money import exponent
from crm.models import Segment, SegmentKind
from crm.services import segments
from rewards.domain.presets import PRESETS
from rewards.domain.presets.definition import Preset
from rewards.models import ProgramRevision, RevisionState
from rewards.services import programs
from tenants.domain.actors import Actor
from tenants.errors import Conflict, NotFound
from tenants.models import Tenant
from tenants.scope import active_tenant
from tenants.services import audit

# Where money has no decimals a unit buys next to nothing: a hundred yen stand for one dollar.
_FEWEST_DECIMALS: Final = 2


class ProgramExists(Conflict):
    """A preset is for a tenant that has no program yet."""

    code = "program_exists"
    title = "The tenant has a program already; presets are for new ones"


def preset(key: str) -> Preset:
    """Return a preset; raises ``NotFound``."""
    try:
        return PRESETS[key]
    except KeyError as error:
        raise NotFound(f"There is no preset {key!r}.") from error


def unit_of(tenant: Tenant) -> int:
    """Return how many minor units of the tenant's currency stand for one unit of a preset's prices."""
    return int(10 ** max(exponent(tenant.currency), _FEWEST_DECIMALS))


@transaction.atomic
def install(*, key: str, by: Actor, at: datetime, in_force_from: datetime | None = None) -> ProgramRevision:
    """Make a preset's segments and publish its program, which governs its coupons, rewards and referral.

    ``in_force_from`` lets the program have been in force earlier, for sample traffic of the past. Raises
    ``NotFound`` for an unknown preset and ``ProgramExists``.
    """
    chosen = preset(key)
    if ProgramRevision.objects.exclude(state=RevisionState.DRAFT).exists():
        raise ProgramExists
    with translation.override(active_tenant().locale):
        published = _install(chosen, unit_of(active_tenant()), by=by, at=at, in_force_from=in_force_from)
    audit.record(action="preset.installed", target=published, by=by, at=at, diff={"preset": [None, key]})
    return published


def _install(
    chosen: Preset, unit: int, *, by: Actor, at: datetime, in_force_from: datetime | None
) -> ProgramRevision:
    known = set(Segment.objects.values_list("key", flat=True))
    for each in chosen.segments:
        if each.key not in known:
            segments.create(
                key=each.key, name=gettext(each.name), kind=SegmentKind.RULE, rule=each.rule, by=by, at=at
            )
    document = _translated(chosen.program(unit))
    draft = programs.save_draft(document=document, note=gettext("Starter program"), by=by, at=at)
    return programs.publish(revision=draft, by=by, at=in_force_from or at)


def _translated(part: Any) -> Any:
    """Return a document with every name in the language that is active."""
    if isinstance(part, dict):
        return {
            key: gettext(value) if key == "name" and isinstance(value, str) else _translated(value)
            for key, value in part.items()
        }
    return [_translated(each) for each in part] if isinstance(part, list) else part
