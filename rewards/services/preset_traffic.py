"""Sample traffic: a preset's ninety days, played through the same services that real clients use.

Each day is a scope of its own. Names of members, orders and messages follow from the seed, so a run that was
interrupted goes on where it stopped, and what is there already is not there twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from django.utils import translation
from django.utils.translation import gettext

from crm.services import items, segment_refresh
from rewards.domain.presets import traffic
from rewards.domain.presets.definition import Preset
from rewards.domain.presets.plans import Day
from rewards.queries import programs
from rewards.services import challenges, expiries, liability, lots, sample_evenings, sample_staff, tiers
from rewards.services.coupons import issuing
from rewards.services.presets import preset, unit_of
from rewards.services.sample_members import Crowd, Played
from tenants.domain.actors import Actor
from tenants.models import OutboxMessage, Tenant
from tenants.queue import keeping_quiet
from tenants.scope import tenant_scope
from tenants.services import outbox

JOB: Final = "rewards.play_preset"
SEED: Final = 7
# Ninety days take less than a minute; of a process that died the sweepers act on what is left.
_LONGEST: Final = timedelta(hours=1)
# What is published one by one and can be acted on by the day: half of the work was the same questions again.
_LISTS: Final = {
    "crm.customers_changed": "customer_ids",
    "crm.orders_recorded": "order_ids",
    "crm.returns_recorded": "return_ids",
}
Progress = Callable[[int, int, str], None]


def play(
    *, tenant: Tenant, key: str, by: Actor, at: datetime, progress: Progress, seed: int = SEED
) -> Played:
    """Play the ninety days before ``at`` for a tenant. Raises ``NotFound`` for an unknown preset."""
    chosen = preset(key)
    people = traffic.members(
        chosen.traffic, last_day=at.astimezone(tenant.zone).date(), seed=seed, locale=tenant.locale
    )
    crowd = Crowd(people, unit_of(tenant), by)
    with tenant_scope(tenant), translation.override(tenant.locale):
        _stock_shelf(chosen, crowd.unit, by=by, at=at)
    days = traffic.days(chosen.traffic, people, last_moment=at, zone=tenant.zone, seed=seed)
    try:
        for number, day in enumerate(days, start=1):
            morning, midnight = _span(day, tenant.zone)
            # Whoever else delivered a message would act today on a day that is long over.
            quiet, spoken = keeping_quiet(until=at + _LONGEST), translation.override(tenant.locale)
            with quiet, spoken, programs.read_once():
                _live(tenant, crowd, day, morning, min(midnight, at))
                with tenant_scope(tenant):
                    _work(chosen, by=by, at=min(midnight, at), ends_at=at)
            said = f"{crowd.played.events} events, {crowd.played.orders} orders"
            progress(number, traffic.DAYS, said)
    finally:
        with tenant_scope(tenant):
            outbox.let_go(at=at)
    with tenant_scope(tenant):
        while lots.activate_batch(at=at):
            pass
        liability.snapshot_month_ends(at=at)
    segment_refresh.refresh_all(tenant=tenant, at=at, keys=None, progress=lambda *_: None)
    return crowd.played


def _span(day: Day, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the midnights that a day lies between."""
    first, last = (
        datetime.combine(day.day + timedelta(days=after), time.min, tzinfo=zone).astimezone(UTC)
        for after in (0, 1)
    )
    return first, last


def _live(tenant: Tenant, crowd: Crowd, day: Day, morning: datetime, evening: datetime) -> None:
    """Let a day and its evening happen; what the day publishes is acted on in between, as by a worker."""
    known, by = replace(crowd.played), crowd.by
    with tenant_scope(tenant):
        crowd.live(day, morning, evening)
    _deliver(tenant, evening)
    with tenant_scope(tenant):
        sample_evenings.enter_challenges(people=crowd.people, day=day, by=by, at=evening)
        # Points of later days must not buy anything on a day that was played before.
        if crowd.played != known:
            crowd.played.redemptions += sample_evenings.take_rewards(
                people=crowd.people, day=day, by=by, at=evening
            )


def _work(chosen: Preset, *, by: Actor, at: datetime, ends_at: datetime) -> None:
    """Let staff work off what waits, and the night's jobs end what is over."""
    sample_staff.hand_over(by=by, at=at)
    sample_staff.win_back(goodwill=chosen.traffic.goodwill, by=by, at=at)
    sample_staff.decide(by=by, at=at, ends_at=ends_at)
    # Who has not ordered yet holds the lowest tier from the day of joining on.
    tiers.recompute(at=at)
    challenges.sweep(by=by, at=at)
    expiries.expire_batch(at=at)
    issuing.expire_batch(at=at)


def _stock_shelf(chosen: Preset, unit: int, *, by: Actor, at: datetime) -> None:
    for item in chosen.traffic.shelf:
        fields = {
            "name": gettext(item.name), "category": item.category, "price_minor": item.price_units * unit
        }  # fmt: skip
        items.upsert(external_id=item.sku, fields=fields, by=by, at=at)


def _deliver(tenant: Tenant, moment: datetime) -> None:
    """Act on the day's messages at the day's end, as the queue would have, before the next day begins."""
    with tenant_scope(tenant):
        for topic, key in _LISTS.items():
            outbox.join(topic=topic, key=key, at=moment)
        outbox.settle_unheard(at=moment)
        waiting = OutboxMessage.objects.filter(state=OutboxMessage.State.PENDING, created_at__lte=moment)
        message_ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    for message_id in message_ids:
        outbox.deliver(tenant_id=tenant.pk, message_id=message_id, at=moment)
