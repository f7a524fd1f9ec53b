"""What a member's own app lists: movements, lots, redemptions and the tiers there are."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from rewards.api.serializers.members import MemberEntryOutput, MemberRedemptionOutput, MemberTiersOutput
from rewards.api.serializers.movements import LotOutput
from rewards.api.views.members import TOKEN, MemberAPIView
from rewards.api.views.statements import LOT_FILTERS, LotPages, asked_lots
from rewards.api.views.tiers import standing_of
from rewards.models import Redemption
from rewards.queries import balances, lots, programs, tiers
from tenants.api.views import TenantListView, TenantRequest


class MemberEntriesView(MemberAPIView, TenantListView):
    """The member's movements."""

    @extend_schema(parameters=[TOKEN], responses=MemberEntryOutput(many=True))
    def get(self, request: TenantRequest) -> Response:
        """List one's own ledger lines, the latest first, without what staff wrote beside them."""
        return self.page(balances.entries_of(self.customer.pk), MemberEntryOutput, request)


class MemberLotsView(MemberAPIView, TenantListView):
    """The member's lots."""

    pagination_class = LotPages

    @extend_schema(parameters=[TOKEN, *LOT_FILTERS], responses=LotOutput(many=True))
    def get(self, request: TenantRequest) -> Response:
        """List one's own lots that still have points: what is pending until when, and what ends when."""
        return self.page(asked_lots(request, self.customer.pk), LotOutput, request, told=lots.told)


class MemberRedemptionsView(MemberAPIView, TenantListView):
    """The member's redemptions."""

    @extend_schema(parameters=[TOKEN], responses=MemberRedemptionOutput(many=True))
    def get(self, request: TenantRequest) -> Response:
        """List what one has redeemed, the latest first, with its code and where it is."""
        rows: QuerySet[Redemption] = Redemption.objects.filter(customer=self.customer)
        rows = rows.select_related("reward", "coupon_code", "reward__wallet", "hold__account__wallet")
        return self.page(rows, MemberRedemptionOutput, request)


class MemberTiersView(MemberAPIView):
    """The tiers as the member sees them."""

    @extend_schema(parameters=[TOKEN], responses=MemberTiersOutput)
    def get(self, request: TenantRequest) -> Response:
        """Read all tiers with what they need and give, where one stands, and one's own history."""
        published = programs.published()
        body = {
            "tiers": published.revision.tiers if published else (),
            "multipliers": published.revision.multipliers if published else (),
            "standing": standing_of(self.customer, timezone.now()),
            "history": tiers.history_of(self.customer.pk),
        }
        return Response(MemberTiersOutput(body).data)
