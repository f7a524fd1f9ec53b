from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from crm.models import Customer, Event, Order, Return
from rewards.api.serializers.programs import (
    BudgetsOutput,
    DraftBehindOutput,
    DraftInput,
    DraftOutput,
    DraftUpdateInput,
    EvaluateInput,
    EvaluationOutput,
    RevisionDocumentOutput,
    RevisionOutput,
    WhyOutput,
    recorded_effects,
)
from rewards.api.views.requests import named, signed
from rewards.domain.documents import json_schema
from rewards.domain.rules import Trigger
from rewards.models import DecisionRecord, ProgramRevision
from rewards.queries import behind, budgets, compiled_revisions, programs, reports
from rewards.queries.programs import PublishedRevision
from rewards.services import drafts, earning, simulations
from rewards.services import programs as program_services
from rewards.services.simulations import CartLine, Case
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantAPIView, TenantListView, TenantRequest, read
from tenants.domain.permissions import Permission


class SchemaView(TenantAPIView):
    """The JSON Schema of program documents."""

    required_permission = Permission.PROGRAM_VIEW

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: TenantRequest) -> Response:
        """Read the schema (2020-12) that documents are checked against."""
        return Response(json_schema())


class RevisionsView(TenantListView):
    """The program's revisions."""

    required_permission = Permission.PROGRAM_VIEW

    @extend_schema(responses=RevisionOutput(many=True))
    def get(self, request: TenantRequest) -> Response:
        """List revisions, the newest first, without their documents."""
        return self.page(ProgramRevision.objects.order_by("-id"), RevisionOutput, request)


class RevisionView(TenantAPIView):
    """One revision with its document."""

    required_permission = Permission.PROGRAM_VIEW

    @extend_schema(responses=RevisionDocumentOutput)
    def get(self, request: TenantRequest, number: int) -> Response:
        """Export one revision."""
        return Response(RevisionDocumentOutput(_revision(number)).data)


class BudgetsView(TenantAPIView):
    """The budgets of the program in force."""

    required_permission = Permission.PROGRAM_VIEW

    @extend_schema(responses=BudgetsOutput)
    def get(self, request: TenantRequest) -> Response:
        """Read what each budget has paid in the period that runs now, and its limits."""
        published = programs.published()
        found = budgets.statuses(published.revision, at=timezone.now()) if published else []
        return Response(BudgetsOutput({"budgets": found}).data)


class DraftsView(TenantAPIView):
    """Importing a document as a draft."""

    required_permission = Permission.PROGRAM_EDIT

    @extend_schema(request=DraftInput, responses={201: DraftOutput})
    @idempotent
    def post(self, request: TenantRequest) -> Response:
        """Store a document as a new draft; the answer has what the linter says about it."""
        data = read(DraftInput, request)
        draft = program_services.save_draft(**data, by=request.access.actor, at=timezone.now())
        found = programs.findings_of(compiled_revisions.revision_of(draft))
        body = {"number": draft.number, "state": draft.state, "findings": found}
        return Response(DraftOutput(body).data, status=201)


class DraftUpdateView(TenantAPIView):
    """A draft and what was published since it was begun."""

    permissions = {"get": Permission.PROGRAM_VIEW, "post": Permission.PROGRAM_EDIT}

    @extend_schema(responses=DraftBehindOutput)
    def get(self, request: TenantRequest, number: int) -> Response:
        """Tell whether the draft is behind, what was published since, and what both changed."""
        row = _revision(number)
        found = behind.of(row, programs.current())
        body: dict[str, Any] = {
            "is_behind": found is not None,
            "base": row.base_number,
            "current": found.current.number if found else row.base_number,
            "changes": found.changes if found else [],
            "clashes": found.clashes if found else [],
        }
        return Response(DraftBehindOutput(body).data)

    @extend_schema(request=DraftUpdateInput, responses=RevisionDocumentOutput)
    def post(self, request: TenantRequest, number: int) -> Response:
        """Merge what was published since into the draft, by section and key. May be repeated.

        Where both changed the same it is a 409 `draft_clashes` that names each, until `choices` say who wins.
        """
        choices = read(DraftUpdateInput, request)["choices"]
        row = drafts.bring_up_to_date(revision=_revision(number), choices=choices, **signed(request))
        return Response(RevisionDocumentOutput(row).data)


class EvaluateView(TenantAPIView):
    """What an order, a cart or an event gives, and why."""

    required_permission = Permission.PROGRAM_VIEW

    @extend_schema(request=EvaluateInput, responses=EvaluationOutput)
    def post(self, request: TenantRequest) -> Response:
        """Ask the program in force, or any revision. Only `dry_run: false` writes, for a recorded order.

        What was recorded is judged with the orders, tier, caps and budgets of then, so that a `revision` says
        what it would have given; attributes, traits and segments are those of today. What an emergency brake
        keeps back now is not among the `effects`: the rule's part of the `record` has it as `withheld`, with
        the reason (`coupon_paused`, `reward_paused`), and a rule that is paused itself says `paused`.
        """
        values = read(EvaluateInput, request)
        published = _published(values.get("revision"))
        if not values["dry_run"]:
            return Response(self._decided(request, values))
        case = _evaluated(values, published)
        return Response(EvaluationOutput(_shown(case, published)).data)

    def _decided(self, request: TenantRequest, values: dict[str, Any]) -> dict[str, Any]:
        request.access.actor.require(Permission.POINTS_ADJUST)
        order = _order(values["order"])
        earning.award_orders([order.pk], by=request.access.actor, at=timezone.now())
        rows = DecisionRecord.objects.select_related("revision")
        row = get_object_or_404(rows, event_type="order", event_id=order.pk)
        body = {"revision": row.revision.number, "dry_run": False, "points": row.points,
                "effects": recorded_effects(row.record), "record": row.record, "outlook": None}  # fmt: skip
        return dict(EvaluationOutput(body).data)


class WhyView(TenantListView):
    """Why a customer's orders and events gave what they gave."""

    required_permission = Permission.POINTS_VIEW

    @extend_schema(responses=WhyOutput(many=True))
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """List a customer's decision records, the latest first."""
        customer = get_object_or_404(Customer.objects.all(), public_id=public_id)
        rows = reports.decisions_of(customer.pk).order_by("-id")
        return self.page(rows, WhyOutput, request, told=reports.sourced)


class OrderWhyView(TenantAPIView):
    """Why one order gave what it gave."""

    required_permission = Permission.POINTS_VIEW

    @extend_schema(responses=WhyOutput)
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """Read the decision of one order: rules that matched, conditions that failed, caps that bit."""
        order = get_object_or_404(Order.objects.all(), public_id=public_id)
        rows = DecisionRecord.objects.select_related("revision")
        row = get_object_or_404(rows, event_type="order", event_id=order.pk)
        return Response(WhyOutput(reports.sourced([row])[0]).data)


def _revision(number: int) -> ProgramRevision:
    found: ProgramRevision = get_object_or_404(ProgramRevision.objects.all(), number=number)
    return found


def _order(external_id: str) -> Order:
    return named(Order.objects.all(), "order", external_id=external_id)


def _published(number: int | None) -> PublishedRevision:
    if number is not None:
        return programs.bind(named(ProgramRevision.objects.all(), "revision", number=number))
    return programs.bind(get_object_or_404(ProgramRevision.objects.all(), state="published"))


def _evaluated(values: dict[str, Any], published: PublishedRevision) -> Case:
    if "order" in values:
        return simulations.of_order(order=_order(values["order"]), revision=published)
    if "return_id" in values:
        document = named(Return.objects.all(), "return_id", external_id=values["return_id"])
        return simulations.of_return(document=document, revision=published)
    if "message_id" in values:
        event = named(Event.objects.order_by("-occurred_at"), "message_id", message_id=values["message_id"])
        return simulations.of_recorded_event(event=event, revision=published)
    return _imagined(values, published)


def _imagined(values: dict[str, Any], published: PublishedRevision) -> Case:
    customer = simulations.newcomer()
    if "customer" in values:
        customer = named(Customer.objects.all(), "customer", public_id=values["customer"])
    at = values.get("at") or timezone.now()
    if "lines" in values:
        lines = [CartLine(**line) for line in values["lines"]]
        return simulations.of_cart(
            customer=customer, lines=lines, channel=values["channel"], at=at, revision=published
        )
    return simulations.of_event(
        customer=customer,
        trigger=Trigger(values.get("trigger", Trigger.EVENT)),
        name=values.get("event", ""),
        properties=values["properties"],
        at=at,
        revision=published,
    )


def _shown(case: Case, published: PublishedRevision) -> dict[str, Any]:
    return {
        "revision": published.number,
        "dry_run": True,
        "points": case.evaluation.points,
        "effects": [{"type": type(effect).__name__, "values": asdict(effect)} for effect in case.effects],
        "record": case.record,
        "outlook": case.outlook,
    }
