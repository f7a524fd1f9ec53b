from __future__ import annotations

from typing import ClassVar

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema

from crm.api.serializers.event_batches import EventBatchInput, EventBatchOutput
from crm.domain import events
from crm.services import ingest
from tenants.api.views import TenantAPIView, TenantRequest
from tenants.domain.permissions import Permission
from tenants.errors import DomainError


class BatchTooLarge(DomainError):
    """The batch is above the documented limits."""

    code = "batch_too_large"
    status = 413
    title = "The batch is too large"


class MalformedBody(DomainError):
    """The body is no batch of events."""

    code = "malformed_body"
    status = 400
    title = "The body is not a batch of events"


class EventBatchView(TenantAPIView):
    """Ingest of events: at most 1,000 and 1 MiB (decoded) a batch, gzip accepted.

    Answers 202 after the commit, with the status of each event in the order of the batch.
    """

    permissions: ClassVar[dict[str, Permission]] = {"post": Permission.EVENTS_INGEST}

    @extend_schema(request=EventBatchInput, responses={202: EventBatchOutput})
    def post(self, request: TenantRequest) -> HttpResponse:
        """Ingest a batch; what is sent again is answered as a duplicate."""
        at = timezone.now()
        try:
            body = events.plain_body(
                request._request.body,  # noqa: SLF001 - the bytes, past the framework's parsers
                is_gzip=request.headers.get("Content-Encoding", "").lower() == "gzip",
            )
            batch = events.decode(body, at=at)
        except events.TooLarge as error:
            raise BatchTooLarge(str(error), limit_events=events.MOST_EVENTS) from error
        except events.MalformedBatch as error:
            raise MalformedBody(str(error)) from error
        receipt = ingest.accept(batch=batch, by=request.access.actor, at=at)
        counts = receipt.counts
        answer = {
            **{status: counts[status] for status in ("accepted", "duplicate", "invalid")},
            "results": receipt.outcomes,
        }
        return HttpResponse(msgspec.json.encode(answer), status=202, content_type="application/json")
