from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from crm.models import Customer
from rewards.api.serializers.tiers import CustomerTierOutput, LadderOutput, LockInput, UnlockInput
from rewards.domain.programs import Revision
from rewards.queries import programs
from rewards.queries import tiers as tier_queries
from rewards.queries.tiers import Standing
from rewards.services import tiers
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantAPIView, TenantRequest, read
from tenants.domain.permissions import Permission


def standing_of(customer: Customer, at: datetime) -> Standing | None:
    """Return where one customer stands; ``None`` without a program or for somebody who is no member."""
    published = programs.published()
    if published is None or not published.revision.tiers:
        return None
    return tier_queries.of_customers([customer.pk], revision=published.revision, at=at).get(customer.pk)


def _answer(customer: Customer, at: datetime) -> Response:
    body = {"standing": standing_of(customer, at), "history": tier_queries.history_of(customer.pk)}
    return Response(CustomerTierOutput(body).data)


class LadderView(TenantAPIView):
    """The tiers of the program in force."""

    required_permission = Permission.PROGRAM_VIEW

    @extend_schema(responses=LadderOutput)
    def get(self, request: TenantRequest) -> Response:
        """List the tiers from the lowest, with what they need and give."""
        published = programs.published()
        return Response(LadderOutput(published.revision if published else Revision()).data)


class CustomerTierView(TenantAPIView):
    """A customer's tier."""

    required_permission = Permission.POINTS_VIEW

    @extend_schema(responses=CustomerTierOutput)
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """Read the tier held, the one reached by now, what is missing to the next, and the history."""
        customer = get_object_or_404(Customer.objects.all(), public_id=public_id)
        return _answer(customer, timezone.now())


class LockTierView(TenantAPIView):
    """Giving a tier by hand."""

    required_permission = Permission.TIERS_LOCK

    @extend_schema(request=LockInput, responses=CustomerTierOutput)
    @idempotent
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Give the customer a tier until a moment, whatever they qualify for."""
        data = read(LockInput, request)
        customer, at = get_object_or_404(Customer.objects.all(), public_id=public_id), timezone.now()
        tiers.lock(
            customer=customer,
            tier_key=data["tier"],
            until=data["until"],
            reason=data["reason"],
            by=request.access.actor,
            at=at,
        )
        return _answer(customer, at)


class UnlockTierView(TenantAPIView):
    """Ending a lock."""

    required_permission = Permission.TIERS_LOCK

    @extend_schema(request=UnlockInput, responses=CustomerTierOutput)
    @idempotent
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """End the lock: the customer moves to the tier they qualify for. 404 when there is none."""
        data = read(UnlockInput, request)
        customer, at = get_object_or_404(Customer.objects.all(), public_id=public_id), timezone.now()
        tiers.unlock(customer=customer, reason=data["reason"], by=request.access.actor, at=at)
        return _answer(customer, at)
