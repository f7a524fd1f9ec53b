"""Requests of customers: to get their data, to be forgotten. Each is a row with its state and its report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from crm.locks import lock_privacy_request
from crm.models import Customer, CustomerState, PrivacyRequest, PrivacyRequestKind, PrivacyRequestState
from crm.queries import customer_policies
from crm.services import archives, erasures
from crm.services.erasures import NotErasable
from tenants.domain.actors import SYSTEM, Actor
from tenants.domain.permissions import Permission
from tenants.errors import Conflict
from tenants.services import audit, jobs

EXPORT_JOB = "crm.export_customer"


class RequestWaiting(Conflict):
    """The customer has a request of this kind that is not finished."""

    code = "privacy_request_waiting"
    title = "There is a request of this kind already"


class RequestFinished(Conflict):
    """The request is done or cancelled."""

    code = "privacy_request_finished"
    title = "This request is finished"


@transaction.atomic
def request_export(*, customer: Customer, by: Actor, at: datetime) -> PrivacyRequest:
    """Ask a worker for the customer's archive. Raises ``RequestWaiting``."""
    by.require(Permission.PRIVACY_MANAGE)
    request = _open(customer, PrivacyRequestKind.EXPORT, by, at, due_at=at)
    jobs.start(kind=EXPORT_JOB, params={"request_id": request.pk}, by=by, at=at)
    return request


@transaction.atomic
def carry_out_export(*, request_id: int, at: datetime) -> PrivacyRequest:
    """Make the archive of a waiting request; one that is finished stays as it is."""
    request = lock_privacy_request(request_id)
    if request.state != PrivacyRequestState.WAITING:
        return request
    archive = archives.make(request=request, at=at)
    report = {"bytes": len(archive.content), "sha256": archive.sha256}
    return _finish(request, PrivacyRequestState.DONE, report, at)


@transaction.atomic
def request_erasure(*, customer: Customer, by: Actor, at: datetime) -> PrivacyRequest:
    """Erase now, or after the tenant's days of grace. Raises ``RequestWaiting``, ``NotErasable``."""
    by.require(Permission.PRIVACY_MANAGE)
    if customer.state in {CustomerState.MERGED, CustomerState.ANONYMISED}:
        raise NotErasable(f"The customer is {customer.state}.")
    grace = timedelta(days=customer_policies.current().erasure_grace_days)
    request = _open(customer, PrivacyRequestKind.ERASURE, by, at, due_at=at + grace)
    return request if grace else carry_out_erasure(request_id=request.pk, by=by, at=at)


@transaction.atomic
def carry_out_erasure(*, request_id: int, by: Actor, at: datetime) -> PrivacyRequest:
    """Erase the customer of a waiting request; one that is finished stays as it is."""
    request = lock_privacy_request(request_id)
    if request.state != PrivacyRequestState.WAITING:
        return request
    customer = request.customer
    while customer.merged_into is not None:
        # Merged while the days of grace ran: the survivor is the same person.
        customer = customer.merged_into
    report = erasures.wipe(customer_id=customer.pk, by=by, at=at)
    return _finish(request, PrivacyRequestState.DONE, report, at)


def carry_out_due(*, at: datetime) -> int:
    """Erase everybody whose days of grace are over; return how many. Each is a transaction of its own."""
    due = PrivacyRequest.objects.filter(
        kind=PrivacyRequestKind.ERASURE, state=PrivacyRequestState.WAITING, due_at__lte=at
    )
    ids = list(due.order_by("pk").values_list("pk", flat=True))
    for request_id in ids:
        carry_out_erasure(request_id=request_id, by=SYSTEM, at=at)
    return len(ids)


@transaction.atomic
def cancel(*, request: PrivacyRequest, by: Actor, at: datetime) -> PrivacyRequest:
    """Cancel a waiting request. Raises ``RequestFinished``."""
    by.require(Permission.PRIVACY_MANAGE)
    locked = lock_privacy_request(request.pk)
    if locked.state != PrivacyRequestState.WAITING:
        raise RequestFinished
    audit.record(action="privacy_request.cancelled", target=locked, by=by, at=at)
    return _finish(locked, PrivacyRequestState.CANCELLED, {}, at)


def _open(
    customer: Customer, kind: PrivacyRequestKind, by: Actor, at: datetime, *, due_at: datetime
) -> PrivacyRequest:
    try:
        with transaction.atomic():
            request: PrivacyRequest = PrivacyRequest.objects.create(
                customer=customer, kind=kind, requested_at=at, requested_by=by.label[:254], due_at=due_at
            )
    except IntegrityError as error:
        raise RequestWaiting from error
    audit.record(action=f"privacy_request.{kind}", target=request, by=by, at=at)
    return request


def _finish(
    request: PrivacyRequest, state: PrivacyRequestState, report: Mapping[str, object], at: datetime
) -> PrivacyRequest:
    request.state, request.report, request.finished_at = state, dict(report), at
    request.save(update_fields=["state", "report", "finished_at"])
    return request
