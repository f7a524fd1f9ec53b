from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from rewards.api.filters import CouponDefinitionFilter
from rewards.api.serializers.coupon_definitions import (
    CouponDefinitionInput,
    CouponDefinitionOutput,
    CouponDefinitionPatch,
)
from rewards.api.serializers.coupons import CouponConflictsOutput
from rewards.api.serializers.drafted import DraftedOutput
from rewards.api.views.requests import drafted, signed
from rewards.domain.offers import OfferedCoupon
from rewards.models import CouponDefinition
from rewards.queries import configured, coupon_conflicts, coupon_definitions
from rewards.services import offer_changes
from rewards.services.coupons.definition_terms import DefinitionTerms, columns_of
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission


class CouponDefinitionViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """The terms of offers."""

    queryset = CouponDefinition.objects.none()
    permissions = {
        **dict.fromkeys(("list", "retrieve", "conflicts"), Permission.COUPONS_VIEW),
        **dict.fromkeys(("create", "partial_update", "archive"), Permission.COUPONS_EDIT),
    }
    filterset_class = CouponDefinitionFilter
    serializer_class = CouponDefinitionOutput

    def get_queryset(self) -> QuerySet[CouponDefinition]:
        return coupon_definitions.with_brakes()

    @extend_schema(request=CouponDefinitionInput, responses={202: DraftedOutput})
    @idempotent
    def create(self, request: TenantRequest) -> Response:
        """Write a new coupon into the program's draft; it is on offer once that is published.

        A key that is in force is a 409; one that only waits in the draft is replaced.
        """
        data = read(CouponDefinitionInput, request)
        key, campaign = data.pop("key"), data.pop("campaign", None)
        items, code = tuple(data.pop("items", ())), data.pop("generic_code", "")
        terms = columns_of(DefinitionTerms(**data))
        name, kind = terms.pop("name"), str(terms.pop("kind"))
        return drafted(
            offer_changes.create(
                offer=OfferedCoupon(key, name, kind, terms, items, code),
                campaign=campaign,
                **signed(request),
            )
        )

    @extend_schema(request=CouponDefinitionPatch, responses={202: DraftedOutput})
    def partial_update(self, request: TenantRequest, public_id: Any) -> Response:
        """Patch a coupon in the program's draft: what is not named stays.

        Codes that are out keep their number of uses when it is published.
        """
        data = read(CouponDefinitionPatch, request)
        # Null takes the coupon out of its campaign; what is not named leaves it there.
        campaign = (data.pop("campaign") or "") if "campaign" in data else None
        return drafted(
            offer_changes.change_coupon(
                definition=self.get_object(),
                items=data.pop("items", None),
                generic_code=data.pop("generic_code", ""),
                campaign=campaign,
                values=data,
                **signed(request),
            )
        )

    @extend_schema(request=None, responses=CouponDefinitionOutput)
    @action(detail=True, methods=["post"])
    def archive(self, request: TenantRequest, public_id: Any) -> Response:
        """Offer the coupon no more, at once: its codes are refused as `not_offered`. May be repeated.

        The program's draft says so too, so that the next publication does not bring it back.
        """
        row = offer_changes.archive_coupon(definition=self.get_object(), **signed(request))
        return Response(CouponDefinitionOutput(self.get_queryset().get(pk=row.pk)).data)

    @extend_schema(responses=CouponConflictsOutput)
    @action(detail=True, methods=["get"])
    def conflicts(self, request: TenantRequest, public_id: Any) -> Response:
        """List what the coupon does to the others that are offered: overlaps, contradictory stacking.

        Where a draft waits, all of them are taken as that has them.
        """
        key = self.get_object().key
        found = coupon_conflicts.of(configured.coupon(key), configured.campaign_of(key))
        return Response(CouponConflictsOutput({"conflicts": found}).data)
