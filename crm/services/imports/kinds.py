"""The kinds of import: each app registers its own, the wizard offers all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from crm.domain.import_fields import FieldSet
from crm.domain.import_plans import ImportPlan, plan_of
from crm.models import ImportRun
from crm.services.imports.errors import UnknownKind
from crm.services.imports.files import FileShape
from tenants import files as private_files
from tenants.domain.actors import Actor
from tenants.domain.permissions import Permission
from tenants.models import Tenant

Progress = Callable[[int, int, str], None]


@dataclass(slots=True)
class Work:
    """One job of one import. No scope is open; the importer opens one a step, each a transaction."""

    tenant: Tenant
    run_id: int
    path: Path
    shape: FileShape
    plan: ImportPlan
    by: Actor
    at: datetime
    progress: Progress

    @classmethod
    def of(cls, run: ImportRun, *, tenant: Tenant, by: Actor, at: datetime, progress: Progress) -> Work:
        return cls(
            tenant=tenant,
            run_id=run.pk,
            path=private_files.absolute(run.file_path),
            shape=FileShape.of_json(run.shape),
            plan=plan_of(run.plan),
            by=by,
            at=at,
            progress=progress,
        )


@dataclass(slots=True)
class Account:
    """What became of the rows: read = accepted + merged + quarantined, and what else to tell."""

    read: int = 0
    merged: int = 0
    quarantined: int = 0
    report: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Importer(Protocol):
    """How a kind checks, loads and undoes. A load that was interrupted goes on where it stopped."""

    def check(self, work: Work) -> Account:
        """Say what a load would do, and keep what that takes for the load. Raises ``UnreadableFile``."""

    def load(self, work: Work) -> Account:
        """Load the rows and account for each; what is loaded already is not loaded again."""

    def undo(self, work: Work) -> dict[str, int]:
        """Take back what the load changed; counts records by what became of them."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of import, its fields and its importer; ``permission`` is needed beside importing."""

    key: str
    label: Any
    hint: Any
    symbol: str
    fields: FieldSet
    importer: Importer
    permission: Permission = Permission.CUSTOMERS_IMPORT
    is_undoable: bool = True


_kind_by_key: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Offer a kind of import; a second registration of its key replaces the first."""
    _kind_by_key[kind.key] = kind


def kind_of(key: str) -> Kind:
    """Return a registered kind. Raises ``UnknownKind``."""
    if key not in _kind_by_key:
        raise UnknownKind(f"There is no kind of import “{key}”; there are {', '.join(_kind_by_key)}.")
    return _kind_by_key[key]


def all_kinds() -> list[Kind]:
    """Return every kind of file that can be imported, in the order of registration."""
    return list(_kind_by_key.values())
