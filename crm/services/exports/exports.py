"""Exports: asked for, written by a worker, fetched by a link that ends, removed when they expire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.core import signing
from django.db import transaction

from crm.models import Export
from crm.services.exports.errors import ExportNotReady
from crm.services.exports.lists import Row, checked_filters, list_of
from crm.services.exports.writers import WRITERS
from tenants import files as private_files
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.errors import FieldError, InvalidInput, NotFound
from tenants.models import Tenant
from tenants.models.base import new_public_id
from tenants.scope import tenant_scope
from tenants.services import audit, jobs

KEPT_FOR: Final = timedelta(days=7)
LINK_SECONDS: Final = 600
_SALT: Final = "crm.exports"
_ROWS_BETWEEN_SIGNS: Final = 5_000
Progress = Callable[[int, int, str], None]


@transaction.atomic
def start(*, list_key: str, format: str, filters: dict[str, Any], by: Actor, at: datetime) -> Export:  # noqa: A002 - the word of the API
    """Ask for a list as a file. Needs the list's own permission. Raises ``UnknownList``, ``InvalidInput``."""
    entry = list_of(list_key)
    by.require(Permission.DATA_EXPORT)
    by.require(entry.permission)
    if format not in entry.formats:
        raise InvalidInput(errors=[FieldError("/format", "invalid", f"One of {', '.join(entry.formats)}.")])
    export: Export = Export.objects.create(
        list_key=list_key,
        format=format,
        filters=checked_filters(entry, filters),
        requested_by=by.label[:200],
        requested_at=at,
    )
    job = jobs.start(kind="crm.export", params={"export": str(export.public_id)}, by=by, at=at)
    export.job = job.public_id
    export.save(update_fields=["job"])
    diff = {"list": [None, list_key], "filters": [None, export.filters]}
    audit.record(action="export.requested", target=export, by=by, at=at, diff=diff)
    return export


def write(*, tenant: Tenant, public_id: str, at: datetime, progress: Progress) -> dict[str, Any]:
    """Write the file in one consistent read; opens a scope of its own. A second call writes it anew."""
    with tenant_scope(tenant):
        export = Export.objects.get(public_id=public_id)
        entry = list_of(export.list_key)
        stored = private_files.new_path("exports", f"{new_public_id().hex}.{export.format}")
        path = private_files.absolute(stored)
        aside: dict[str, int] = {}
        try:
            rows = _watched(entry.rows(export.filters, aside), progress)
            count = WRITERS[export.format](path, entry.columns, rows, tenant.zone)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        private_files.remove(export.file_path)
        export.file_path, export.file_bytes, export.rows = stored, path.stat().st_size, count
        export.report, export.finished_at, export.expires_at = aside, at, at + KEPT_FOR
        export.save()
    return {"rows": count, "bytes": export.file_bytes, **aside}


def link_token(*, export: Export, by: Actor) -> str:
    """Return what a download link carries: it names the export and the person, and ends in ten minutes."""
    return signing.dumps([str(export.public_id), by.kind, by.id], salt=_SALT)


@transaction.atomic
def opened(*, token: str, by: Actor, at: datetime) -> Export:
    """Return the export of a link, for the person it was made for.

    Raises ``NotFound`` and ``ExportNotReady``.
    """
    try:
        public_id, kind, actor_id = signing.loads(token, salt=_SALT, max_age=LINK_SECONDS)
    except signing.BadSignature as error:
        raise NotFound from error
    export: Export | None = Export.objects.filter(public_id=public_id).first()
    if export is None or (kind, actor_id) != (by.kind, by.id):
        raise NotFound
    by.require(list_of(export.list_key).permission)
    if not export.file_path or export.expires_at is None or export.expires_at <= at:
        raise ExportNotReady
    audit.record(action="export.downloaded", target=export, by=by, at=at)
    return export


def purge(*, at: datetime) -> int:
    """Remove the files that have expired; the exports stay in the history. Returns how many."""
    expired = Export.objects.filter(expires_at__lte=at).exclude(file_path="")
    for export in expired:
        private_files.remove(export.file_path)
        export.file_path = ""
        export.save(update_fields=["file_path"])
    return len(expired)


def _watched(rows: Iterator[Row], progress: Progress) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        if number % _ROWS_BETWEEN_SIGNS == 0:
            progress(number, 0, "rows written")
        yield row
