from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.api.serializers.merges import CandidateOutput
from crm.models import CandidateState, DuplicateCandidate
from crm.queries import duplicates as duplicate_queries
from crm.services import duplicates
from tenants.api.filters import StrictFilterSet
from tenants.api.views import TenantRequest, TenantViewSet
from tenants.domain.permissions import Permission


class CandidateFilter(StrictFilterSet):
    """``least_score`` from 0 to 1."""

    state = django_filters.ChoiceFilter(choices=CandidateState.choices)
    least_score = django_filters.NumberFilter(field_name="score", lookup_expr="gte")

    class Meta:
        model = DuplicateCandidate
        fields: list[str] = []


class DuplicateViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Pairs of customers who may be one person."""

    queryset = DuplicateCandidate.objects.none()
    permissions = {
        "list": Permission.CUSTOMERS_VIEW,
        "retrieve": Permission.CUSTOMERS_VIEW,
        "dismiss": Permission.CUSTOMERS_MERGE,
        "reopen": Permission.CUSTOMERS_MERGE,
    }
    filterset_class = CandidateFilter
    serializer_class = CandidateOutput

    def get_queryset(self) -> QuerySet[DuplicateCandidate]:
        return duplicate_queries.with_customers()

    @extend_schema(request=None, responses=CandidateOutput)
    @action(detail=True, methods=["post"], filterset_class=None)
    def dismiss(self, request: TenantRequest, public_id: Any) -> Response:
        """Say that they are two people; the pair is not suggested again."""
        pair = self.get_object()
        duplicates.dismiss(candidates=[pair], by=request.access.actor, at=timezone.now())
        return Response(CandidateOutput(self.get_object()).data)

    @extend_schema(request=None, responses=CandidateOutput)
    @action(detail=True, methods=["post"], filterset_class=None)
    def reopen(self, request: TenantRequest, public_id: Any) -> Response:
        """Take a dismissal back."""
        duplicates.reopen(candidate=self.get_object(), by=request.access.actor, at=timezone.now())
        return Response(CandidateOutput(self.get_object()).data)
