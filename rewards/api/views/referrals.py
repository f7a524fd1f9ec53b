from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.models import Customer
from rewards.api.filters import ReferralFilter
from rewards.api.serializers.drafted import DraftedOutput
from rewards.api.serializers.referral_program import ReferralProgramInput, ReferralProgramOutput
from rewards.api.serializers.referrals import ReferralCodeOutput, ReferralInput, ReferralOutput, RejectInput
from rewards.api.views.requests import drafted, named, signed
from rewards.domain.offers import ReferralTerms
from rewards.models import Referral
from rewards.queries import offers
from rewards.services import offer_drafts, referral_codes, referrals
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantAPIView, TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission


class ReferralCodeView(TenantAPIView):
    """The code a member gives to friends."""

    required_permission = Permission.REWARDS_REDEEM

    @extend_schema(request=None, responses=ReferralCodeOutput)
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Return the member's code, made on the first call; calling again finds it."""
        customer = get_object_or_404(Customer.objects.all(), public_id=public_id)
        code = referral_codes.code_of(customer=customer, at=timezone.now())
        return Response(ReferralCodeOutput(code).data)


class ReferralProgramView(TenantAPIView):
    """What both sides get, and when a referral counts."""

    permissions = {"get": Permission.REWARDS_VIEW, "put": Permission.PROGRAM_EDIT}

    @extend_schema(responses=ReferralProgramOutput)
    def get(self, request: TenantRequest) -> Response:
        """Read the referral program in force; 404 while there is none."""
        terms = offers.referral()
        if terms is None:
            raise Http404
        return Response(ReferralProgramOutput(terms).data)

    @extend_schema(request=ReferralProgramInput, responses={202: DraftedOutput})
    def put(self, request: TenantRequest) -> Response:
        """Write the referral whole into the program's draft; it pays so once that is published."""
        terms = ReferralTerms(**read(ReferralProgramInput, request))
        return drafted(offer_drafts.put(terms, **signed(request)))


class ReferralViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Customers brought by customers."""

    queryset = Referral.objects.none()
    permissions = {
        "list": Permission.REWARDS_VIEW,
        "retrieve": Permission.REWARDS_VIEW,
        "create": Permission.REWARDS_REDEEM,
        "reject": Permission.REVIEWS_DECIDE,
    }
    filterset_class = ReferralFilter
    serializer_class = ReferralOutput

    def get_queryset(self) -> QuerySet[Referral]:
        found: QuerySet[Referral] = Referral.objects.select_related("referrer", "referee", "qualifying_order")
        return found

    @extend_schema(request=ReferralInput, responses={201: ReferralOutput})
    @idempotent
    def create(self, request: TenantRequest) -> Response:
        """Note that a new customer came with a member's code; its state says if it waits for a review."""
        data = read(ReferralInput, request)
        referral = referrals.register(
            code=data["code"],
            referee=named(Customer.objects.all(), "customer", public_id=data["customer"]),
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(ReferralOutput(referral).data, status=201)

    @extend_schema(request=RejectInput, responses=ReferralOutput)
    @action(detail=True, methods=["post"])
    @idempotent
    def reject(self, request: TenantRequest, public_id: Any) -> Response:
        """End a referral with a reason, also one that was rewarded: what was given is taken back."""
        data = read(RejectInput, request)
        row = referrals.reject(referral=self.get_object(), reason=data["reason"], **signed(request))
        return Response(ReferralOutput(row).data)
