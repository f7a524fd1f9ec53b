"""Problem details for HTTP APIs (RFC 9457): the one shape of every error of the API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, JsonResponse

from tenants.errors import FieldError

CONTENT_TYPE = "application/problem+json"


def problem_body(
    request: HttpRequest,
    *,
    status: int,
    code: str,
    title: str,
    detail: str,
    errors: Iterable[FieldError] = (),
    **extra: Any,
) -> dict[str, Any]:
    """Return the members of a problem; ``extra`` are machine-readable facts such as ``missing``."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": getattr(request, "request_id", ""),
        **extra,
    }
    if listed := [{"pointer": e.pointer, "code": e.code, "detail": e.detail} for e in errors]:
        body["errors"] = listed
    return body


def problem(request: HttpRequest, **members: Any) -> JsonResponse:
    """Return a problem as a response, for places outside the API framework."""
    return JsonResponse(problem_body(request, **members), status=members["status"], content_type=CONTENT_TYPE)
