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
from rewards.api.serializers.drafted import DraftedOutput
from rewards.api.serializers.rewards import (
    CatalogueRewardOutput,
    ProgramOutput,
    RewardInput,
    RewardPatch,
    VisibleRewardsOutput,
)
from rewards.api.views.requests import drafted, signed
from rewards.domain.offers import OfferedReward
from rewards.models import Reward
from rewards.queries import catalogue, programs
from rewards.services import offer_changes
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

    @extend_schema(request=RewardInput, responses={202: DraftedOutput})
    @idempotent
    def create(self, request: TenantRequest) -> Response:
        """Write a new reward into the program's draft; it is on offer once that is published.

        A key that is in force is a 409; one that only waits in the draft is replaced.
        """
        offer = OfferedReward(**read(RewardInput, request))
        return drafted(offer_changes.create(offer=offer, **signed(request)))

    @extend_schema(request=RewardPatch, responses={200: CatalogueRewardOutput, 202: DraftedOutput})
    def partial_update(self, request: TenantRequest, public_id: Any) -> Response:
        """Patch a reward in the program's draft: what is not named stays. `stock` is live, and at once.

        202 tells what was written; stock alone answers 200 with the reward.
        """
        reward: Reward = self.get_object()
        written = offer_changes.change_reward(
            reward=reward, values=read(RewardPatch, request), **signed(request)
        )
        if written is not None:
            return drafted(written)
        return Response(CatalogueRewardOutput(self.get_queryset().get(pk=reward.pk)).data)


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
