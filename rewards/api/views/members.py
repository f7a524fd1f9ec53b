"""What a member's own app may read and do: a publishable key, and a token that says whose app it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from crm.models import Customer, CustomerState
from rewards.api.serializers.challenges import ChallengeInput, CustomerChallengesOutput
from rewards.api.serializers.members import (
    MemberPageOutput,
    MemberRewardsOutput,
    MemberTokenInput,
    MemberTokenOutput,
)
from rewards.api.views.tiers import standing_of
from rewards.models import CodeState, CouponCode
from rewards.queries import balances, catalogue
from rewards.queries import challenges as challenge_queries
from rewards.services import challenges, referral_codes
from tenants.api.views import TenantAPIView, TenantRequest, read
from tenants.domain.permissions import Permission
from tenants.services import member_tokens
from tenants.services.member_tokens import InvalidMemberToken, MemberScope, MemberScopeMissing

_MOST_COUPONS = 50
TOKEN = OpenApiParameter(
    "X-Member-Token", str, OpenApiParameter.HEADER, required=True, description="From member-tokens."
)


class MemberTokenView(TenantAPIView):
    """Signing a member in: called by the tenant's server, with a secret key."""

    required_permission = Permission.MEMBER_TOKENS_MINT

    @extend_schema(request=MemberTokenInput, responses={201: MemberTokenOutput})
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Return a token for the member's app; it lives an hour unless asked otherwise, a day at most."""
        data = read(MemberTokenInput, request)
        customer = get_object_or_404(Customer.objects.filter(state=CustomerState.ACTIVE), public_id=public_id)
        token, claims = member_tokens.mint(
            subject=customer.public_id,
            scopes=[MemberScope(scope) for scope in data["scopes"]],
            lifetime=timedelta(seconds=data["lifetime_seconds"]),
            at=timezone.now(),
        )
        body = {"token": token, "expires_at": claims.expires_at, "scopes": sorted(claims.scopes)}
        return Response(MemberTokenOutput(body).data, status=201)


class MemberAPIView(TenantAPIView):
    """Base of a member's own pages; `customer` is whom the token speaks for. Declares `member_scope`."""

    required_permission = Permission.MEMBER_SELF
    member_scope: ClassVar[MemberScope] = MemberScope.READ
    customer: Customer

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        claims = member_tokens.read(request.headers.get("X-Member-Token", ""), at=timezone.now())
        if self.member_scope not in claims.scopes:
            raise MemberScopeMissing(scope=self.member_scope.value)
        found = Customer.objects.filter(public_id=claims.subject, state=CustomerState.ACTIVE).first()
        if found is None:
            raise InvalidMemberToken
        self.customer = found


class MemberView(MemberAPIView):
    """The member's first page."""

    @extend_schema(parameters=[TOKEN], responses=MemberPageOutput)
    def get(self, request: TenantRequest) -> Response:
        """Read one's own balances, what expires, tier, challenges, coupons and referral code."""
        at, customer = timezone.now(), self.customer
        usable = CouponCode.objects.filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=at),
            customer=customer,
            state__in=[CodeState.ASSIGNED, CodeState.REDEEMED],
        )
        body = {
            "customer": customer,
            "balances": balances.of_customers([customer.pk], at=at).get(customer.pk, []),
            "expiring": balances.expiring(customer.pk, at=at),
            "tier": standing_of(customer, at),
            "challenges": challenge_queries.of_customer(customer, at=at),
            "coupons": usable.select_related("definition").order_by("-id")[:_MOST_COUPONS],
            "referral_code": referral_codes.code_for_member(customer=customer, at=at),
        }
        return Response(MemberPageOutput(body).data)


class MemberChallengesView(MemberAPIView):
    """The member's challenges."""

    @extend_schema(parameters=[TOKEN], responses=CustomerChallengesOutput)
    def get(self, request: TenantRequest) -> Response:
        """Read one's own challenges and progress."""
        found = challenge_queries.of_customer(self.customer, at=timezone.now())
        return Response(CustomerChallengesOutput({"challenges": found}).data)


class MemberOptInView(MemberAPIView):
    """The member taking part."""

    member_scope = MemberScope.TAKE_PART

    @extend_schema(parameters=[TOKEN], request=ChallengeInput, responses=CustomerChallengesOutput)
    def post(self, request: TenantRequest) -> Response:
        """Enter a challenge oneself; needs the scope `take_part`."""
        data = read(ChallengeInput, request)
        actor, at = request.access.actor, timezone.now()
        # The token is what allows it; the key alone may not.
        by = replace(actor, permissions=actor.permissions | {Permission.CHALLENGES_EDIT})
        challenges.opt_in(customer=self.customer, key=data["challenge"], by=by, at=at)
        found = challenge_queries.of_customer(self.customer, at=at)
        return Response(CustomerChallengesOutput({"challenges": found}).data)


class MemberRewardsView(MemberAPIView):
    """The catalogue for the member."""

    @extend_schema(parameters=[TOKEN], responses=MemberRewardsOutput)
    def get(self, request: TenantRequest) -> Response:
        """List the rewards on offer to oneself: for one's segments and tier, at one's own prices."""
        found = catalogue.visible_to(self.customer, at=timezone.now())
        return Response(MemberRewardsOutput({"rewards": found}).data)
