from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.response import Response

from crm.models import Customer, Segment
from rewards.api.filters import CouponCampaignFilter
from rewards.api.serializers.coupon_campaigns import (
    CouponCampaignInput,
    CouponCampaignOutput,
    CouponCampaignPatch,
    RecipientsAdded,
    RecipientsInput,
)
from rewards.api.serializers.drafted import DraftedOutput
from rewards.api.views.requests import drafted, named, signed
from rewards.domain.offers import OfferedCampaign
from rewards.models import CouponCampaign, CouponDefinition
from rewards.queries import coupon_campaigns
from rewards.services import offer_changes
from rewards.services.coupons import campaigns
from tenants.api.views import TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission
from tenants.errors import NotFound


class CouponCampaignViewSet(TenantViewSet):
    """Coupons under one time and one budget."""

    queryset = CouponCampaign.objects.none()
    permissions = {
        "list": Permission.COUPONS_VIEW,
        "retrieve": Permission.COUPONS_VIEW,
        "create": Permission.COUPONS_EDIT,
        "partial_update": Permission.COUPONS_EDIT,
        "recipients": Permission.COUPONS_EDIT,
    }
    filterset_class = CouponCampaignFilter
    serializer_class = CouponCampaignOutput

    def get_queryset(self) -> QuerySet[CouponCampaign]:
        keys = Prefetch("definitions", CouponDefinition.objects.order_by("key"))
        found: QuerySet[CouponCampaign] = CouponCampaign.objects.prefetch_related(keys)
        return found

    def list(self, request: TenantRequest) -> Response:
        """List campaigns, the newest first, with what they have cost."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(_shown(page))

    def retrieve(self, request: TenantRequest, public_id: Any) -> Response:
        """Read one campaign."""
        return Response(_shown([self.get_object()])[0])

    @extend_schema(request=CouponCampaignInput, responses={202: DraftedOutput})
    def create(self, request: TenantRequest) -> Response:
        """Write a new campaign into the program's draft; it runs once that is published.

        A key that is in force is a 409; one that only waits in the draft is replaced.
        """
        offer = OfferedCampaign(**read(CouponCampaignInput, request))
        return drafted(offer_changes.create(offer=offer, **signed(request)))

    @extend_schema(request=CouponCampaignPatch, responses={202: DraftedOutput})
    def partial_update(self, request: TenantRequest, public_id: Any) -> Response:
        """Patch a campaign in the program's draft: what is not named stays. Recipients are added live."""
        values = read(CouponCampaignPatch, request)
        return drafted(
            offer_changes.change_campaign(campaign=self.get_object(), values=values, **signed(request))
        )

    @extend_schema(request=RecipientsInput, responses=RecipientsAdded)
    @action(detail=True, methods=["post"])
    def recipients(self, request: TenantRequest, public_id: Any) -> Response:
        """Add customers, or the present members of a segment; who is in stays, so it may be repeated."""
        data, campaign = read(RecipientsInput, request), self.get_object()
        if "segment" in data:
            segment = named(Segment.objects.all(), "segment", key=data["segment"])
            added = campaigns.add_segment(
                campaign=campaign, segment=segment, by=request.access.actor, at=timezone.now()
            )
        else:
            added = campaigns.add_recipients(
                campaign=campaign, customer_ids=_ids(data["customers"]), at=timezone.now()
            )
        return Response(RecipientsAdded({"added": added}).data)


def _ids(public_ids: list[Any]) -> list[int]:
    found = dict(Customer.objects.filter(public_id__in=public_ids).values_list("public_id", "pk"))
    if missing := sorted(str(each) for each in set(public_ids) - set(found)):
        raise NotFound(f"There is no customer {missing[0]}.", missing=missing)
    return list(found.values())


def _shown(campaigns_shown: list[CouponCampaign]) -> list[dict[str, Any]]:
    context = {"spending": coupon_campaigns.spending(campaigns_shown)}
    return list(CouponCampaignOutput(campaigns_shown, many=True, context=context).data)
