"""What referrals are checked and qualified by."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, OuterRef, Sum

from crm.models import Customer, Event, Identity, IdentityKind, Order, Person, Return
from rewards.domain.referrals import Finding, Party, compare
from rewards.models import Referral, ReferralState
from rewards.queries import exchange

_WAITING = (ReferralState.PENDING, ReferralState.IN_REVIEW)


def findings(referrer: Customer, referee: Customer) -> list[Finding]:
    """Compare two customers by identities, devices and home; two queries."""
    return compare(_party(referrer), _party(referee))


def _party(customer: Customer) -> Party:
    identities = Identity.objects.filter(customer=customer).values_list("kind", "value")
    values: dict[str, list[str]] = {}
    for kind, value in identities:
        values.setdefault(kind, []).append(value)
    person = Person.objects.filter(customer=customer).first()
    return Party(
        emails=[*values.get(IdentityKind.EMAIL, ()), person.email if person else ""],
        phones=[*values.get(IdentityKind.PHONE, ()), person.phone if person else ""],
        cards=values.get(IdentityKind.CARD, ()),
        devices=[*values.get(IdentityKind.DEVICE, ()), *values.get(IdentityKind.ANONYMOUS_ID, ())],
        postcode=person.postcode if person else "",
        family_name=person.family_name if person else "",
    )


def parties(referral_ids: Collection[int], levels: int) -> set[int]:
    """Return the customers of referrals, those ``levels`` above them, and who each of them is now."""
    pairs = list(Referral.objects.filter(pk__in=list(referral_ids)).values_list("referrer", "referee"))
    found = {customer_id for pair in pairs for customer_id in pair}
    above = {referrer for referrer, _referee in pairs}
    for _level in range(levels):
        above = set(Referral.objects.filter(referee__in=above).values_list("referrer", flat=True))
        found |= above
    fresh = found
    while fresh:
        heirs = Customer.objects.filter(pk__in=fresh).values_list("merged_into", flat=True)
        fresh = {heir for heir in heirs if heir is not None} - found
        found |= fresh
    return found


def qualifying_orders(order_ids: Collection[int], minimum_minor: int) -> list[tuple[int, Order]]:
    """Return (referral id, order) of first orders of the size by customers whose referral waits."""
    before = Order.objects.filter(customer=OuterRef("customer"), placed_at__lt=OuterRef("placed_at"))
    orders = Order.objects.filter(~Exists(before), pk__in=list(order_ids), customer__isnull=False).order_by(
        "placed_at", "pk"
    )
    worth = exchange.current()
    found = [each for each in orders if worth.minor(each.total_minor, each.currency) >= minimum_minor]
    waiting = Referral.objects.filter(
        referee_id__in={order.customer_id for order in found}, state__in=_WAITING
    )
    referral_by_customer = dict(waiting.values_list("referee_id", "pk"))
    return [
        (referral_by_customer[order.customer_id], order)
        for order in found
        if order.customer_id in referral_by_customer
    ]


def qualifying_events(
    *, message_ids: Collection[str], first_at: datetime | str, last_at: datetime | str, name: str
) -> list[tuple[int, datetime]]:
    """Return (referral id, moment) of the named events by customers whose referral waits."""
    events = Event.objects.filter(
        message_id__in=list(message_ids), occurred_at__gte=first_at, occurred_at__lte=last_at, name=name
    )
    moments = dict(events.order_by("-occurred_at").values_list("customer_id", "occurred_at"))
    waiting = Referral.objects.filter(referee_id__in=set(moments) - {None}, state__in=_WAITING)
    pairs = waiting.order_by("pk").values_list("pk", "referee_id")
    return [(pk, moments[referee_id]) for pk, referee_id in pairs]


def fallen_short(return_ids: Collection[int], minimum_minor: int) -> list[int]:
    """Return the referrals whose qualifying order is worth less than the minimum after its returns."""
    order_ids = list(Return.objects.filter(pk__in=list(return_ids)).values_list("order_id", flat=True))
    # Returns of an order are few; the sum is over all of them, whichever came last.
    orders = Order.objects.filter(pk__in=order_ids).annotate(returned=Sum("returns__total_minor"))
    worth = exchange.current()
    short = [
        each.pk
        for each in orders
        if worth.minor(each.total_minor - each.returned, each.currency) < minimum_minor
    ]
    rows = Referral.objects.filter(qualifying_order_id__in=short)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def has_brought(customer_id: int, other_id: int) -> bool:
    """Whether a customer brought another one, or whoever brought those: who would be paid in a circle."""
    above, seen = other_id, {other_id}
    while True:
        row = Referral.objects.filter(referee=above).exclude(state=ReferralState.REJECTED).first()
        if row is None or row.referrer_id in seen:
            return False
        if row.referrer_id == customer_id:
            return True
        above = row.referrer_id
        seen.add(above)
