from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.models import Customer
from rewards.api.filters import RedemptionFilter
from rewards.api.serializers.rewards import CancelInput, RedemptionInput, RedemptionOutput, ShipInput
from rewards.api.views.requests import named
from rewards.models import Redemption, Reward
from rewards.services import cancellations, fulfilments, redemptions
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantRequest, TenantViewSet
from tenants.domain.permissions import Permission


class RedemptionViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Exchanges of points for rewards."""

    queryset = Redemption.objects.none()
    permissions = {
        "list": Permission.REWARDS_VIEW,
        "retrieve": Permission.REWARDS_VIEW,
        "create": Permission.REWARDS_REDEEM,
        "cancel": Permission.REWARDS_REDEEM,
        "fulfil": Permission.REWARDS_REDEEM,
        "pack": Permission.REWARDS_REDEEM,
        "ship": Permission.REWARDS_REDEEM,
        "deliver": Permission.REWARDS_REDEEM,
        "refund": Permission.REWARDS_REDEEM,
    }
    filterset_class = RedemptionFilter
    serializer_class = RedemptionOutput

    def get_queryset(self) -> QuerySet[Redemption]:
        found: QuerySet[Redemption] = Redemption.objects.select_related(
            "customer", "reward", "coupon_code", "hold__account__wallet"
        )
        return found

    @extend_schema(request=RedemptionInput, responses={201: RedemptionOutput})
    @idempotent
    def create(self, request: TenantRequest) -> Response:
        """Redeem a reward: the points are spent when this answers 201."""
        serializer = RedemptionInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        redemption = redemptions.redeem(
            customer=named(
                Customer.objects.all(), "customer", public_id=serializer.validated_data["customer"]
            ),
            reward=named(Reward.objects.all(), "reward", public_id=serializer.validated_data["reward"]),
            wallet_key=serializer.validated_data["wallet"],
            idempotency_key=request.headers["Idempotency-Key"],
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(RedemptionOutput(redemption).data, status=201)

    @extend_schema(request=CancelInput, responses=RedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def cancel(self, request: TenantRequest, public_id: UUID) -> Response:
        """Cancel before fulfilment: points go back to their lots, the reward to stock."""
        serializer = CancelInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        redemption = cancellations.cancel(
            redemption=self.get_object(),
            reason=serializer.validated_data["reason"],
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(RedemptionOutput(redemption).data)

    @extend_schema(request=None, responses=RedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def fulfil(self, request: TenantRequest, public_id: UUID) -> Response:
        """Record that the reward was handed over."""
        redemption = fulfilments.fulfil(
            redemption=self.get_object(), by=request.access.actor, at=timezone.now()
        )
        return Response(RedemptionOutput(redemption).data)

    @extend_schema(request=None, responses=RedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def pack(self, request: TenantRequest, public_id: UUID) -> Response:
        """Record that a reward that is shipped has been packed."""
        redemption = fulfilments.pack(
            redemption=self.get_object(), by=request.access.actor, at=timezone.now()
        )
        return Response(RedemptionOutput(redemption).data)

    @extend_schema(request=ShipInput, responses=RedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def ship(self, request: TenantRequest, public_id: UUID) -> Response:
        """Record that the parcel left, with its tracking number if there is one."""
        serializer = ShipInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        redemption = fulfilments.ship(
            redemption=self.get_object(),
            tracking=serializer.validated_data["tracking"],
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(RedemptionOutput(redemption).data)

    @extend_schema(request=None, responses=RedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def deliver(self, request: TenantRequest, public_id: UUID) -> Response:
        """Record that the parcel arrived."""
        redemption = fulfilments.deliver(
            redemption=self.get_object(), by=request.access.actor, at=timezone.now()
        )
        return Response(RedemptionOutput(redemption).data)

    @extend_schema(request=CancelInput, responses=RedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def refund(self, request: TenantRequest, public_id: UUID) -> Response:
        """Undo what was handed over: lots, stock and code come back, after a review where there are many."""
        serializer = CancelInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        redemption = cancellations.refund(
            redemption=self.get_object(),
            reason=serializer.validated_data["reason"],
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(RedemptionOutput(redemption).data)
