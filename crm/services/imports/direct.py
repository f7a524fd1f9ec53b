"""A file that lies on the server, the wizard's way in one go: stored, mapped as proposed, loaded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from crm.models import ImportRun, ImportState
from crm.services.imports import running, wizard
from crm.services.imports.errors import PlanInvalid, UnreadableFile
from crm.services.imports.kinds import Progress
from tenants import files as private_files
from tenants.domain.actors import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

_CHUNK: Final = 1024 * 1024


def load_file(
    *, tenant: Tenant, kind: str, path: Path, by: Actor, at: datetime, progress: Progress
) -> ImportRun:
    """Import a file whose columns are named as the kind knows them; opens scopes of its own.

    A second call imports it again, which changes nothing. Raises ``UnknownKind``, ``UnreadableFile`` and
    ``PlanInvalid`` when the columns do not say what every row needs.
    """
    if not path.is_file():
        raise UnreadableFile(f"There is no file {path.name}.")
    with tenant_scope(tenant):
        run = wizard.upload(kind=kind, file_name=path.name, chunks=_chunks(path), by=by, at=at)
        try:
            run = wizard.choose_plan(run=run, plan=run.plan, by=by, at=at)
        except PlanInvalid:
            # The row goes with the transaction, the stored file would not.
            private_files.remove(run.file_path)
            raise
        run.state = ImportState.RUNNING
        run.save(update_fields=["state"])
    running.load(tenant=tenant, public_id=str(run.public_id), by=by, at=at, progress=progress)
    with tenant_scope(tenant):
        run.refresh_from_db()
    return run


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
