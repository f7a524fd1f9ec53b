from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.api.filters import SegmentFilter
from crm.api.serializers import (
    JobStarted,
    MemberOutput,
    MembersChanged,
    MembersInput,
    SegmentInput,
    SegmentOutput,
)
from crm.models import Customer, Segment
from crm.queries import segments as segment_queries
from crm.services import segment_lists, segments
from tenants.api.views import TenantRequest, TenantViewSet
from tenants.domain.permissions import Permission
from tenants.errors import NotFound
from tenants.services import jobs


class SegmentViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Groups of customers: static lists, rules, and what models publish."""

    queryset = Segment.objects.none()
    permissions = {
        "list": Permission.SEGMENTS_VIEW,
        "retrieve": Permission.SEGMENTS_VIEW,
        "members": Permission.SEGMENTS_VIEW,
        "create": Permission.SEGMENTS_EDIT,
        "add_members": Permission.SEGMENTS_EDIT,
        "remove_members": Permission.SEGMENTS_EDIT,
        "refresh": Permission.SEGMENTS_EDIT,
    }
    filterset_class = SegmentFilter
    serializer_class = SegmentOutput

    def get_queryset(self) -> QuerySet[Segment]:
        found: QuerySet[Segment] = Segment.objects.all()
        return found

    @extend_schema(request=SegmentInput, responses={201: SegmentOutput})
    def create(self, request: TenantRequest) -> Response:
        """Create a static list or a rule segment; a rule is evaluated at once."""
        serializer = SegmentInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        segment = segments.create(**serializer.validated_data, by=request.access.actor, at=timezone.now())
        return Response(SegmentOutput(segment).data, status=201)

    @extend_schema(responses=MemberOutput(many=True))
    @action(detail=True, methods=["get"], filterset_class=None, serializer_class=MemberOutput)
    def members(self, request: TenantRequest, public_id: Any) -> Response:
        """List the members, the newest first, each with the reason where a model gave one."""
        page = self.paginate_queryset(segment_queries.members_of(self.get_object()))
        return self.get_paginated_response(MemberOutput(page, many=True).data)

    @extend_schema(request=MembersInput, responses=MembersChanged)
    @action(detail=True, methods=["post"], url_path="members/add")
    def add_members(self, request: TenantRequest, public_id: Any) -> Response:
        """Add customers to a static list."""
        return self._edit(request, segment_lists.add_members)

    @extend_schema(request=MembersInput, responses=MembersChanged)
    @action(detail=True, methods=["post"], url_path="members/remove")
    def remove_members(self, request: TenantRequest, public_id: Any) -> Response:
        """Take customers off a static list."""
        return self._edit(request, segment_lists.remove_members)

    @extend_schema(request=None, responses={202: JobStarted})
    @action(detail=True, methods=["post"])
    def refresh(self, request: TenantRequest, public_id: Any) -> Response:
        """Recompute a rule segment in the background."""
        segment = self.get_object()
        job = jobs.start(
            kind="crm.refresh_segments",
            params={"keys": [segment.key]},
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(JobStarted({"job": job.public_id}).data, status=202)

    def _edit(self, request: TenantRequest, change: Any) -> Response:
        serializer = MembersInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = set(serializer.validated_data["customers"])
        found = dict(Customer.objects.filter(public_id__in=asked).values_list("public_id", "pk"))
        if missing := sorted(str(each) for each in asked - set(found)):
            raise NotFound(f"There is no customer {missing[0]}.", missing=missing)
        segment = self.get_object()
        changed = change(
            segment=segment, customer_ids=found.values(), by=request.access.actor, at=timezone.now()
        )
        segment.refresh_from_db()
        return Response(MembersChanged({"changed": changed, "member_count": segment.member_count}).data)
