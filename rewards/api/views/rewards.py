from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.models import Customer
from rewards.api.filters import RewardFilter
from rewards.api.serializers.rewards import CatalogueRewardOutput, ProgramOutput, VisibleRewardsOutput
from rewards.models import Reward
from rewards.queries import catalogue, programs
from tenants.api.views import TenantAPIView, TenantRequest, TenantViewSet
from tenants.domain.permissions import Permission
from tenants.errors import NotFound


class RewardViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """The catalogue: rewards that can be redeemed now."""

    queryset = Reward.objects.none()
    permissions = {"list": Permission.REWARDS_VIEW, "retrieve": Permission.REWARDS_VIEW}
    filterset_class = RewardFilter
    serializer_class = CatalogueRewardOutput

    def get_queryset(self) -> QuerySet[Reward]:
        return catalogue.offered(timezone.now()).prefetch_related("prices__wallet")


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


class CustomerRewardsView(TenantAPIView):
    """The catalogue as one customer sees it."""

    required_permission = Permission.REWARDS_VIEW

    @extend_schema(responses=VisibleRewardsOutput)
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """List what the customer may see, with prices by wallet and why something cannot be had now."""
        customer = get_object_or_404(Customer.objects.all(), public_id=public_id)
        body = {"rewards": catalogue.visible_to(customer, at=timezone.now())}
        return Response(VisibleRewardsOutput(body).data)
