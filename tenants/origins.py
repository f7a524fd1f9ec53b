"""Pages that may use a publishable key, and the headers by which a browser learns it."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from django.http import HttpRequest, HttpResponse

from tenants.models import ApiKey

_HEADERS: Final = "Authorization, Content-Type, Idempotency-Key, X-Member-Token, X-Request-Id"
_LONGEST: Final = 300


def origin_of(request: HttpRequest) -> str:
    """Return the origin a browser sends along, or nothing."""
    return str(request.headers.get("Origin", ""))[:_LONGEST]


def is_preflight(request: HttpRequest) -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def preflight(request: HttpRequest) -> HttpResponse:
    """Answer a browser's question whether it may call: the call itself is judged when it comes.

    Keys and tokens travel in headers and no cookie is accepted here, so any page may ask.
    """
    response = HttpResponse(status=204)
    response["Access-Control-Allow-Origin"] = origin_of(request)
    response["Access-Control-Allow-Methods"] = "GET, POST"
    response["Access-Control-Allow-Headers"] = _HEADERS
    response["Access-Control-Max-Age"] = "600"
    response["Vary"] = "Origin"
    return response


class Welcome(Enum):
    """How a key receives a page: a secret key belongs to servers, and no page may read its answers."""

    READS = auto()
    UNREAD = auto()
    REFUSED = auto()


def welcome(key_id: int, origin: str) -> Welcome:
    """Judge a page of ``origin`` that uses the key; a publishable key may list its pages."""
    kind, pages = ApiKey.objects.filter(pk=key_id).values_list("kind", "origins").first() or ("", [])
    if kind != ApiKey.Kind.PUBLISHABLE:
        return Welcome.UNREAD
    return Welcome.READS if not pages or origin in pages else Welcome.REFUSED


def allow(response: HttpResponse, origin: str) -> HttpResponse:
    """Let the page read the answer."""
    response["Access-Control-Allow-Origin"] = origin
    response["Access-Control-Expose-Headers"] = "X-Request-Id, Retry-After"
    response["Vary"] = "Origin"
    return response
