from __future__ import annotations

from tenants.errors import Conflict, DomainError, InvalidInput


class ImportRefused(DomainError):
    """The file as a whole cannot be imported; nothing was changed."""

    code = "import_refused"
    status = 422
    title = "The file cannot be imported"


class UnreadableFile(ImportRefused):
    code = "unreadable_file"


class MissingColumns(ImportRefused):
    code = "missing_columns"


class UnknownMapping(ImportRefused):
    code = "unknown_mapping"


class UnknownKind(ImportRefused):
    code = "unknown_import_kind"


class WrongState(Conflict):
    """The import is not where this step can be taken."""

    code = "wrong_import_state"
    title = "The import is in another state"


class PlanInvalid(InvalidInput):
    """The plan of the columns cannot be used; names every fault."""

    code = "plan_invalid"
    title = "The mapping of the columns is not complete"
