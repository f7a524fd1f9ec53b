from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from rewards.api.filters import RewardFilter
from rewards.api.serializers.rewards import ProgramOutput, RewardOutput
from rewards.models import Reward
from rewards.queries import programs
from tenants.api.views import TenantAPIView, TenantRequest, TenantViewSet
from tenants.domain.permissions import Permission
from tenants.errors import NotFound


class RewardViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """The catalogue: rewards that can be redeemed now."""

    queryset = Reward.objects.none()
    permissions = {"list": Permission.REWARDS_VIEW, "retrieve": Permission.REWARDS_VIEW}
    filterset_class = RewardFilter
    serializer_class = RewardOutput

    def get_queryset(self) -> QuerySet[Reward]:
        found: QuerySet[Reward] = Reward.objects.filter(is_active=True).select_related("wallet")
        return found


class CurrentProgramView(TenantAPIView):
    """The program in force."""

    required_permission = Permission.PROGRAM_VIEW

    @extend_schema(responses=ProgramOutput)
    def get(self, request: TenantRequest) -> Response:
        """Read the published revision; 404 while there is none."""
        current = programs.current()
        if current is None:
            raise NotFound("No program is published.")
        return Response(ProgramOutput(current).data)
