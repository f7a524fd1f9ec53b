from __future__ import annotations

from tenants.errors import DomainError


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
