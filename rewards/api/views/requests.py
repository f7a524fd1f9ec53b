"""What the views of this app read from a request in the same way."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.response import Response

from crm.models import Customer
from rewards.api.serializers.drafted import DraftedOutput
from rewards.queries import balances
from rewards.services.ledger import Posting
from rewards.services.offer_drafts import Drafted
from tenants.api.views import TenantRequest
from tenants.errors import FieldError, InvalidInput

_Row = TypeVar("_Row", bound=Model)


def customer_of(public_id: UUID) -> Customer:
    """Return the customer with this public id, or answer 404."""
    customer: Customer = get_object_or_404(Customer.objects.all(), public_id=public_id)
    return customer


def named(rows: QuerySet[_Row], field: str, **lookup: Any) -> _Row:
    """Return the one row that a field of the body names. Raises ``InvalidInput``."""
    found = rows.filter(**lookup).first()
    if found is None:
        what = rows.model._meta.verbose_name
        raise InvalidInput(errors=[FieldError(f"/{field}", "unknown", f"There is no such {what}.")])
    return found


def posted(posting: Posting, customer_id: int, wallet_key: str) -> dict[str, int]:
    """Return a posting with what the customer can spend after it, not what a sweep has still to take."""
    left = balances.available(customer_id, wallet_key, at=timezone.now())
    return {"points": posting.points, "available": left, "missing": posting.missing}


def signed(request: TenantRequest) -> dict[str, Any]:
    """Return who asks and when, as services take them."""
    return {"by": request.access.actor, "at": timezone.now()}


def keyed(request: TenantRequest) -> dict[str, Any]:
    """Return who asks and when, with the key that names the intention for ever."""
    return {**signed(request), "idempotency_key": request.headers["Idempotency-Key"]}


def drafted(written: Drafted) -> Response:
    """Answer what waits in the draft: accepted, in force with the publication, or in force as it is."""
    return Response(DraftedOutput(written).data, status=202)
