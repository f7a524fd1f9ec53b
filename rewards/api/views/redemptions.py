from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.models import Customer
from rewards.api.filters import RedemptionFilter
from rewards.api.serializers.rewards import (
    CancelInput,
    RedemptionInput,
    RedemptionOutput,
    ReservationInput,
    ShipInput,
)
from rewards.api.views.requests import keyed, named, signed
from rewards.models import Redemption, Reward
from rewards.services import cancellations, fulfilments, redemptions
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission


class RedemptionViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Exchanges of points for rewards."""

    queryset = Redemption.objects.none()
    permissions = {
        "list": Permission.REWARDS_VIEW,
        "retrieve": Permission.REWARDS_VIEW,
        "create": Permission.REWARDS_REDEEM,
        "reserve": Permission.REWARDS_REDEEM,
        "confirm": Permission.REWARDS_REDEEM,
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
            "customer", "reward__wallet", "coupon_code", "hold__account__wallet"
        )
        return found

    @extend_schema(request=RedemptionInput, responses={201: RedemptionOutput})
    @idempotent
    def create(self, request: TenantRequest) -> Response:
        """Redeem a reward: the points are spent when this answers 201."""
        data = read(RedemptionInput, request)
        redemption = redemptions.redeem(**_wanted(data), **keyed(request))
        return Response(RedemptionOutput(redemption).data, status=201)

    @extend_schema(request=ReservationInput, responses={201: RedemptionOutput})
    @action(detail=False, methods=["post"])
    @idempotent
    def reserve(self, request: TenantRequest) -> Response:
        """Hold points, stock and a code for `ttl_seconds`; confirm or cancel it, or it is given back."""
        data = read(ReservationInput, request)
        ttl = timedelta(seconds=data["ttl_seconds"])
        redemption = redemptions.reserve(ttl=ttl, **_wanted(data), **keyed(request))
        return Response(RedemptionOutput(redemption).data, status=201)

    @extend_schema(request=None, responses=RedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def confirm(self, request: TenantRequest, public_id: UUID) -> Response:
        """Spend the held points of a reservation; 409 once it was given back, or under review."""
        return self._after(redemptions.confirm, request)

    @extend_schema(request=CancelInput, responses=RedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def cancel(self, request: TenantRequest, public_id: UUID) -> Response:
        """Cancel before fulfilment: points go back to their lots, the reward to stock."""
        return self._after(cancellations.cancel, request, **read(CancelInput, request))

    @extend_schema(request=None, responses=RedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def fulfil(self, request: TenantRequest, public_id: UUID) -> Response:
        """Record that the reward was handed over."""
        return self._after(fulfilments.fulfil, request)

    @extend_schema(request=None, responses=RedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def pack(self, request: TenantRequest, public_id: UUID) -> Response:
        """Record that a reward that is shipped has been packed."""
        return self._after(fulfilments.pack, request)

    @extend_schema(request=ShipInput, responses=RedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def ship(self, request: TenantRequest, public_id: UUID) -> Response:
        """Record that the parcel left, with its tracking number if there is one."""
        return self._after(fulfilments.ship, request, **read(ShipInput, request))

    @extend_schema(request=None, responses=RedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def deliver(self, request: TenantRequest, public_id: UUID) -> Response:
        """Record that the parcel arrived."""
        return self._after(fulfilments.deliver, request)

    @extend_schema(request=CancelInput, responses=RedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def refund(self, request: TenantRequest, public_id: UUID) -> Response:
        """Undo what was handed over: lots, stock and code come back, after a review where there are many."""
        return self._after(cancellations.refund, request, **read(CancelInput, request))

    def _after(self, step: Callable[..., Redemption], request: TenantRequest, **given: Any) -> Response:
        """Take one step of the redemption in the address and answer with what it is now."""
        redemption = step(redemption=self.get_object(), **given, **signed(request))
        return Response(RedemptionOutput(redemption).data)


def _wanted(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "customer": named(Customer.objects.all(), "customer", public_id=data["customer"]),
        "reward": named(Reward.objects.all(), "reward", public_id=data["reward"]),
        "wallet_key": data["wallet"],
    }
