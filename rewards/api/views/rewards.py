from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.models import Customer
from rewards.api.filters import RewardFilter
from rewards.api.serializers.rewards import (
    CatalogueRewardOutput,
    ProgramOutput,
    RewardInput,
    RewardPatch,
    VisibleRewardsOutput,
)
from rewards.api.views.requests import signed
from rewards.models import Reward
from rewards.queries import catalogue, programs
from rewards.services import catalogue as catalogue_service
from rewards.services.catalogue import RewardOffer
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantAPIView, TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission
from tenants.errors import NotFound


class RewardViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """The catalogue: rewards that can be redeemed now; others are found by their id."""

    queryset = Reward.objects.none()
    permissions = {
        **dict.fromkeys(("list", "retrieve"), Permission.REWARDS_VIEW),
        **dict.fromkeys(("create", "partial_update"), Permission.PROGRAM_EDIT),
    }
    filterset_class = RewardFilter
    serializer_class = CatalogueRewardOutput

    def get_queryset(self) -> QuerySet[Reward]:
        rows = catalogue.offered(timezone.now()) if self.action == "list" else catalogue.rewards()
        return rows.prefetch_related("prices__wallet")

    @extend_schema(request=RewardInput, responses={201: CatalogueRewardOutput})
    @idempotent
    def create(self, request: TenantRequest) -> Response:
        """Create a reward; a key that is taken is a 409."""
        data = read(RewardInput, request)
        offer = {name: data.pop(name) for name in RewardOffer.__dataclass_fields__ if name in data}
        reward = catalogue_service.create_reward(offer=RewardOffer(**offer), **data, **signed(request))
        return self._shown(reward, 201)

    @extend_schema(request=RewardPatch, responses=CatalogueRewardOutput)
    def partial_update(self, request: TenantRequest, public_id: Any) -> Response:
        """Patch a reward: what is not named stays, also the stock that is sold meanwhile."""
        reward = catalogue_service.change_reward(
            reward=self.get_object(), values=read(RewardPatch, request), **signed(request)
        )
        return self._shown(reward)

    def _shown(self, reward: Reward, status: int = 200) -> Response:
        row = self.get_queryset().get(pk=reward.pk)
        return Response(CatalogueRewardOutput(row).data, status=status)


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
