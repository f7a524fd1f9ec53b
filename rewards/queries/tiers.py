"""Tiers of customers: held, projected, and what is missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Count
from django.utils import timezone

from crm.queries import survivors
from rewards.domain.programs import Revision
from rewards.domain.qualification import Projection, project
from rewards.domain.tiers import SPEND, Tier
from rewards.models import TierChange, TierMembership
from rewards.queries import programs, tier_sql
from tenants.scope import active_tenant_id

_AT_MOMENTS = """
    SELECT asked.n, (
        SELECT c.to_key FROM rewards_tierchange c
        WHERE c.tenant_id = %(tenant)s AND c.customer_id = asked.customer_id AND c.changed_at < asked.moment
        ORDER BY c.changed_at DESC, c.id DESC LIMIT 1)
    FROM unnest(%(customers)s::bigint[], %(moments)s::timestamptz[]) WITH ORDINALITY
        AS asked(customer_id, moment, n)
"""
# A membership holds one lock at a time. Where the tier has changed since, the history knows the lock's.
_LOCKED_AT = """
    SELECT asked.n, CASE WHEN m.since <= asked.moment THEN m.tier_key ELSE (
        SELECT CASE c.move WHEN 'locked' THEN c.to_key END FROM rewards_tierchange c
        WHERE c.tenant_id = %(tenant)s AND c.customer_id = asked.customer_id AND c.changed_at < asked.moment
          AND c.move IN ('locked', 'unlocked')
        ORDER BY c.changed_at DESC, c.id DESC LIMIT 1) END
    FROM unnest(%(customers)s::bigint[], %(moments)s::timestamptz[]) WITH ORDINALITY
        AS asked(customer_id, moment, n)
    JOIN rewards_tiermembership m ON m.tenant_id = %(tenant)s AND m.customer_id = asked.customer_id
    WHERE m.locked_until > asked.moment
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one customer holds, what protects it, what they would reach now and what the next step needs."""

    tier: Tier | None
    membership: TierMembership | None
    values: dict[str, int]
    projection: Projection

    @property
    def is_locked(self) -> bool:
        until = self.membership.locked_until if self.membership else None
        return until is not None and until > timezone.now()

    def share(self) -> int:
        """Percent of the way to the next tier by the criterion that is nearest."""
        if self.projection.next_tier is None:
            return 100
        shares = [
            100 * (need - self.projection.missing_by_criterion[key]) // need
            for key, need in self.projection.next_tier.needs.items()
            if need
        ]
        return max(shares, default=0)


# Of somebody who has done nothing yet.
NOWHERE: Final = Standing(None, None, {}, Projection(None, None, {}))


def of_customers(customer_ids: Collection[int], *, revision: Revision, at: datetime) -> dict[int, Standing]:
    """Return where customers stand at a moment, in two queries however many there are."""
    rows = {row.customer_id: row for row in TierMembership.objects.filter(customer_id__in=list(customer_ids))}
    keys = [criterion.key for criterion in revision.qualification.criteria]
    statement, parameters = tier_sql.reached(revision, at=at, customer_ids=customer_ids)
    by_key = {tier.key: tier for tier in revision.tiers}
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        for customer_id, amounts, _place in cursor.fetchall():
            values, row = dict(zip(keys, amounts, strict=True)), rows.get(customer_id)
            held = row.tier_key if row else None
            projection = project(revision.tiers, revision.qualification, values, held)
            found[customer_id] = Standing(by_key.get(held or ""), row, values, projection)
    return found


def held_at(
    revision: Revision, asked: Sequence[tuple[int, datetime]], reached: Sequence[str | None]
) -> list[str | None]:
    """Return the tier that each customer held just before a moment, as rules see it.

    ``reached`` are the tiers by the spend of the 365 days before. Where nothing but that spend decides, it
    says the tier to the instant, unless a lock held another one by then. Otherwise it is the one that was
    recorded, with what validity, grace and locks made of it; spend only speaks for members without a record.
    """
    if revision.qualification.is_plain:
        locked = locked_at(asked)
        return [locked.get(number, tier) for number, tier in enumerate(reached)]
    return [
        tier if recorded is None else recorded or None
        for recorded, tier in zip(at_moments(asked), reached, strict=True)
    ]


def locked_at(asked: Sequence[tuple[int, datetime]]) -> dict[int, str]:
    """Return the tiers that locks held, by place in ``asked``; locks that staff have ended do not count."""
    if not asked:
        return {}
    first = min(moment for _customer, moment in asked)
    if not TierMembership.objects.filter(locked_until__gt=first).exists():
        return {}
    rows = _asked(_LOCKED_AT, asked)
    return {number - 1: key for number, key in rows if key}


def at_moments(asked: Sequence[tuple[int, datetime]]) -> list[str | None]:
    """Return the tier each customer held just before a moment, by the recorded changes.

    Empty where none was held, ``None`` where nothing was recorded by then.
    """
    if not asked:
        return []
    key_by_number = dict(_asked(_AT_MOMENTS, asked))
    return [key_by_number[number] for number in range(1, len(asked) + 1)]


def _asked(statement: str, asked: Sequence[tuple[int, datetime]]) -> list[tuple[int, str | None]]:
    customers, moments = zip(*asked, strict=True)
    parameters: dict[str, Any] = {
        "tenant": active_tenant_id(), "customers": list(customers), "moments": list(moments),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def history_of(customer_id: int, limit: int = 50) -> list[TierChange]:
    """Return a customer's latest changes of tier, the newest first; those of merged records too."""
    ids = list(survivors.holders([customer_id]))
    return list(TierChange.objects.filter(customer_id__in=ids).order_by("-changed_at", "-id")[:limit])


def profile_section(customer_ids: list[int]) -> dict[int, Any]:
    """Tier, values and what is missing to the next tier, by customer, for profiles; as of the last run."""
    memberships = list(TierMembership.objects.filter(customer_id__in=customer_ids))
    published = programs.published() if memberships else None
    revision = published.revision if published else Revision()
    name_by_key = {tier.key: tier.name for tier in revision.tiers}
    sections = {}
    for membership in memberships:
        values = membership.values or {SPEND: membership.qualifying_spend_minor}
        place = project(revision.tiers, revision.qualification, values, membership.tier_key)
        sections[membership.customer_id] = {
            "key": membership.tier_key,
            "name": name_by_key.get(membership.tier_key, membership.tier_key),
            "since": membership.since.isoformat(),
            "qualifying_spend_minor": membership.qualifying_spend_minor,
            "next": place.next_tier.key if place.next_tier else None,
            "missing_minor": place.missing_by_criterion.get(SPEND) if place.next_tier else None,
            "missing": dict(place.missing_by_criterion),
        }
    return sections


def members_by_tier() -> dict[str, int]:
    """Return how many customers each tier has."""
    grouped = TierMembership.objects.values_list("tier_key").annotate(members=Count("id"))
    return {key: members for key, members in grouped.order_by("tier_key")}  # noqa: C416 - typed pairs
