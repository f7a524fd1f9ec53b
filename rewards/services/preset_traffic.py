"""Sample traffic: a preset's ninety days, played through the same services that real clients use.

Each day is a scope of its own. Names of members, orders and messages follow from the seed, so a run that was
interrupted goes on where it stopped, and what is there already is not there twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final

from crm.domain.events import NewEvent
from crm.domain.money import exponent
from crm.models import Customer, Identity, Order
from crm.services import customers, ingest, items, orders, returns, segment_refresh
from rewards.domain.presets import traffic
from rewards.domain.presets.definition import Preset
from rewards.domain.presets.traffic import Day, PlannedMember, PlannedOrder
from rewards.services import tiers
from rewards.services.presets import preset
from tenants.domain.actors import Actor
from tenants.models import OutboxMessage, Tenant
from tenants.scope import tenant_scope
from tenants.services import outbox

JOB: Final = "rewards.play_preset"
SEED: Final = 7
_BATCH: Final = 500
# What is published one by one and can be acted on by the day: half of the work was the same questions again.
_LISTS: Final = {
    "crm.customers_changed": "customer_ids",
    "crm.orders_recorded": "order_ids",
    "crm.returns_recorded": "return_ids",
}
Progress = Callable[[int, int, str], None]


@dataclass(slots=True)
class Played:
    """What a run has written."""

    members: int = 0
    events: int = 0
    orders: int = 0
    returns: int = 0


def play(
    *, tenant: Tenant, key: str, by: Actor, at: datetime, progress: Progress, seed: int = SEED
) -> Played:
    """Play the ninety days before ``at`` for a tenant. Raises ``NotFound`` for an unknown preset."""
    chosen = preset(key)
    last_day = at.astimezone(tenant.zone).date()
    people = traffic.members(chosen.traffic, last_day=last_day, seed=seed)
    player = _Player(people, 10 ** exponent(tenant.currency), by)
    with tenant_scope(tenant):
        player.stock_shelf(chosen, at)
    days = traffic.days(chosen.traffic, people, last_moment=at, zone=tenant.zone, seed=seed)
    for number, day in enumerate(days, start=1):
        midnight = datetime.combine(day.day + timedelta(days=1), time.min, tzinfo=tenant.zone)
        moment = min(midnight.astimezone(UTC), at)
        with tenant_scope(tenant):
            player.live(day, moment)
        _deliver(tenant, moment)
        said = f"{player.played.events} events, {player.played.orders} orders"
        progress(number, traffic.DAYS, said)
    with tenant_scope(tenant):
        tiers.recompute(at=at)
    segment_refresh.refresh_all(tenant=tenant, at=at, keys=None, progress=lambda *_: None)
    return player.played


@dataclass(slots=True)
class _Player:
    """Does what the members do; ``unit`` is how many minor units one of the currency has."""

    people: Sequence[PlannedMember]
    unit: int
    by: Actor
    played: Played = field(default_factory=Played)

    def stock_shelf(self, chosen: Preset, at: datetime) -> None:
        for item in chosen.traffic.shelf:
            price = item.price_units * self.unit
            fields = {"name": item.name, "category": item.category, "price_minor": price}
            items.upsert(external_id=item.sku, fields=fields, by=self.by, at=at)

    def live(self, day: Day, moment: datetime) -> None:
        """Let one day happen, as seen at its end."""
        wanted = {order.member for order in day.orders} | {event.member for event in day.events}
        wanted |= {index for index, member in enumerate(self.people) if member.joins_on == day.day}
        self._admit([self.people[index] for index in sorted(wanted)], moment)
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
            receipt = ingest.accept(batch=batch[start : start + _BATCH], by=self.by, at=moment)
            self.played.events += receipt.counts["accepted"]
        self._sell(day.orders, moment)

    def _admit(self, people: Sequence[PlannedMember], moment: datetime) -> None:
        """Create the customers who are not there yet."""
        names = [member.external_id for member in people]
        known = Identity.objects.filter(kind="external_id", value__in=names).values_list("value", flat=True)
        there = set(known)
        created = []
        for member in people:
            if member.external_id in there:
                continue
            change = customers.CustomerChange(
                person=_person(member), attributes=member.attributes, fields={"member_since": moment}
            )
            customer = customers.create(external_id=member.external_id, change=change, by=self.by, at=moment)
            created.append(customer.pk)
        self.played.members += len(created)
        if created:
            # Whom a challenge or rule is for is known before anything of theirs counts.
            for segment in segment_refresh.in_order():
                segment_refresh.refresh(segment=segment, at=moment, customer_ids=created)

    def _sell(self, planned: Sequence[PlannedOrder], moment: datetime) -> None:
        names = [order.external_id for order in planned]
        there = set(Order.objects.filter(external_id__in=names).values_list("external_id", flat=True))
        wanted = {self.people[each.member].external_id for each in planned}
        by_name = {buyer.external_id: buyer for buyer in Customer.objects.filter(external_id__in=wanted)}
        for order in planned:
            if order.external_id not in there:
                self._record(order, by_name[self.people[order.member].external_id], moment)

    def _record(self, order: PlannedOrder, buyer: Customer, moment: datetime) -> None:
        lines = [
            orders.NewLine(sku=item.sku, quantity=units, unit_price_minor=item.price_units * self.unit)
            for item, units in order.lines
        ]
        sold = orders.record(
            external_id=order.external_id,
            customer=buyer,
            placed_at=order.placed_at,
            lines=lines,
            channel="web",
            by=self.by,
            at=moment,
        )
        self.played.orders += 1
        if order.is_returned:
            returns.record(
                external_id=f"{order.external_id}-back",
                order=sold,
                quantity_by_position={1: 1},
                returned_at=moment,
                by=self.by,
                at=moment,
            )
            self.played.returns += 1


def _person(member: PlannedMember) -> dict[str, str]:
    if not member.given_name:
        return {}
    return {
        "given_name": member.given_name,
        "family_name": member.family_name,
        "email": f"{member.external_id}@members.example",
    }


def _deliver(tenant: Tenant, moment: datetime) -> None:
    """Act on the day's messages at the day's end, as the queue would have, before the next day begins."""
    with tenant_scope(tenant):
        for topic, key in _LISTS.items():
            outbox.join(topic=topic, key=key, at=moment)
        waiting = OutboxMessage.objects.filter(state=OutboxMessage.State.PENDING, available_at__lte=moment)
        message_ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    for message_id in message_ids:
        outbox.deliver(tenant_id=tenant.pk, message_id=message_id, at=moment)
