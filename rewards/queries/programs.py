"""The program as it is now."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from rewards.domain.documents import parse
from rewards.domain.programs import Revision
from rewards.models import ProgramRevision, RevisionState, Wallet
from tenants.scope import active_tenant


@dataclass(frozen=True, slots=True)
class PublishedRevision:
    """The revision in force, parsed, with the rows it is bound to."""

    id: int
    number: int
    revision: Revision
    wallet_id_by_key: dict[str, int]


def published() -> PublishedRevision | None:
    """Return the published revision, or ``None`` while the tenant has no program."""
    row = ProgramRevision.objects.filter(state=RevisionState.PUBLISHED).first()
    return None if row is None else bind(row)


def bind(row: ProgramRevision) -> PublishedRevision:
    """Parse a revision in the tenant's time zone."""
    return PublishedRevision(
        id=row.pk,
        number=row.number,
        revision=parse(row.document, time_zone=ZoneInfo(active_tenant().time_zone)),
        wallet_id_by_key=dict(Wallet.objects.values_list("key", "id")),
    )


def current() -> ProgramRevision | None:
    """The published revision's row with its program."""
    rows = ProgramRevision.objects.filter(state=RevisionState.PUBLISHED).select_related("program")
    row: ProgramRevision | None = rows.first()
    return row
