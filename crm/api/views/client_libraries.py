"""The routes that client libraries of Segment, RudderStack and PostHog call when only their host is changed.

They stand at the root of the host, outside ``/api/v1/``: the libraries append their own paths to it. Content
types are ignored, the key may stand in the header or in the body, and one bad event never fails a batch.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from crm.domain import client_messages, events
from crm.services import ingest
from tenants import origins
from tenants.access import Access
from tenants.api.problems import problem
from tenants.api.throttling import seconds_to_wait
from tenants.domain.permissions import PUBLISHABLE_SCOPES, Permission
from tenants.middleware import StampedRequest, api_key_text, with_api_key

_TYPE_BY_STEP: Final = {
    "t": "track",
    "i": "identify",
    "p": "page",
    "s": "screen",
    "g": "group",
    "a": "alias",
}
_DAY_SECONDS: Final = 86_400


@method_decorator(csrf_exempt, name="dispatch")
class ClientLibraryView(View):
    """One delivery: checked key, limits, every message accepted or kept as a reject, a short answer."""

    http_method_names = ["post", "options"]
    dialect: ClassVar[client_messages.Dialect] = client_messages.SEGMENT
    answer: ClassVar[dict[str, Any]] = {"success": True}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer browsers of any origin: nothing is read by cookies, and a key for browsers only writes."""
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[assignment]
        response["Access-Control-Allow-Origin"] = "*"
        return response

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = HttpResponse(status=204)
        response["Access-Control-Allow-Methods"] = "POST, OPTIONS"
        response["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Content-Encoding"
        response["Access-Control-Max-Age"] = str(_DAY_SECONDS)
        return response

    def post(self, request: StampedRequest, step: str = "batch") -> HttpResponse:
        is_gzip = "gzip" in (request.headers.get("Content-Encoding", ""), request.GET.get("compression"))
        try:
            delivery = client_messages.read(events.plain_body(request.body, is_gzip=is_gzip))
        except events.TooLarge as error:
            return _refusal(request, 413, "batch_too_large", str(error))
        except events.MalformedBatch as error:
            return _refusal(request, 400, "malformed_body", str(error))
        key = api_key_text(request) or delivery.key
        return with_api_key(request, key, lambda granted: self._accept(request, granted, delivery, step))

    def _accept(
        self, request: HttpRequest, access: Access, delivery: client_messages.Delivery, step: str
    ) -> HttpResponse:
        if wait := seconds_to_wait(access):
            response = _refusal(request, 429, "throttled", "Too many requests with this key.")
            response["Retry-After"] = str(wait)
            return response
        if not access.can(Permission.EVENTS_INGEST):
            return _refusal(request, 403, "permission_denied", "The key may not send events.")
        if "Origin" in request.headers and not access.actor.permissions <= PUBLISHABLE_SCOPES:
            return _refusal(request, 403, "secret_key_in_browser", "Browsers use a publishable key (pk_…).")
        origin = origins.origin_of(request)
        if origin and origins.welcome(access.actor.id or 0, origin) is origins.Welcome.REFUSED:
            return _refusal(request, 403, "origin_not_allowed", f"This key is not for pages of {origin}.")
        at = timezone.now()
        skew = delivery.skew(at)
        batch = [
            client_messages.event_from(
                message,
                dialect=self.dialect,
                kind=_TYPE_BY_STEP.get(step, step),
                at=at,
                skew=skew,
            )
            for message in delivery.messages
        ]
        ingest.accept(batch=batch, by=access.actor, at=at, is_shifted=bool(skew))
        return JsonResponse(self.answer)


class PostHogView(ClientLibraryView):
    dialect = client_messages.POSTHOG
    answer: ClassVar[dict[str, Any]] = {"status": 1}


class BrowserSettingsView(View):
    """What Segment's browser library asks its settings host for: that our collection is switched on."""

    http_method_names = ["get", "options"]

    def get(self, request: HttpRequest, write_key: str) -> HttpResponse:
        integration = {"apiKey": write_key, "apiHost": f"{request.get_host()}/v1", "protocol": request.scheme}
        response = JsonResponse(
            {"integrations": {"Segment.io": integration}, "plan": {"track": {"__default": {"enabled": True}}}}
        )
        response["Access-Control-Allow-Origin"] = "*"
        response["Cache-Control"] = f"public, max-age={_DAY_SECONDS}"
        return response


def _refusal(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    # ``message`` is where two of the libraries look for the text.
    return problem(request, status=status, code=code, title="Not accepted", detail=detail, message=detail)
