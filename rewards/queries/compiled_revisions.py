"""What revisions say and the engines made of them, remembered by their content: nothing grows stale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from crm.domain.hidden_values import Hidden
from crm.queries import sensitive
from rewards.domain.documents import parse
from rewards.domain.engine import Engine
from rewards.domain.programs import Revision
from rewards.domain.revisions import digest_of
from rewards.domain.wallets import events_awaited
from rewards.models import ProgramRevision
from tenants.scope import active_tenant

_MOST_ENGINES: Final = 256
_MOST_REVISIONS: Final = 32
_MOST_AWAITED: Final = 4096


class Reading(NamedTuple):
    """What a tenant adds to the reading of a document."""

    zone: str
    currency: str

    def read(self, document: Any) -> Revision:
        """Read a document. Raises ``InvalidDocument``."""
        return parse(document, time_zone=ZoneInfo(self.zone), currency=self.currency)


# What an engine is made of: the document's digest or checksum, the tenant's part and the sensitive names.
_Made: TypeAlias = tuple[str, Reading, bytes]
_engine_by_document: dict[_Made, Engine] = {}
# By the content's digest, or by the database's checksum of it, and the tenant's part.
_revision_by_content: dict[tuple[str, Reading], Revision] = {}
_awaited_by_checksum: dict[str, frozenset[str]] = {}


@dataclass(frozen=True, slots=True)
class Compiler:
    """What the open scope's tenant adds to its documents, read once for however many revisions."""

    reading: Reading
    hidden: Hidden
    hidden_names: bytes

    def written(self, row: ProgramRevision) -> Engine:
        """Return the engine of a row as it is in memory, saved or not."""
        return self._engine(row, digest_of(row.document))

    def stored(self, row: ProgramRevision) -> Engine:
        """Do the same for a row as it is in the database, whose document is read only where it is not known.

        A document with a thousand coupons is a megabyte, and every order and cart asks.
        """
        return self._engine(row, row.document_md5)

    def _engine(self, row: ProgramRevision, content: str) -> Engine:
        key = content, self.reading, self.hidden_names
        engine = _engine_by_document.get(key)
        if engine is None:
            if len(_engine_by_document) >= _MOST_ENGINES:
                _engine_by_document.clear()
            engine = Engine(_parsed(row.document, self.reading), self.hidden)
            _engine_by_document[key] = engine
        return engine


def compiler() -> Compiler:
    """Return what compiles revisions in the tenant's zone; they read nothing sensitive (two queries)."""
    hidden = sensitive.hidden()
    return Compiler(_reading(), hidden, msgspec.json.encode(hidden, order="sorted"))


def revision_of(row: ProgramRevision) -> Revision:
    """Return what a revision says, for those who read or write it and decide nothing by it.

    Of a row whose document was left in the database it is fetched only where the checksum is not known: it
    may be a megabyte, and a page asks several times.
    """
    if "document" not in row.get_deferred_fields():
        return parsed(row.document)
    reading = _reading()
    known = _revision_by_content.get((row.document_md5, reading))
    if known is not None:
        return known
    # Both at once: a draft may have been saved since the row was read.
    stored = ProgramRevision.objects.values_list("document", "document_md5")
    document, checksum = stored.get(pk=row.pk)
    return _keep(checksum, reading, _parsed(document, reading))


def parsed(document: Any) -> Revision:
    """Read a document in the tenant's zone, once as long as it is remembered. Raises ``InvalidDocument``."""
    return _parsed(document, _reading())


def awaited_by(row: ProgramRevision) -> frozenset[str]:
    """Return the events that make points usable under a revision; its document may stay in the database."""
    known = _awaited_by_checksum.get(row.document_md5)
    if known is None:
        if len(_awaited_by_checksum) >= _MOST_AWAITED:
            _awaited_by_checksum.clear()
        known = events_awaited(revision_of(row).wallets)
        _awaited_by_checksum[row.document_md5] = known
    return known


def _reading() -> Reading:
    tenant = active_tenant()
    return Reading(tenant.time_zone, tenant.currency)


def _parsed(document: Any, reading: Reading) -> Revision:
    try:
        content = digest_of(document)
    except (TypeError, ValueError, OverflowError):
        # What no JSON could hold is refused by name.
        return reading.read(document)
    known = _revision_by_content.get((content, reading))
    return known or _keep(content, reading, reading.read(document))


def _keep(content: str, reading: Reading, revision: Revision) -> Revision:
    while len(_revision_by_content) >= _MOST_REVISIONS:
        _revision_by_content.pop(next(iter(_revision_by_content)))
    _revision_by_content[content, reading] = revision
    return revision
