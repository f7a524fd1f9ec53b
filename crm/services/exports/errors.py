from __future__ import annotations

from tenants.errors import Conflict, DomainError


class UnknownList(DomainError):
    code = "unknown_list"
    status = 422
    title = "There is no such list"


class ExportNotReady(Conflict):
    """The file is not written yet, or has expired."""

    code = "export_not_ready"
    title = "The file is not there"
