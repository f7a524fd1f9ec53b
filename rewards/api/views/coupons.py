from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.models import Customer
from rewards.api.filters import CouponRedemptionFilter
from rewards.api.serializers.coupons import (
    ConfirmInput,
    CouponCodeOutput,
    CouponRedemptionOutput,
    CouponsInput,
    CustomerCouponOutput,
    IssueInput,
    ReasonInput,
    RedeemInput,
    ReserveInput,
    ValidationOutput,
    cart_of,
    validation_of,
)
from rewards.api.views.requests import customer_of, named
from rewards.domain.sources import customer_key
from rewards.models import CouponDefinition, CouponRedemption
from rewards.queries import coupons
from rewards.services.coupons import carts, issue, redemptions, takings
from rewards.services.ledger import Source
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantAPIView, TenantListView, TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission

_SOURCE = "api"


def _asked(request: TenantRequest, data: dict[str, Any]) -> takings.Request:
    """Return the body as the service's request; the key names it for ever, apart for each customer."""
    buyers = Customer.objects.all()
    customer = named(buyers, "customer", public_id=data["customer"]) if data["customer"] else None
    key = customer_key(customer.pk if customer else 0, request.headers.get("Idempotency-Key", ""))
    return takings.Request(
        codes=data["codes"],
        cart=cart_of(data["cart"]),
        source=Source(_SOURCE, key),
        customer=customer,
        order_reference=data.get("order", ""),
        client=data["client"],
    )


def _shown(redemption: CouponRedemption, status: int = 200) -> Response:
    return Response(CouponRedemptionOutput(coupons.with_codes(redemption)).data, status=status)


class ValidateView(TenantAPIView):
    """What a cart would get for its codes."""

    required_permission = Permission.COUPONS_REDEEM

    @extend_schema(request=CouponsInput, responses=ValidationOutput)
    def post(self, request: TenantRequest) -> Response:
        """Check codes and price the cart; nothing is taken. Refused codes come with reasons."""
        asked = _asked(request, read(CouponsInput, request))
        evaluation = carts.validate(request=asked, by=request.access.actor, at=timezone.now())
        return Response(ValidationOutput(validation_of(evaluation)).data)


class ReserveView(TenantAPIView):
    """Reservations of coupons while a customer pays."""

    required_permission = Permission.COUPONS_REDEEM

    @extend_schema(request=ReserveInput, responses={201: CouponRedemptionOutput})
    @idempotent
    def post(self, request: TenantRequest) -> Response:
        """Take the codes of a cart, all or none, until ``ttl_seconds`` are over or it is confirmed."""
        data = read(ReserveInput, request)
        redemption = carts.reserve(
            request=_asked(request, data),
            ttl=timedelta(seconds=data["ttl_seconds"]),
            by=request.access.actor,
            at=timezone.now(),
        )
        return _shown(redemption, 201)


class RedeemView(TenantAPIView):
    """Redemptions of coupons in one call."""

    required_permission = Permission.COUPONS_REDEEM

    @extend_schema(request=RedeemInput, responses={201: CouponRedemptionOutput})
    @idempotent
    def post(self, request: TenantRequest) -> Response:
        """Take the codes of a cart for good, all or none; a refusal says why for each code."""
        redemption = carts.redeem(
            request=_asked(request, read(RedeemInput, request)),
            by=request.access.actor,
            at=timezone.now(),
        )
        return _shown(redemption, 201)


class IssueView(TenantAPIView):
    """Codes given to customers."""

    required_permission = Permission.COUPONS_EDIT

    @extend_schema(request=IssueInput, responses={201: CouponCodeOutput})
    @idempotent
    def post(self, request: TenantRequest) -> Response:
        """Give a customer one code of a definition."""
        data = read(IssueInput, request)
        customer = named(Customer.objects.all(), "customer", public_id=data["customer"])
        offered = CouponDefinition.objects.filter(is_active=True)
        code = issue(
            customer_id=customer.pk,
            definition_key=named(offered, "definition", key=data["definition"]).key,
            source=Source(_SOURCE, customer_key(customer.pk, request.headers["Idempotency-Key"])),
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(CouponCodeOutput(code).data, status=201)


class CustomerCouponsView(TenantListView):
    """The codes a customer has."""

    required_permission = Permission.COUPONS_VIEW

    @extend_schema(responses=CustomerCouponOutput(many=True))
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """List the customer's own codes, the latest first."""
        return self.page(coupons.codes_of(customer_of(public_id)), CustomerCouponOutput, request)


class CouponRedemptionViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Carts whose coupons were taken."""

    queryset = CouponRedemption.objects.none()
    permissions = {
        "list": Permission.COUPONS_VIEW,
        "retrieve": Permission.COUPONS_VIEW,
        "confirm": Permission.COUPONS_REDEEM,
        "release": Permission.COUPONS_REDEEM,
        "rollback": Permission.COUPONS_REDEEM,
    }
    filterset_class = CouponRedemptionFilter
    serializer_class = CouponRedemptionOutput

    def get_queryset(self) -> QuerySet[CouponRedemption]:
        return coupons.redemptions()

    @extend_schema(request=ConfirmInput, responses=CouponRedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def confirm(self, request: TenantRequest, public_id: UUID) -> Response:
        """Make a reservation final."""
        data = read(ConfirmInput, request)
        redemption = redemptions.confirm(
            redemption=self.get_object(),
            order_reference=data["order"],
            by=request.access.actor,
            at=timezone.now(),
        )
        return _shown(redemption)

    @extend_schema(request=ReasonInput, responses=CouponRedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def release(self, request: TenantRequest, public_id: UUID) -> Response:
        """Give a reservation back."""
        return self._given_back(redemptions.release, request)

    @extend_schema(request=ReasonInput, responses=CouponRedemptionOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def rollback(self, request: TenantRequest, public_id: UUID) -> Response:
        """Undo a redemption once: every use, balance and limit is restored."""
        return self._given_back(redemptions.roll_back, request)

    def _given_back(self, service: Any, request: TenantRequest) -> Response:
        data = read(ReasonInput, request)
        redemption = service(
            redemption=self.get_object(), reason=data["reason"], by=request.access.actor, at=timezone.now()
        )
        return _shown(redemption)
