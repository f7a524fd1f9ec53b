"""What sample members do by day: they join, some with a friend's code; act, order with coupons, give back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from crm.domain.events import NewEvent
from crm.models import Customer, Identity, Order
from crm.services import customers, ingest, orders, returns, segment_refresh
from rewards.domain.carts import Cart, CartLine
from rewards.domain.presets.plans import Day, PlannedMember, PlannedOrder
from rewards.models import CodeState, CouponCode
from rewards.services import referral_codes, referrals, sample_words
from rewards.services.coupons import carts
from rewards.services.coupons.errors import CouponsRejected
from rewards.services.coupons.takings import Request
from rewards.services.ledger import Source
from tenants.domain.actors import Actor

_SHIPPING_UNITS: Final = 5
_BATCH: Final = 500


@dataclass(slots=True)
class Played:
    """What a run has written."""

    members: int = 0
    events: int = 0
    orders: int = 0
    returns: int = 0
    redemptions: int = 0
    remarks: int = 0


@dataclass(slots=True)
class Crowd:
    """Does by day what the members do; ``unit`` is how many minor units a unit of the shelf's prices has."""

    people: Sequence[PlannedMember]
    unit: int
    by: Actor
    played: Played = field(default_factory=Played)

    def live(self, day: Day, morning: datetime, evening: datetime) -> None:
        """Let one day happen, as seen at its end."""
        wanted = {order.member for order in day.orders} | {event.member for event in day.events}
        wanted |= {index for index, member in enumerate(self.people) if member.joins_on == day.day}
        self._admit([self.people[index] for index in sorted(wanted)], morning)
        batch = [
            NewEvent(
                message_id=event.message_id,
                name=event.name,
                occurred_at=event.occurred_at,
                external_id=self.people[event.member].external_id,
                properties=dict(event.properties),
            )
            for event in day.events
        ]
        for start in range(0, len(batch), _BATCH):
            receipt = ingest.accept(batch=batch[start : start + _BATCH], by=self.by, at=evening)
            self.played.events += receipt.counts["accepted"]
        self._sell(day.orders, evening)
        self.played.remarks += sample_words.record(people=self.people, day=day, by=self.by, at=evening)
        sample_words.withdraw(people=self.people, day=day, by=self.by, at=evening)

    def _admit(self, people: Sequence[PlannedMember], morning: datetime) -> None:
        """Create the customers who are not there yet."""
        names = [member.external_id for member in people]
        known = Identity.objects.filter(kind="external_id", value__in=names).values_list("value", flat=True)
        there = set(known)
        new = [member for member in people if member.external_id not in there]
        created = [self._join(member, morning) for member in new]
        self.played.members += len(created)
        if created:
            sample_words.ask(people=new, customer_ids=created, by=self.by, at=morning)
            # Whom a challenge or rule is for is known before anything of theirs counts.
            for segment in segment_refresh.in_order():
                segment_refresh.refresh(segment=segment, at=morning, customer_ids=created)

    def _join(self, member: PlannedMember, morning: datetime) -> int:
        change = customers.CustomerChange(
            person=_person(member), attributes=member.attributes, fields={"member_since": morning}
        )
        customer = customers.create(external_id=member.external_id, change=change, by=self.by, at=morning)
        if member.brought_by is not None:
            friend = Customer.objects.get(external_id=self.people[member.brought_by].external_id)
            code = referral_codes.code_of(customer=friend, at=morning).code
            referrals.register(code=code, referee=customer, by=self.by, at=morning)
        return customer.pk

    def _sell(self, planned: Sequence[PlannedOrder], evening: datetime) -> None:
        names = [order.external_id for order in planned]
        there = set(Order.objects.filter(external_id__in=names).values_list("external_id", flat=True))
        wanted = {self.people[each.member].external_id for each in planned}
        by_name = {buyer.external_id: buyer for buyer in Customer.objects.filter(external_id__in=wanted)}
        code_by_customer = self._codes([buyer.pk for buyer in by_name.values()])
        for order in planned:
            if order.external_id not in there:
                buyer = by_name[self.people[order.member].external_id]
                code = code_by_customer.pop(buyer.pk, "") if order.has_coupon else ""
                self._record(order, buyer, code, evening)

    def _codes(self, customer_ids: Sequence[int]) -> dict[int, str]:
        """Return the oldest code that each customer may still use."""
        usable = CouponCode.objects.filter(
            customer_id__in=customer_ids, state__in=[CodeState.ASSIGNED, CodeState.REDEEMED]
        )
        return dict(usable.order_by("-pk").values_list("customer_id", "code"))

    def _record(self, order: PlannedOrder, buyer: Customer, code: str, evening: datetime) -> None:
        discounts = self._discounts(order, buyer, code, evening) if code else [0] * len(order.lines)
        lines = [
            orders.NewLine(
                sku=item.sku,
                quantity=units,
                unit_price_minor=item.price_units * self.unit,
                coupon_discount_minor=discount,
            )
            for (item, units), discount in zip(order.lines, discounts, strict=True)
        ]
        sold = orders.record(
            external_id=order.external_id,
            customer=buyer,
            placed_at=order.placed_at,
            lines=lines,
            channel=order.channel,
            by=self.by,
            at=evening,
        )
        self.played.orders += 1
        if order.is_returned:
            returns.record(
                external_id=f"{order.external_id}-back",
                order=sold,
                quantity_by_position={1: 1},
                returned_at=evening,
                by=self.by,
                at=evening,
            )
            self.played.returns += 1

    def _discounts(self, order: PlannedOrder, buyer: Customer, code: str, evening: datetime) -> list[int]:
        """Use the code for the cart and return each line's share; a cart that is too small gets none."""
        lines = [
            CartLine(item.sku, units, item.price_units * self.unit, item.category)
            for item, units in order.lines
        ]
        request = Request(
            codes=[code],
            cart=Cart(lines, shipping_minor=_SHIPPING_UNITS * self.unit, channel=order.channel),
            source=Source(sample_words.SOURCE, order.external_id),
            customer=buyer,
            order_reference=order.external_id,
        )
        try:
            taken = carts.redeem(request=request, by=self.by, at=evening)
        except CouponsRejected:
            return [0] * len(lines)
        return [sum(line["discounts"].values()) for line in taken.lines]


def _person(member: PlannedMember) -> dict[str, str]:
    if not member.given_name:
        return {}
    return {
        "given_name": member.given_name,
        "family_name": member.family_name,
        "postcode": member.postcode,
        "email": f"{member.external_id}@members.example",
    }
