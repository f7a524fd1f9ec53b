"""What publishing a draft would do to tiers, before it does: who moves, how many, and what it may cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Final

from django.db import connection

from crm.models import Customer
from rewards.domain.programs import Revision
from rewards.domain.rules import PERCENT, GivePoints
from rewards.models import TierChange
from rewards.queries import programs, tier_perks, tier_sql
from rewards.queries.exchange import own_minor
from rewards.queries.tier_perks import Counts, PerkReach

_SAMPLE: Final = 20
_MOVES: Final = """
    WITH landed AS MATERIALIZED ({landed}), spent AS (
        SELECT o.customer_id, SUM({worth}) AS minor, COUNT(*) AS orders FROM crm_order o
        WHERE o.tenant_id = %(tenant)s AND o.placed_at > %(at)s - interval '365 days' GROUP BY o.customer_id
    )
    SELECT COALESCE(l.held_key, ''),
           CASE WHEN l.landing >= 0 THEN (%(keys)s::text[])[l.landing + 1] ELSE '' END,
           COUNT(*), COALESCE(SUM(s.minor), 0)::bigint, COALESCE(SUM(s.orders), 0)::bigint,
           (array_agg(l.customer_id))[1:%(sample)s]
    FROM landed l LEFT JOIN spent s ON s.customer_id = l.customer_id
    WHERE l.landing >= 0 OR l.held_key IS NOT NULL
    GROUP BY 1, 2 ORDER BY 3 DESC
"""


@dataclass(frozen=True, slots=True)
class Flow:
    """Customers that go from one tier to another; an empty key is no tier."""

    from_key: str
    to_key: str
    customers: int
    spend_minor: int
    orders: int
    is_up: bool
    is_move: bool
    sample: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TierPreview:
    """The flows, how many customers each tier has before and after, and what a year would cost.

    The estimate takes the last year's spend again and compares the multipliers of purchase rules with those
    in force, also for who keeps the tier, and the last year's redemptions at the tiers' own prices. It knows
    nothing of what people change because of their tier. ``perks`` are those whose reach or cost changes, with
    how many have them; ``perk_cost_minor`` is what those with a known cost cost more in a year.
    """

    flows: tuple[Flow, ...]
    before: dict[str, int]
    after: dict[str, int]
    extra_points: int
    extra_cost_minor: int
    saved_points: int = 0
    saved_cost_minor: int = 0
    perks: tuple[PerkReach, ...] = ()
    perk_cost_minor: int = 0
    sample: tuple[tuple[Customer, Flow], ...] = field(default=())

    @property
    def ups(self) -> int:
        return sum(flow.customers for flow in self.flows if flow.is_move and flow.is_up)

    @property
    def downs(self) -> int:
        return sum(flow.customers for flow in self.flows if flow.is_move and not flow.is_up)


def of_revision(revision: Revision, *, at: datetime) -> TierPreview:
    """Return what a nightly run under ``revision`` would do now; nothing is written."""
    landed, parameters = tier_sql.landed(revision, at=at, customer_ids=None)
    with connection.cursor() as cursor:
        worth = own_minor("o.total_minor")
        cursor.execute(_MOVES.format(landed=landed, worth=worth), {**parameters, "sample": _SAMPLE})
        rows = cursor.fetchall()
    place = {tier.key: index for index, tier in enumerate(revision.tiers)}
    flows = tuple(
        Flow(
            before,
            after,
            count,
            spend,
            orders,
            place.get(after, -1) > place.get(before, -1),
            before != after,
            tuple(ids),
        )
        for before, after, count, spend, orders, ids in rows
    )
    before, after = _counts(flows, "from_key"), _counts(flows, "to_key")
    perks = tuple(tier_perks.reaches(revision, before, after))
    extra, saved = _extra_points(revision, flows), tier_perks.points_saved(revision, at=at)
    return TierPreview(
        flows=flows,
        before=dict(before.members),
        after=dict(after.members),
        extra_points=sum(extra.values()),
        extra_cost_minor=_cost_minor(revision, extra),
        saved_points=sum(saved.values()),
        saved_cost_minor=_cost_minor(revision, saved),
        perks=perks,
        perk_cost_minor=sum(each.extra_cost_minor or 0 for each in perks),
        sample=_sample(flows),
    )


def _counts(flows: tuple[Flow, ...], name: str) -> Counts:
    members: dict[str, int] = {}
    orders: dict[str, int] = {}
    for flow in flows:
        key: str = getattr(flow, name)
        members[key] = members.get(key, 0) + flow.customers
        orders[key] = orders.get(key, 0) + flow.orders
    return Counts(members, orders)


def _extra_points(revision: Revision, flows: tuple[Flow, ...]) -> dict[str, int]:
    """Return the points more a year by wallet, whole for each rule and flow."""
    published = programs.published()
    in_force = {rule.key: rule.points for rule in (published.revision.rules if published else ())}
    extra: dict[str, int] = defaultdict(int)
    for rule in revision.rules:
        gift = rule.points
        if not isinstance(gift, GivePoints) or not gift.per_minor:
            continue
        former = in_force.get(rule.key)
        percents = former.tier_percent if isinstance(former, GivePoints) else gift.tier_percent
        for flow in flows:
            change = gift.tier_percent.get(flow.to_key, PERCENT) - percents.get(flow.from_key, PERCENT)
            extra[gift.wallet] += int(
                Fraction(flow.spend_minor * gift.points * change, gift.per_minor * PERCENT)
            )
    return extra


def _cost_minor(revision: Revision, points_by_wallet: Mapping[str, int]) -> int:
    known = {policy.key: policy for policy in revision.wallets}
    return sum(
        known[wallet].cost_minor(points) if points >= 0 else -known[wallet].cost_minor(-points)
        for wallet, points in points_by_wallet.items()
        if wallet in known
    )


def _sample(flows: tuple[Flow, ...]) -> tuple[tuple[Customer, Flow], ...]:
    """Return some customers who move, the largest flows first."""
    flow_by_id: dict[int, Flow] = {}
    for flow in flows:
        if flow.is_move:
            flow_by_id |= dict.fromkeys(flow.sample[: max(_SAMPLE - len(flow_by_id), 0)], flow)
    rows = Customer.objects.filter(pk__in=list(flow_by_id)).prefetch_related("persons")
    return tuple((customer, flow_by_id[customer.pk]) for customer in rows.order_by("pk"))


def recent_changes(limit: int = 12) -> list[TierChange]:
    """Return the latest changes of tier of all customers."""
    rows = TierChange.objects.select_related("customer").prefetch_related("customer__persons")
    return list(rows.order_by("-changed_at", "-id")[:limit])
