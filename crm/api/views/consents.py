from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from crm.api.serializers.consents import ConsentChangeOutput, ConsentsInput, ConsentsOutput
from crm.models import Customer
from crm.queries import consents as consent_queries
from crm.services import consents, customers
from tenants.api.views import TenantAPIView, TenantListView, TenantRequest, read
from tenants.domain.permissions import Permission


class ConsentsView(TenantAPIView):
    """What a customer allows now."""

    permissions = {"get": Permission.CUSTOMERS_VIEW, "post": Permission.CONSENTS_EDIT}

    @extend_schema(responses=ConsentsOutput)
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """Read the newest decision for every purpose and channel."""
        return Response(_shown(_customer(public_id)))

    @extend_schema(request=ConsentsInput, responses=ConsentsOutput)
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Record decisions; one already known is not recorded twice, an older one changes nothing now."""
        data = read(ConsentsInput, request)
        at = timezone.now()
        customer = customers.open_for_change(_customer(public_id))
        consents.record(
            changes=[
                consents.NewConsent(customer_id=customer.pk, **{"occurred_at": at, **each})
                for each in data["consents"]
            ],
            by=request.access.actor,
            at=at,
        )
        return Response(_shown(_customer(public_id)))


class ConsentHistoryView(TenantListView):
    """Every decision of a customer with its proof."""

    required_permission = Permission.CUSTOMERS_VIEW

    @extend_schema(responses=ConsentChangeOutput(many=True))
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """List the decisions, the newest recorded first."""
        rows = consent_queries.history_of(_customer(public_id).pk)
        return self.page(rows, ConsentChangeOutput, request)


def _customer(public_id: UUID) -> Customer:
    found: Customer = get_object_or_404(Customer.objects.all(), public_id=public_id)
    return found


def _shown(customer: Customer) -> Any:
    return ConsentsOutput(
        {
            "may_profile": customer.may_profile,
            "may_personalise": customer.may_personalise,
            "consents": consent_queries.of_customer(customer.pk),
        }
    ).data
