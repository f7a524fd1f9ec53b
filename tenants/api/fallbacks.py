"""Failures outside the API framework: a problem below ``/api/``, a page elsewhere."""

from __future__ import annotations

import sys

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.views import defaults

from tenants.api.problems import problem

_API = "/api/"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path_info.startswith(_API):
        detail = "The request is malformed."
        return problem(
            request, status=400, code="malformed_request", title="Malformed request", detail=detail
        )
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path_info.startswith(_API):
        detail = "There is nothing at this path."
        return problem(request, status=404, code="not_found", title="No such path", detail=detail)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if request.path_info.startswith(_API):
        if isinstance(sys.exception(), OperationalError):
            # Perhaps it was committed, and nobody could say so.
            detail = "The database did not answer. Send the request again, with the same Idempotency-Key."
            return problem(request, status=503, code="unavailable", title="Not available now", detail=detail)
        detail = "Nothing was changed. Send request_id to support."
        return problem(request, status=500, code="server_error", title="Something went wrong", detail=detail)
    return defaults.server_error(request)
