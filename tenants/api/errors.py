"""The API framework's exception handler: every failure becomes a problem."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import transaction
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from tenants.api.problems import CONTENT_TYPE, problem_body
from tenants.errors import DomainError, FieldError, InvalidInput

log = structlog.get_logger(__name__)


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn ``error`` into a problem response and roll the transaction back; None for what is unexpected."""
    members = _members(error)
    if members is None:
        return None
    if transaction.get_connection().in_atomic_block:
        transaction.set_rollback(True)
    headers = members.pop("headers", {})
    body = problem_body(context["request"], **members)
    return Response(body, status=members["status"], headers=headers, content_type=CONTENT_TYPE)


def _members(error: Exception) -> dict[str, Any] | None:
    if isinstance(error, DomainError):
        errors = error.errors if isinstance(error, InvalidInput) else []
        return {
            "status": error.status,
            "code": error.code,
            "title": str(error.title),
            "detail": error.detail,
            "errors": errors,
            **error.extra,
        }
    if isinstance(error, Http404):
        return {"status": 404, "code": "not_found", "title": "No such object", "detail": "No such object."}
    if isinstance(error, RequestDataTooBig):
        return {
            "status": 413,
            "code": "body_too_large",
            "title": "The body is too large",
            "detail": f"At most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes.",
        }
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.ValidationError):
        return {
            "status": 400,
            "code": "invalid_request",
            "title": "The request is not valid",
            "detail": "See errors for each field.",
            "errors": list(_field_errors(error.get_full_details(), "")),
        }
    if isinstance(error, exceptions.APIException):
        return _framework_members(error)
    return None


def _framework_members(error: exceptions.APIException) -> dict[str, Any]:
    headers = {}
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    code = error.get_codes()
    return {
        "status": error.status_code,
        "code": code if isinstance(code, str) else "error",
        "title": str(error.default_detail),
        "detail": str(error.detail),
        "headers": headers,
    }


def _field_errors(details: Any, pointer: str) -> Iterator[FieldError]:
    """Flatten the framework's nested details into JSON pointers."""
    if isinstance(details, dict) and "message" in details and "code" in details:
        yield FieldError(pointer or "/", str(details["code"]), str(details["message"]))
    elif isinstance(details, dict):
        for name, inner in details.items():
            escaped = str(name).replace("~", "~0").replace("/", "~1")
            step = "" if name == "non_field_errors" else f"/{escaped}"
            yield from _field_errors(inner, pointer + step)
    elif isinstance(details, list):
        is_leaf = all(isinstance(inner, dict) and "message" in inner for inner in details)
        for position, inner in enumerate(details):
            yield from _field_errors(inner, pointer if is_leaf else f"{pointer}/{position}")
