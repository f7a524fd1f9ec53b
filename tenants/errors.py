"""Errors the domain raises; the API turns them into problems (RFC 9457), the back office into messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong value: ``pointer`` is a JSON pointer into the body, ``code`` is stable."""

    pointer: str
    code: str
    detail: str


class DomainError(Exception):
    """Something the caller may not do or asked for wrongly. Subclasses say what is wrong."""

    code: ClassVar[str] = "domain_error"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "The request cannot be carried out"

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.extra = extra


class NotFound(DomainError):
    code = "not_found"
    status = 404
    title = "No such object"


class Conflict(DomainError):
    code = "conflict"
    status = 409
    title = "The object has changed or already exists"


class PermissionRefused(DomainError):
    code = "permission_refused"
    status = 403
    title = "Your role or key does not allow this"


class InvalidInput(DomainError):
    """The body is well formed but says something impossible; names each field."""

    code = "invalid_input"
    status = 422
    title = "Some fields are not valid"

    def __init__(self, detail: str = "", *, errors: list[FieldError] | None = None, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.errors = errors or []
