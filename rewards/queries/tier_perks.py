"""What perks of a draft's tiers would cost, and how many would have them, compared with those in force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from django.db import connection

from rewards.domain.programs import Revision
from rewards.domain.tiers import Tier, prices_for
from rewards.queries import programs, tier_sql

_BOUGHT: Final = """
    WITH landed AS MATERIALIZED ({landed})
    SELECT COALESCE(l.held_key, ''),
           CASE WHEN l.landing >= 0 THEN (%(keys)s::text[])[l.landing + 1] ELSE '' END,
           w.key, r.key, r.cost_points, COUNT(*)
    FROM rewards_redemption d
    JOIN rewards_reward r ON r.tenant_id = %(tenant)s AND r.id = d.reward_id AND r.key = ANY(%(priced)s)
    JOIN rewards_wallet w ON w.tenant_id = %(tenant)s AND w.id = r.wallet_id
    JOIN landed l ON l.customer_id = d.customer_id
    WHERE d.tenant_id = %(tenant)s AND d.reserved_at > %(at)s - interval '365 days'
      AND d.reserved_at <= %(at)s
      AND d.state NOT IN ('cancelled', 'refunded')
    GROUP BY 1, 2, 3, 4, 5
"""


class PerkKind(StrEnum):
    """What a tier gives that has no price the product knows."""

    FREE_SHIPPING = "free_shipping"
    ENTITLEMENT = "entitlement"
    REWARD = "reward"
    PRICE_LIST = "price_list"


class Perk(NamedTuple):
    """A perk; ``name`` is the entitlement, the reward's key or the price list."""

    kind: PerkKind
    name: str = ""


@dataclass(frozen=True, slots=True)
class PerkReach:
    """How many members have a perk now, and would have it."""

    perk: Perk
    before: int
    after: int


def points_saved(revision: Revision, *, at: datetime) -> dict[str, int]:
    """Return by wallet the points that members would pay less, for the rewards they took in the last year.

    Their tiers' own prices under ``revision`` are compared with those in force; more to pay is negative.
    """
    published = programs.published()
    former = published.revision.tiers if published else ()
    priced = sorted({key for tier in (*former, *revision.tiers) for key in tier.perks.prices})
    saved: dict[str, int] = defaultdict(int)
    if not priced:
        return saved
    landed, parameters = tier_sql.landed(revision, at=at, customer_ids=None)
    with connection.cursor() as cursor:
        cursor.execute(_BOUGHT.format(landed=landed), {**parameters, "priced": priced})
        for before, after, wallet, reward, cost, count in cursor.fetchall():
            change = _price(former, before, reward, cost) - _price(revision.tiers, after, reward, cost)
            saved[wallet] += change * count
    return saved


def _price(tiers: Sequence[Tier], key: str, reward: str, cost: int) -> int:
    # A tier's price never is the dearer one.
    return min(cost, prices_for(tiers, key).get(reward, cost))


def reaches(revision: Revision, before: Mapping[str, int], after: Mapping[str, int]) -> list[PerkReach]:
    """Return the perks whose reach changes; ``before`` and ``after`` count the members by tier."""
    published = programs.published()
    had = _reach(published.revision.tiers if published else (), before)
    has = _reach(revision.tiers, after)
    found = [PerkReach(perk, had.get(perk, 0), has.get(perk, 0)) for perk in sorted({*had, *has})]
    return [each for each in found if each.before != each.after]


def _reach(tiers: Sequence[Tier], members: Mapping[str, int]) -> dict[Perk, int]:
    found: dict[Perk, int] = defaultdict(int)
    rewards: set[str] = set()
    for tier in tiers:
        # Exclusive rewards belong to the tiers above, too.
        rewards |= tier.perks.rewards
        for perk in (*_perks(tier), *(Perk(PerkKind.REWARD, key) for key in rewards)):
            found[perk] += members.get(tier.key, 0)
    return found


def _perks(tier: Tier) -> Iterable[Perk]:
    perks = tier.perks
    if perks.has_free_shipping:
        yield Perk(PerkKind.FREE_SHIPPING)
    yield from (Perk(PerkKind.ENTITLEMENT, name) for name in perks.entitlements)
    if perks.price_list:
        yield Perk(PerkKind.PRICE_LIST, perks.price_list)
