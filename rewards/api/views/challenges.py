from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from crm.models import Customer
from rewards.api.serializers.challenges import (
    ChallengeInput,
    ChallengesOutput,
    CustomerChallengesOutput,
)
from rewards.queries import challenges as challenge_queries
from rewards.queries import programs
from rewards.services import challenges
from tenants.api.views import TenantAPIView, TenantRequest, read
from tenants.domain.permissions import Permission


class ChallengesView(TenantAPIView):
    """The challenges of the program in force."""

    required_permission = Permission.PROGRAM_VIEW

    @extend_schema(responses=ChallengesOutput)
    def get(self, request: TenantRequest) -> Response:
        """List the challenges; none while no program is published."""
        published = programs.published()
        found = published.revision.challenges if published else ()
        return Response(ChallengesOutput({"challenges": found}).data)


class CustomerChallengesView(TenantAPIView):
    """A customer's progress."""

    required_permission = Permission.POINTS_VIEW

    @extend_schema(responses=CustomerChallengesOutput)
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """Read every challenge offered to the customer and how far they are, exact as of now."""
        customer = get_object_or_404(Customer.objects.all(), public_id=public_id)
        found = challenge_queries.of_customer(customer, at=timezone.now())
        return Response(CustomerChallengesOutput({"challenges": found}).data)


class OptInView(TenantAPIView):
    """Taking part in a challenge that asks for it."""

    required_permission = Permission.CHALLENGES_EDIT

    @extend_schema(request=ChallengeInput, responses=CustomerChallengesOutput)
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Enter the customer; what happens from now on counts. A second time changes nothing."""
        data = read(ChallengeInput, request)
        customer, at = get_object_or_404(Customer.objects.all(), public_id=public_id), timezone.now()
        challenges.opt_in(customer=customer, key=data["challenge"], by=request.access.actor, at=at)
        found = challenge_queries.of_customer(customer, at=at)
        return Response(CustomerChallengesOutput({"challenges": found}).data)


class OptOutView(TenantAPIView):
    """Leaving a challenge."""

    required_permission = Permission.CHALLENGES_EDIT

    @extend_schema(request=ChallengeInput, responses=CustomerChallengesOutput)
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Stop counting for the customer; progress is kept for when they enter again."""
        data = read(ChallengeInput, request)
        customer, at = get_object_or_404(Customer.objects.all(), public_id=public_id), timezone.now()
        challenges.opt_out(customer=customer, key=data["challenge"], by=request.access.actor, at=at)
        found = challenge_queries.of_customer(customer, at=at)
        return Response(CustomerChallengesOutput({"challenges": found}).data)
