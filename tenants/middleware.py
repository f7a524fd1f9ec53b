"""Where a request's tenant scope is opened: from the API key, or from the signed-in user's membership.

The scope wraps the whole view, so the response is sent after the commit: an acknowledged write is durable.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

import structlog
import uuid_utils
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_script_prefix, set_script_prefix
from django.utils import timezone

from tenants import origins
from tenants.access import Access
from tenants.api.problems import problem
from tenants.scope import tenant_scope
from tenants.services import access


class StampedRequest(HttpRequest):
    """For type annotations: a request with what the middlewares here write on it."""

    request_id: str
    access: Access | None


GetResponse = Callable[[HttpRequest], HttpResponse]
API_PREFIX = "/api/v1/"
_TENANT_PATH = re.compile(r"^/t/(?P<slug>[a-z0-9-]{1,63})(?P<rest>/.*)$")
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")
SERVER_ERROR = 500


class RequestIdMiddleware:
    """Give every request an id, X-Request-Id when that is well formed; it is in logs and answers."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: StampedRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request.request_id = given if _REQUEST_ID.match(given) else uuid_utils.uuid7().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.request_id)
        response = self.get_response(request)
        response["X-Request-Id"] = request.request_id
        return response


def _in_scope(request: StampedRequest, granted: Access, get_response: GetResponse) -> HttpResponse:
    request.access = granted
    structlog.contextvars.bind_contextvars(tenant=granted.tenant.slug)
    with tenant_scope(granted.tenant):
        response = get_response(request)
        if response.status_code >= SERVER_ERROR:
            # The error became a response further in; half a change must not be committed.
            transaction.set_rollback(True)
    return response


class TenantApiMiddleware:
    """Open the scope of the API key for every call below ``/api/v1/``."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: StampedRequest) -> HttpResponse:
        request.access = None
        if not request.path_info.startswith(API_PREFIX):
            return self.get_response(request)
        if origins.is_preflight(request):
            return origins.preflight(request)
        if "\0" in request.path_info:
            # No text of PostgreSQL holds one, so it names nothing.
            return problem(request, status=404, code="not_found", title="No such object", detail="Not found.")
        return with_api_key(request, api_key_text(request), lambda granted: self._respond(request, granted))

    def _respond(self, request: StampedRequest, granted: Access) -> HttpResponse:
        origin = origins.origin_of(request)
        if not origin:
            return self.get_response(request)
        welcome = origins.welcome(granted.actor.id or 0, origin)
        if welcome is origins.Welcome.REFUSED:
            detail = "This key is not for pages of this origin."
            title = "The origin is not allowed"
            return problem(request, status=403, code="origin_not_allowed", title=title, detail=detail)
        response = self.get_response(request)
        return origins.allow(response, origin) if welcome is origins.Welcome.READS else response


def with_api_key(
    request: StampedRequest, text: str | None, respond: Callable[[Access], HttpResponse]
) -> HttpResponse:
    """Answer inside the scope of the key ``text``, or with 401 when there is none or it is not valid."""
    if not text:
        return _unauthorized(request, "missing_api_key", "Send Authorization: Bearer <API key>.")
    granted = access.of_api_key(
        text=text,
        address=address_of(request),
        request_id=request.request_id,
        at=timezone.now(),
    )
    if granted is None:
        return _unauthorized(request, "unknown_api_key", "The API key is unknown, expired or revoked.")
    return _in_scope(request, granted, lambda _request: respond(granted))


def _unauthorized(request: StampedRequest, code: str, detail: str) -> HttpResponse:
    response = problem(request, status=401, code=code, title="Not signed in", detail=detail)
    response["WWW-Authenticate"] = 'Bearer realm="api"'
    return response


def api_key_text(request: StampedRequest) -> str | None:
    """Read the key from a Bearer token, or from the user of Basic (what ``curl -u sk_…:`` sends)."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer" and value:
        return value
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def address_of(request: HttpRequest) -> str:
    """Return where a request came from, as far as the server knows."""
    return str(request.META.get("REMOTE_ADDR", ""))[:45]


class TenantSiteMiddleware:
    """Serve ``/t/<slug>/…`` as the back office of that tenant.

    The prefix moves into the script name, so that every URL the admin framework reverses carries it and two
    tabs can hold two tenants.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: StampedRequest) -> HttpResponse:
        match = _TENANT_PATH.match(request.path_info)
        if match is None:
            return self.get_response(request)
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        granted = access.of_member(
            user=request.user,
            slug=match["slug"],
            address=address_of(request),
            request_id=request.request_id,
        )
        if granted is None:
            return render(request, "404.html", status=404)
        return self._serve(request, granted, match["slug"], match["rest"])

    def _serve(self, request: StampedRequest, granted: Access, slug: str, rest: str) -> HttpResponse:
        outer_prefix: str = get_script_prefix()
        base = f"{request.META.get('SCRIPT_NAME', '')}/t/{slug}"
        request.urlconf = settings.STAFF_URLCONF
        request.path_info = rest
        request.META["SCRIPT_NAME"] = base
        set_script_prefix(f"{base}/")
        try:
            return _in_scope(request, granted, self.get_response)
        finally:
            set_script_prefix(outer_prefix)


def access_of(request: Any) -> Access:
    """Return the access a middleware has set. Raises ``Http404`` outside a tenant's pages."""
    granted: Access | None = getattr(request, "access", None)
    if granted is None:
        raise Http404
    return granted
