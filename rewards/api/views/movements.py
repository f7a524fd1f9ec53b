"""Points moved by client apps: every write needs an Idempotency-Key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from crm.models import Customer, Order
from rewards.api.serializers.movements import (
    CaptureInput,
    EarnInput,
    HoldInput,
    HoldOutput,
    MovementInput,
    ReleaseInput,
    ReleaseOutput,
    ReversalOutput,
    ReverseInput,
    TransferInput,
)
from rewards.api.serializers.points import AdjustmentOutput
from rewards.api.views.requests import customer_of, keyed, named, posted, signed
from rewards.models import Hold
from rewards.services import earning, holds, movements, transfers
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantAPIView, TenantListView, TenantRequest, read
from tenants.domain.permissions import Permission


def _holds() -> QuerySet[Hold]:
    found: QuerySet[Hold] = Hold.objects.select_related("account__customer", "account__wallet")
    return found


def _hold(public_id: UUID) -> Hold:
    return get_object_or_404(_holds(), public_id=public_id)


def _moved(serializer_class: Any, request: TenantRequest) -> dict[str, Any]:
    """Return the body by the names of the services' arguments."""
    data = read(serializer_class, request)
    return {"wallet_key": data.pop("wallet"), **data}


class EarnView(TenantAPIView):
    """Credits from a client app."""

    required_permission = Permission.POINTS_MOVE

    @extend_schema(request=EarnInput, responses={201: AdjustmentOutput})
    @idempotent
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Credit points under the wallet's rules for pending time and expiry."""
        data = {"occurred_at": None, **_moved(EarnInput, request)}
        customer = customer_of(public_id)
        posting = movements.earn(customer=customer, **data, **keyed(request))
        return Response(AdjustmentOutput(posted(posting, customer.pk, data["wallet_key"])).data, status=201)


class SpendView(TenantAPIView):
    """Debits from a client app."""

    required_permission = Permission.POINTS_MOVE

    @extend_schema(request=MovementInput, responses={201: AdjustmentOutput})
    @idempotent
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Spend points; `insufficient_points` says how many are `missing`."""
        data = _moved(MovementInput, request)
        customer = customer_of(public_id)
        posting = movements.spend(customer=customer, **data, **keyed(request))
        return Response(AdjustmentOutput(posted(posting, customer.pk, data["wallet_key"])).data, status=201)


class TransferView(TenantAPIView):
    """Points given to another member."""

    required_permission = Permission.POINTS_MOVE

    @extend_schema(request=TransferInput, responses={201: AdjustmentOutput})
    @idempotent
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Transfer points where the wallet allows it; they keep their expiry."""
        data = read(TransferInput, request)
        wallet, _policy = movements.wallet_of(data["wallet"])
        sender = customer_of(public_id)
        posting = transfers.transfer(
            sender=sender,
            receiver=named(Customer.objects.all(), "to", public_id=data["to"]),
            wallet=wallet,
            points=data["points"],
            reason=data["reason"],
            **keyed(request),
        )
        return Response(AdjustmentOutput(posted(posting, sender.pk, wallet.key)).data, status=201)


class ReverseView(TenantAPIView):
    """Undoing a posting."""

    required_permission = Permission.POINTS_ADJUST

    @extend_schema(request=ReverseInput, responses={201: ReversalOutput})
    @idempotent
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Undo the posting of a ledger line, once; `missing` is what was spent already and stays so."""
        data = _moved(ReverseInput, request)
        customer = customer_of(public_id)
        posting = movements.reverse(customer=customer, **data, **signed(request))
        return Response(ReversalOutput(posted(posting, customer.pk, data["wallet_key"])).data, status=201)


class HoldView(TenantAPIView):
    """Points set aside."""

    required_permission = Permission.POINTS_MOVE

    @extend_schema(request=HoldInput, responses={201: HoldOutput})
    @idempotent
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Hold points until they are captured, released, or the time is over (30 minutes unless said)."""
        data = _moved(HoldInput, request)
        hold = movements.hold(
            customer=customer_of(public_id),
            points=data["points"],
            wallet_key=data["wallet_key"],
            lasts=timedelta(seconds=data["seconds"]),
            idempotency_key=request.headers["Idempotency-Key"],
            at=timezone.now(),
        )
        return Response(HoldOutput(hold).data, status=201)


class HoldsView(TenantListView):
    """A customer's holds."""

    required_permission = Permission.POINTS_VIEW

    @extend_schema(responses=HoldOutput(many=True))
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """List holds, the latest first, open and closed ones."""
        return self.page(_holds().filter(account__customer=customer_of(public_id)), HoldOutput, request)


class HoldDetailView(TenantAPIView):
    """One hold."""

    required_permission = Permission.POINTS_VIEW

    @extend_schema(responses=HoldOutput)
    def get(self, request: TenantRequest, public_id: UUID) -> Response:
        """Read whether a hold is open, captured, released or timed out."""
        return Response(HoldOutput(_hold(public_id)).data)


class CaptureView(TenantAPIView):
    """The end of a hold: spent."""

    required_permission = Permission.POINTS_MOVE

    @extend_schema(request=CaptureInput, responses=AdjustmentOutput)
    @idempotent
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Spend what is held."""
        data = read(CaptureInput, request)
        hold = _hold(public_id)
        posting = movements.capture(hold=hold, reason=data["reason"], **signed(request))
        account = hold.account
        return Response(AdjustmentOutput(posted(posting, account.customer_id, account.wallet.key)).data)


class ReleaseHoldView(TenantAPIView):
    """The end of a hold: given back."""

    required_permission = Permission.POINTS_MOVE

    @extend_schema(request=None, responses=HoldOutput)
    @idempotent
    def post(self, request: TenantRequest, public_id: UUID) -> Response:
        """Give the held points back to their lots."""
        holds.release(hold=_hold(public_id), at=timezone.now())
        return Response(HoldOutput(_hold(public_id)).data)


class ReleasePendingView(TenantAPIView):
    """Pending points that waited for something about an order."""

    required_permission = Permission.POINTS_MOVE

    @extend_schema(request=ReleaseInput, responses=ReleaseOutput)
    @idempotent
    def post(self, request: TenantRequest) -> Response:
        """Make the pending points of an order spendable because `event` has happened to it."""
        data = read(ReleaseInput, request)
        order = named(Order.objects.all(), "order", external_id=data["order"])
        points = earning.release_order(
            order=order, event=data["event"], by=request.access.actor, at=timezone.now()
        )
        return Response(ReleaseOutput({"points": points}).data)
