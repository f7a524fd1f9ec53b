from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response

from crm.api.filters import FeedbackFilter, RecoveryCaseFilter
from crm.api.serializers.feedback import (
    CorrectionInput,
    FeedbackInput,
    FeedbackOutput,
    FeedbackSummaryOutput,
    RecoveryCaseOutput,
    ResolutionInput,
)
from crm.models import Feedback, Item, Order, RecoveryCase
from crm.queries import feedback as feedback_queries
from crm.queries.dashboard import Period
from crm.services import customers, feedback, recovery_cases
from tenants.api.serializers import MomentField, StrictSerializer
from tenants.api.views import TenantRequest, TenantViewSet, read
from tenants.domain.permissions import Permission
from tenants.errors import NotFound

SOURCE = "api"
_SUMMARY_DAYS = 90


class SummaryQuery(StrictSerializer):
    since = MomentField(required=False)
    until = MomentField(required=False)
    period = serializers.ChoiceField(choices=[each.value for each in Period], required=False)


class FeedbackViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """What customers say: ratings and words, with the sentiment that was read from them."""

    queryset = Feedback.objects.none()
    permissions = {
        "list": Permission.FEEDBACK_VIEW,
        "retrieve": Permission.FEEDBACK_VIEW,
        "summary": Permission.FEEDBACK_VIEW,
        "create": Permission.FEEDBACK_EDIT,
        "correct": Permission.FEEDBACK_EDIT,
    }
    filterset_class = FeedbackFilter
    serializer_class = FeedbackOutput

    def get_queryset(self) -> QuerySet[Feedback]:
        found: QuerySet[Feedback] = Feedback.objects.select_related("customer", "item", "order")
        return found

    @extend_schema(request=FeedbackInput, responses={200: FeedbackOutput, 201: FeedbackOutput})
    def create(self, request: TenantRequest) -> Response:
        """Record feedback. A ``source_id`` that was sent before answers 200 with what is stored."""
        data, at = read(FeedbackInput, request), timezone.now()
        named = data.get("customer") or {}
        entry = feedback.NewFeedback(
            kind=data["kind"],
            source_id=data["source_id"],
            occurred_at=data["occurred_at"],
            customer=customers.obtain(public_id=named.get("id"), external_id=named.get("external_id"), at=at),
            item=_named(Item, data.get("item_external_id"), "item"),
            order=_named(Order, data.get("order_external_id"), "order"),
            rating=data.get("rating"),
            text=data.get("text", ""),
        )
        created = feedback.record(entries=[entry], source=SOURCE, by=request.access.actor, at=at)
        row = self.get_queryset().get(source=SOURCE, source_id=entry.source_id)
        return Response(FeedbackOutput(row).data, status=201 if created else 200)

    @extend_schema(request=CorrectionInput, responses=FeedbackOutput)
    @action(detail=True, methods=["post"])
    def correct(self, request: TenantRequest, public_id: Any) -> Response:
        """Say what the text really feels like; the tenant's own model learns from it."""
        data = read(CorrectionInput, request)
        row = feedback.correct(
            feedback=self.get_object(),
            **data,
            by=request.access.actor,
            at=timezone.now(),
        )
        return Response(FeedbackOutput(self.get_queryset().get(pk=row.pk)).data)

    @extend_schema(
        parameters=[
            OpenApiParameter("since", str, description="Moment (RFC 3339); 90 days before `until`."),
            OpenApiParameter("until", str, description="Moment (RFC 3339); now."),
            OpenApiParameter("period", str, enum=[each.value for each in Period]),
        ],
        responses=FeedbackSummaryOutput,
        filters=False,
    )
    @action(detail=False, methods=["get"], filterset_class=None, pagination_class=None)
    def summary(self, request: TenantRequest) -> Response:
        """Figures over a span of time: in all, over time, by topic, item and segment."""
        query = SummaryQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        until = asked.get("until") or timezone.now()
        since = asked.get("since") or until - timedelta(days=_SUMMARY_DAYS)
        rows = feedback_queries.between(since=since, until=until)
        period = Period(asked.get("period", Period.WEEK))
        found = {
            "figures": feedback_queries.figures(rows),
            "trend": feedback_queries.trend(rows, period=period, zone=request.access.tenant.zone),
            "topics": feedback_queries.by_topic(since=since, until=until),
            "items": feedback_queries.by_item(since=since, until=until),
            "segments": feedback_queries.by_segment(since=since, until=until),
        }
        return Response(FeedbackSummaryOutput(found).data)


class RecoveryCaseViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """The queue of unhappy customers."""

    queryset = RecoveryCase.objects.none()
    permissions = {
        "list": Permission.FEEDBACK_VIEW,
        "retrieve": Permission.FEEDBACK_VIEW,
        "take": Permission.FEEDBACK_EDIT,
        "resolve": Permission.FEEDBACK_EDIT,
    }
    filterset_class = RecoveryCaseFilter
    serializer_class = RecoveryCaseOutput

    def get_queryset(self) -> QuerySet[RecoveryCase]:
        found: QuerySet[RecoveryCase] = RecoveryCase.objects.select_related(
            "feedback__customer", "feedback__item", "feedback__order"
        )
        return found

    @extend_schema(request=None, responses=RecoveryCaseOutput)
    @action(detail=True, methods=["post"])
    def take(self, request: TenantRequest, public_id: Any) -> Response:
        """Take a case; nobody else can then."""
        case = recovery_cases.take(case=self.get_object(), by=request.access.actor, at=timezone.now())
        return self._answer(case)

    @extend_schema(request=ResolutionInput, responses=RecoveryCaseOutput)
    @action(detail=True, methods=["post"])
    def resolve(self, request: TenantRequest, public_id: Any) -> Response:
        """End a case with what came of it."""
        data = {"note": "", **read(ResolutionInput, request)}
        case = recovery_cases.resolve(
            case=self.get_object(), **data, by=request.access.actor, at=timezone.now()
        )
        return self._answer(case)

    def _answer(self, case: RecoveryCase) -> Response:
        return Response(RecoveryCaseOutput(self.get_queryset().get(pk=case.pk)).data)


def _named(model: Any, external_id: str | None, noun: str) -> Any:
    if external_id is None:
        return None
    found = model.objects.filter(external_id=external_id).first()
    if found is None:
        raise NotFound(f"There is no {noun} with this external id.")
    return found
