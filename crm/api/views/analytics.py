from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from crm.api.serializers.analytics import (
    CohortsInput,
    CohortsOutput,
    FunnelInput,
    FunnelOutput,
)
from crm.domain.rules import EventCount, EventPattern, RuleError, parse
from crm.queries import cohorts, funnels
from tenants.api.views import TenantAPIView, TenantRequest, read
from tenants.domain.permissions import Permission
from tenants.errors import FieldError, InvalidInput
from tenants.scope import active_tenant


class CohortsView(TenantAPIView):
    """Retention of cohorts by first purchase or sign-up."""

    permissions = {"post": Permission.SEGMENTS_VIEW}

    @extend_schema(request=CohortsInput, responses=CohortsOutput)
    def post(self, request: TenantRequest) -> Response:
        """Return the cohorts of the last periods, the oldest first; null is yet to come."""
        asked = read(CohortsInput, request)
        found = cohorts.retention(
            start=cohorts.Start(asked["start"]),
            returning=cohorts.Return(asked["returning"]),
            step=cohorts.Step(asked["step"]),
            periods=asked["periods"],
            segment=asked["segment"],
            at=timezone.now(),
            zone=active_tenant().zone,
        )
        return Response(CohortsOutput({"cohorts": found}).data)


class FunnelView(TenantAPIView):
    """Conversion through two to six events in order."""

    permissions = {"post": Permission.SEGMENTS_VIEW}

    @extend_schema(request=FunnelInput, responses=FunnelOutput)
    def post(self, request: TenantRequest) -> Response:
        """Return the funnel of everybody, or of the ten largest groups of an attribute or a segment."""
        asked = read(FunnelInput, request)
        if asked["first_on"] > asked["last_on"]:
            raise InvalidInput(errors=[FieldError("/last_on", "before_first", "Not before first_on.")])
        groups = funnels.funnel(
            [_pattern(each, number) for number, each in enumerate(asked["steps"])],
            within_days=asked["within_days"],
            first_on=asked["first_on"],
            last_on=asked["last_on"],
            at=timezone.now(),
            zone=active_tenant().zone,
            attribute=asked["attribute"],
            segment=asked["segment"],
        )
        return Response(FunnelOutput({"groups": groups}).data)


def _pattern(step: dict[str, Any], number: int) -> EventPattern:
    """Return the step's pattern, its conditions read as a rule's are. Raises ``InvalidInput``."""
    try:
        parsed = parse({"event": step["event"], "where": step["where"], "at_least": 1})
    except RuleError as error:
        pointer = f"/steps/{number}{error.pointer}".rstrip("/")
        raise InvalidInput(errors=[FieldError(pointer, "invalid_rule", error.detail)]) from error
    if not isinstance(parsed, EventCount):
        raise InvalidInput(errors=[FieldError(f"/steps/{number}", "invalid_rule", "An event.")])
    return parsed.pattern
