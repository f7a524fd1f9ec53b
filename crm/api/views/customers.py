from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from crm.api.filters import CustomerFilter
from crm.api.serializers.customers import CustomerInput, CustomerOutput, CustomerPatch
from crm.models import Customer
from crm.queries import customers as customer_queries
from crm.queries import profile
from crm.services import customers
from tenants.api.views import TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission

_ROWS = ("person", "attributes", "identities")


class CustomerViewSet(TenantViewSet):
    """Customers with personal data, order totals, traits, identities and the sections other apps add."""

    queryset = Customer.objects.none()
    permissions = {
        "list": Permission.CUSTOMERS_VIEW,
        "retrieve": Permission.CUSTOMERS_VIEW,
        "create": Permission.CUSTOMERS_EDIT,
        "partial_update": Permission.CUSTOMERS_EDIT,
    }
    filterset_class = CustomerFilter
    serializer_class = CustomerOutput

    def get_queryset(self) -> QuerySet[Customer]:
        return customer_queries.with_details()

    def list(self, request: TenantRequest) -> Response:
        """List customers, the newest first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(self._shown(page, many=True))

    def retrieve(self, request: TenantRequest, public_id: Any) -> Response:
        """Read one customer."""
        return Response(self._shown(self.get_object()))

    @extend_schema(request=CustomerInput, responses={201: CustomerOutput})
    def create(self, request: TenantRequest) -> Response:
        """Create a customer; an identity that belongs to somebody else is a 409."""
        data = read(CustomerInput, request)
        customer = customers.create(
            external_id=data.pop("external_id", None),
            change=_change(data),
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(self._shown(self._again(customer)), status=201)

    @extend_schema(request=CustomerPatch, responses=CustomerOutput)
    def partial_update(self, request: TenantRequest, public_id: Any) -> Response:
        """Patch a customer: what is not named stays; an attribute set to null is removed."""
        data = read(CustomerPatch, request)
        customer = customers.update(
            customer=self.get_object(), change=_change(data), by=request.access.actor, at=timezone.now()
        )
        return Response(self._shown(self._again(customer)))

    def _again(self, customer: Customer) -> Customer:
        return self.get_queryset().get(pk=customer.pk)

    def _shown(self, customers_or_one: Any, *, many: bool = False) -> Any:
        ids = [each.pk for each in (customers_or_one if many else [customers_or_one])]
        context = {"sections": profile.sections(ids)}
        return CustomerOutput(customers_or_one, many=many, context=context).data


def _change(data: dict[str, Any]) -> customers.CustomerChange:
    return customers.CustomerChange(
        person=data.get("person", {}),
        attributes=data.get("attributes", {}),
        identities=tuple((each["kind"], each["value"]) for each in data.get("identities", [])),
        fields={name: value for name, value in data.items() if name not in _ROWS},
    )
