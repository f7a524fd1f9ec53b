from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.api.filters import SegmentFilter
from crm.api.serializers.analytics import (
    ChangesInput,
    ChangesOutput,
    EstimateOutput,
    HistoryOutput,
    MembershipReasonInput,
    MembershipReasonOutput,
    OverlapsOutput,
    RuleInput,
    SegmentChange,
    SnapshotInput,
)
from crm.api.serializers.jobs import JobStarted
from crm.api.serializers.segments import (
    MemberOutput,
    MembersChanged,
    MembersInput,
    SegmentInput,
    SegmentOutput,
)
from crm.models import Customer, Segment
from crm.queries import customers, segment_counts, segment_history, segment_overlap, segment_why
from crm.queries import segments as segment_queries
from crm.services import segment_lists, segments
from tenants.api.views import TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission
from tenants.errors import NotFound
from tenants.scope import active_tenant
from tenants.services import jobs

_DAYS_TOLD = 90


class SegmentViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Groups of customers: static lists, rules, and what models publish."""

    queryset = Segment.objects.none()
    permissions = {
        "list": Permission.SEGMENTS_VIEW,
        "retrieve": Permission.SEGMENTS_VIEW,
        "members": Permission.SEGMENTS_VIEW,
        "history": Permission.SEGMENTS_VIEW,
        "changes": Permission.SEGMENTS_VIEW,
        "overlap": Permission.SEGMENTS_VIEW,
        "why": Permission.SEGMENTS_VIEW,
        "estimate": Permission.SEGMENTS_VIEW,
        "create": Permission.SEGMENTS_EDIT,
        "partial_update": Permission.SEGMENTS_EDIT,
        "destroy": Permission.SEGMENTS_EDIT,
        "snapshot": Permission.SEGMENTS_EDIT,
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
        data = read(SegmentInput, request)
        segment = segments.create(**data, by=request.access.actor, at=timezone.now())
        return Response(SegmentOutput(segment).data, status=201)

    @extend_schema(request=SegmentChange, responses=SegmentOutput)
    def partial_update(self, request: TenantRequest, public_id: Any) -> Response:
        """Give a segment another name or description, or a rule segment another rule."""
        asked, now = read(SegmentChange, request), timezone.now()
        segment, by = self.get_object(), request.access.actor
        with transaction.atomic():
            if {"name", "description"} & set(asked):
                segment = segments.rename(
                    segment=segment,
                    name=asked.get("name", segment.name),
                    description=asked.get("description", segment.description),
                    by=by,
                    at=now,
                )
            if "rule" in asked:
                segment = segments.change_rule(segment=segment, rule=asked["rule"], by=by, at=now)
        return Response(SegmentOutput(segment).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: TenantRequest, public_id: Any) -> Response:
        """Delete a segment that no other refers to."""
        segments.delete(segment=self.get_object(), by=request.access.actor, at=timezone.now())
        return Response(status=204)

    @extend_schema(request=RuleInput, responses=EstimateOutput)
    @action(detail=False, methods=["post"])
    def estimate(self, request: TenantRequest) -> Response:
        """Tell how many customers a rule would take, at once: exact for few customers, else from a sample."""
        data = read(RuleInput, request)
        rule = segments.checked(data["rule"])
        return Response(EstimateOutput(segment_counts.estimate(rule, at=timezone.now())).data)

    @extend_schema(request=SnapshotInput, responses={201: SegmentOutput})
    @action(detail=True, methods=["post"])
    def snapshot(self, request: TenantRequest, public_id: Any) -> Response:
        """Keep the members of now as a static list."""
        data = read(SnapshotInput, request)
        taken = segment_lists.snapshot(
            of=self.get_object(), **data, by=request.access.actor, at=timezone.now()
        )
        return Response(SegmentOutput(taken).data, status=201)

    @extend_schema(responses=HistoryOutput)
    @action(detail=True, methods=["get"], filterset_class=None)
    def history(self, request: TenantRequest, public_id: Any) -> Response:
        """Return the sizes of the last 90 days, the tenant's own."""
        today = timezone.now().astimezone(active_tenant().zone).date()
        days = segment_history.growth(self.get_object(), last_on=today, days=_DAYS_TOLD)
        return Response(HistoryOutput({"days": days}).data)

    @extend_schema(request=ChangesInput, responses=ChangesOutput)
    @action(detail=True, methods=["post"])
    def changes(self, request: TenantRequest, public_id: Any) -> Response:
        """Return who entered or left in the refresh of one moment, a thousand at a time."""
        asked = read(ChangesInput, request)
        before = [asked["after"]] if "after" in asked else []
        after = Customer.objects.filter(public_id__in=before).values_list("pk", flat=True).first()
        ids_of = segment_history.entered_ids if asked["direction"] == "entered" else segment_history.left_ids
        ids = ids_of(self.get_object(), at=asked["at"], after_id=after or 0)
        found = Customer.objects.filter(pk__in=ids).order_by("pk").values_list("public_id", flat=True)
        return Response(ChangesOutput({"customers": list(found)}).data)

    @extend_schema(request=MembershipReasonInput, responses=MembershipReasonOutput)
    @action(detail=True, methods=["post"])
    def why(self, request: TenantRequest, public_id: Any) -> Response:
        """Tell why one customer belongs, or does not.

        A rule is told node by node from the top, as it holds now; a model gives its reason.
        """
        data = read(MembershipReasonInput, request)
        customer = customers.with_details().filter(public_id=data["customer"]).first()
        segment = self.get_object()
        if customer is None:
            raise NotFound("There is no such customer.")
        member = segment_why.membership(segment, customer)
        told: dict[str, Any] = {"holds": member is not None, "nodes": [], "reason": "", "since": None}
        if member is not None:
            told |= {"reason": member.reason, "since": member.joined_at}
        if segment.rule is not None:
            verdict = segment_why.of_customer(segment, customer, at=timezone.now(), zone=active_tenant().zone)
            told["holds"] = verdict.holds
            told["nodes"] = [
                {"depth": depth, "kind": type(each.rule).__name__, "holds": each.holds}
                for depth, each in verdict.walk()
            ]
        return Response(MembershipReasonOutput(told).data)

    @extend_schema(responses=OverlapsOutput)
    @action(detail=True, methods=["get"], filterset_class=None)
    def overlap(self, request: TenantRequest, public_id: Any) -> Response:
        """Return the ten segments that share most of this one's members."""
        found = segment_overlap.with_others(self.get_object())
        return Response(OverlapsOutput({"segments": found}).data)

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
        data = read(MembersInput, request)
        asked = set(data["customers"])
        found = dict(Customer.objects.filter(public_id__in=asked).values_list("public_id", "pk"))
        if missing := sorted(str(each) for each in asked - set(found)):
            raise NotFound(f"There is no customer {missing[0]}.", missing=missing)
        segment = self.get_object()
        changed = change(
            segment=segment, customer_ids=found.values(), by=request.access.actor, at=timezone.now()
        )
        segment.refresh_from_db()
        return Response(MembersChanged({"changed": changed, "member_count": segment.member_count}).data)
