from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from rewards.api.serializers.brakes import BrakeInput, BrakeReleaseInput, BrakesOutput
from rewards.api.views.requests import signed
from rewards.queries import brakes as brake_queries
from rewards.services import brakes
from tenants.api.views import TenantAPIView, TenantRequest, read
from tenants.domain.permissions import Permission


class BrakesView(TenantAPIView):
    """Emergency brakes on the program in force."""

    permissions = {"get": Permission.PROGRAM_VIEW, "post": Permission.PROGRAM_EDIT}

    @extend_schema(responses=BrakesOutput)
    def get(self, request: TenantRequest) -> Response:
        """List what is paused or tightened now."""
        return _shown()

    @extend_schema(request=BrakeInput, responses={201: BrakesOutput})
    def post(self, request: TenantRequest) -> Response:
        """Pause a rule, coupon, campaign or reward, or tighten a limit; the next publication ends it.

        May be repeated: a brake on the same is replaced. A limit that is not tighter is refused.
        """
        brakes.pull(**read(BrakeInput, request), **signed(request))
        return _shown(201)


class ReleaseBrakeView(TenantAPIView):
    """Ending an emergency brake."""

    required_permission = Permission.PROGRAM_EDIT

    @extend_schema(request=BrakeReleaseInput, responses=BrakesOutput)
    def post(self, request: TenantRequest) -> Response:
        """Let what was approved hold again; 404 without such a brake."""
        brakes.release(**read(BrakeReleaseInput, request), **signed(request))
        return _shown()


def _shown(status: int = 200) -> Response:
    return Response(BrakesOutput(brake_queries.on(timezone.now())).data, status=status)
