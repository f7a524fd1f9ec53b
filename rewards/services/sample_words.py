"""What sample members say is recorded as any source would send it, in the tenant's language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.utils.translation import gettext

from crm.models import Customer, Item, Order
from crm.services import consents, feedback
from rewards.domain.presets.plans import Day, PlannedMember
from tenants.domain.actors import Actor

SOURCE: Final = "sample"
_PURPOSE: Final = "marketing"


def record(*, people: Sequence[PlannedMember], day: Day, by: Actor, at: datetime) -> int:
    """Record the day's remarks; returns how many were new. The language that is active is spoken."""
    if not day.remarks:
        return 0
    names = {people[each.member].external_id for each in day.remarks}
    customers = {each.external_id: each for each in Customer.objects.filter(external_id__in=names)}
    order_ids = {each.order for each in day.remarks if each.order}
    orders = {each.external_id: each for each in Order.objects.filter(external_id__in=order_ids)}
    skus = {each.sku for each in day.remarks if each.sku}
    items = {each.external_id: each for each in Item.objects.filter(external_id__in=skus)}
    entries = [
        feedback.NewFeedback(
            kind=each.kind,
            source_id=each.source_id,
            occurred_at=each.occurred_at,
            customer=customers[people[each.member].external_id],
            item=items.get(each.sku),
            order=orders.get(each.order),
            rating=each.rating,
            text=gettext(each.text) if each.text else "",
        )
        for each in day.remarks
    ]
    return len(feedback.record(entries=entries, source=SOURCE, by=by, at=at))


def ask(*, people: Sequence[PlannedMember], customer_ids: Sequence[int], by: Actor, at: datetime) -> None:
    """Record whether those who have just joined want to hear of offers."""
    _decide([each.agrees for each in people], customer_ids, by=by, at=at)


def withdraw(*, people: Sequence[PlannedMember], day: Day, by: Actor, at: datetime) -> None:
    """Let who leaves on the day take back what they agreed to."""
    leaving = [each.external_id for each in people if each.agrees and each.leaves_on == day.day]
    if leaving:
        found = list(Customer.objects.filter(external_id__in=leaving).values_list("pk", flat=True))
        _decide([False] * len(found), found, by=by, at=at)


def _decide(answers: Sequence[bool], customer_ids: Sequence[int], *, by: Actor, at: datetime) -> None:
    changes = [
        consents.NewConsent(
            customer_id=customer_id, purpose=_PURPOSE, is_granted=answer, occurred_at=at, source=SOURCE
        )
        for answer, customer_id in zip(answers, customer_ids, strict=True)
    ]
    consents.record(changes=changes, by=by, at=at)
