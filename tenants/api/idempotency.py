"""Idempotency-Key: a retry of a write gets the stored answer and does nothing a second time.

The record is inserted first, in the same transaction as the effect: a twin waits on the unique constraint
until the first commits, and then reads its answer; when the first rolls back, the twin does the work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.response import Response

from tenants.api.renderers import JsonRenderer
from tenants.errors import DomainError, FieldError, InvalidInput
from tenants.models import IdempotencyRecord
from tenants.scope import active_tenant_id

MAX_KEY_LENGTH = 255
View = Callable[..., Any]


class KeyReused(DomainError):
    code = "idempotency_key_reused"
    status = 422
    title = "The Idempotency-Key was used with another request"


def idempotent(view: View) -> View:
    """Require ``Idempotency-Key`` on a view method and replay its stored answer."""

    @wraps(view)
    def answer(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        key = _key_of(request)
        endpoint = f"{request.method} {request._request.path_info}"[:200]  # noqa: SLF001
        fingerprint = hashlib.sha256(request._request.body).hexdigest()  # noqa: SLF001
        if not _insert(key, endpoint, fingerprint):
            return _replay(key, endpoint, fingerprint)
        response = view(self, request, *args, **kwargs)
        # Failures raise, roll back and leave no record: the same key may try again.
        body = JsonRenderer().render(response.data).decode()
        IdempotencyRecord.objects.filter(key=key, endpoint=endpoint).update(
            status=response.status_code, body=body
        )
        return response

    answer.is_idempotent = True  # type: ignore[attr-defined]
    return answer


def _key_of(request: Any) -> str:
    key = str(request.headers.get("Idempotency-Key", "")).strip()
    if not key or len(key) > MAX_KEY_LENGTH or not key.isprintable():
        detail = f"Send an Idempotency-Key header of 1 to {MAX_KEY_LENGTH} printable characters."
        raise InvalidInput(detail, errors=[FieldError("Idempotency-Key", "required", detail)])
    return key


def _insert(key: str, endpoint: str, fingerprint: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO tenants_idempotencyrecord (tenant_id, key, endpoint, fingerprint, body, created_at)
               VALUES (%s, %s, %s, %s, '', %s) ON CONFLICT DO NOTHING""",
            [active_tenant_id(), key, endpoint, fingerprint, timezone.now()],
        )
        return bool(cursor.rowcount)


def _replay(key: str, endpoint: str, fingerprint: str) -> HttpResponse | Response:
    record = IdempotencyRecord.objects.get(key=key, endpoint=endpoint)
    if record.fingerprint != fingerprint:
        raise KeyReused("Use a new key for a new request; this one was sent with another body.")
    response = HttpResponse(record.body, status=record.status or 200, content_type="application/json")
    response["Idempotent-Replayed"] = "true"
    return response
