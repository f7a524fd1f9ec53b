"""The program as it is now, and as it was."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from django.utils import timezone

from crm.models import Segment
from crm.queries import sensitive
from rewards.domain.brakes import holding
from rewards.domain.engine import Engine
from rewards.domain.findings import Finding
from rewards.domain.free_values import Reader, readers
from rewards.domain.linting import Known, lint
from rewards.domain.programs import Revision
from rewards.models import CouponDefinition, ProgramRevision, RevisionState, Reward, Wallet
from rewards.queries import currencies, held
from rewards.queries.compiled_revisions import awaited_by, compiler, revision_of
from tenants.scope import active_tenant_id

EDITABLE: Final = (RevisionState.DRAFT, RevisionState.REHEARSED, RevisionState.CHANGES_REQUESTED)
OPEN: Final = (*EDITABLE, RevisionState.IN_REVIEW, RevisionState.APPROVED)
_IN_FORCE: Final = (RevisionState.PUBLISHED, RevisionState.RETIRED)
_ByTenant: TypeAlias = "dict[int, PublishedRevision | None]"
_kept: ContextVar[_ByTenant | None] = ContextVar("published_revisions", default=None)


@dataclass(frozen=True, slots=True)
class PublishedRevision:
    """A revision, compiled, with the rows it is bound to."""

    id: int
    number: int
    engine: Engine
    wallet_id_by_key: dict[str, int]

    @property
    def revision(self) -> Revision:
        return self.engine.revision


@dataclass(frozen=True, slots=True)
class Timeline:
    """The revisions that are or were in force, in the order of their publication."""

    revisions: Sequence[PublishedRevision]
    published_at: Sequence[datetime]

    def at(self, moment: datetime) -> PublishedRevision:
        """Return the revision in force at a moment; before the first publication it is the current one."""
        return self.revisions[bisect_right(self.published_at, moment) - 1]

    @property
    def current(self) -> PublishedRevision:
        return self.revisions[-1]


@contextmanager
def read_once() -> Iterator[None]:
    """Read the program in force once for the block: for who plays a whole day and publishes nothing."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def published() -> PublishedRevision | None:
    """Return the published revision, or ``None`` while the tenant has no program."""
    kept = _kept.get()
    if kept is None:
        return _published()
    tenant_id = active_tenant_id()
    if tenant_id not in kept:
        kept[tenant_id] = _published()
    return kept[tenant_id]


def _published() -> PublishedRevision | None:
    row = ProgramRevision.objects.filter(state=RevisionState.PUBLISHED).defer("document").first()
    if row is None:
        return None
    return _bound(row, compiler().stored(row).pausing(_paused(row)))


def timeline() -> Timeline | None:
    """Return the revisions that were ever in force, or ``None`` while the tenant has no program."""
    found = ProgramRevision.objects.filter(state__in=_IN_FORCE).defer("document")
    rows = list(found.order_by("published_at", "number"))
    if not rows or rows[-1].state != RevisionState.PUBLISHED:
        return None
    wallets = dict(Wallet.objects.values_list("key", "id"))
    compile_with = compiler()
    # A late event is judged by the revision of its day, and by no rule that is paused today.
    paused = _paused(rows[-1])
    return Timeline(
        [
            PublishedRevision(row.pk, row.number, compile_with.stored(row).pausing(paused), wallets)
            for row in rows
        ],
        [row.published_at for row in rows if row.published_at is not None],
    )


def awaited_events() -> frozenset[str]:
    """Return the events that make points usable, under the program in force or any before it.

    What members earned under a former revision goes on waiting for what that said. Every batch of events
    asks, so it is one statement however many revisions there were.
    """
    rows = ProgramRevision.objects.filter(state__in=_IN_FORCE).only("document_md5")
    return frozenset().union(*(awaited_by(row) for row in rows))


def bind(row: ProgramRevision) -> PublishedRevision:
    """Compile a revision in the tenant's time zone; from now on it reads nothing sensitive."""
    paused = _paused(row) if row.state == RevisionState.PUBLISHED else frozenset()
    return _bound(row, compiler().written(row).pausing(paused))


def _paused(row: ProgramRevision) -> frozenset[str]:
    return holding(row.brakes, timezone.now()).rules


def _bound(row: ProgramRevision, engine: Engine) -> PublishedRevision:
    wallets = dict(Wallet.objects.values_list("key", "id"))
    return PublishedRevision(id=row.pk, number=row.number, engine=engine, wallet_id_by_key=wallets)


def findings_of(revision: Revision) -> list[Finding]:
    """Return what the linter says, knowing the tenant's coupons, rewards, segments and sensitive values."""
    row = current()
    return findings_against(revision, revision_of(row) if row else None)


def findings_against(revision: Revision, former: Revision | None) -> list[Finding]:
    """Do the same for who has read what is in force."""
    return lint(
        revision,
        Known(
            coupons=frozenset(CouponDefinition.objects.values_list("key", flat=True)).union(
                each.key for each in revision.coupons
            ),
            rewards=frozenset(Reward.objects.values_list("key", flat=True)).union(
                each.key for each in revision.rewards
            ),
            segments=frozenset(Segment.objects.values_list("key", flat=True)),
            sensitive=sensitive.hidden(),
            at=timezone.now(),
            held=held.beyond(revision),
            former=former,
            currencies=currencies.lately(),
        ),
    )


def readers_of_secrets(revision: Revision) -> list[tuple[Reader, list[str]]]:
    """Return the rules and challenges that speak of sensitive values, each with the names of these."""
    hidden = sensitive.hidden()
    found = [(reader, hidden.among(reader.values)) for reader in readers(revision)]
    return [(reader, [value.name for value in values]) for reader, values in found if values]


def open_revision() -> ProgramRevision | None:
    """The newest revision that is on its way to being published; its document stays in the database."""
    rows = ProgramRevision.objects.filter(state__in=OPEN).order_by("-number")
    row: ProgramRevision | None = rows.defer("document").first()
    return row


def draft() -> ProgramRevision | None:
    """The newest revision that can still be edited; its document stays in the database."""
    rows = ProgramRevision.objects.filter(state__in=EDITABLE).order_by("-number")
    row: ProgramRevision | None = rows.defer("document").first()
    return row


def current() -> ProgramRevision | None:
    """The published revision's row with its program; its document stays in the database."""
    rows = ProgramRevision.objects.filter(state=RevisionState.PUBLISHED).select_related("program")
    row: ProgramRevision | None = rows.defer("document").first()
    return row
