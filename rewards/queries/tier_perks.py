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
from rewards.domain.tiers import ENTITLEMENT, REWARD, PerkCost, Tier, prices_for
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
      AND d.state NOT IN ('cancelled', 'refunded') AND d.granted_by = ''
    GROUP BY 1, 2, 3, 4, 5
"""


class PerkKind(StrEnum):
    """What a tier gives that has no price of its own."""

    FREE_SHIPPING = "free_shipping"
    ENTITLEMENT = "entitlement"
    REWARD = "reward"
    PRICE_LIST = "price_list"


class Perk(NamedTuple):
    """A perk; ``name`` is the entitlement, the reward's key or the price list."""

    kind: PerkKind
    name: str = ""

    @property
    def cost_key(self) -> str:
        """Its name among the costs of a tier's perks."""
        prefixes = {PerkKind.ENTITLEMENT: ENTITLEMENT, PerkKind.REWARD: REWARD}
        prefix = prefixes.get(self.kind)
        return f"{prefix}{self.name}" if prefix else self.kind.value


@dataclass(frozen=True, slots=True)
class Counts:
    """Members by tier, and how many orders of the last year are theirs."""

    members: Mapping[str, int]
    orders: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PerkReach:
    """How many members have a perk now, and would have it; its cost of a year more, if it is known.

    ``extra_cost_minor`` is in minor units, negative where it costs less.
    """

    perk: Perk
    before: int
    after: int
    extra_cost_minor: int | None = None


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


def reaches(revision: Revision, before: Counts, after: Counts) -> list[PerkReach]:
    """Return the perks whose reach or cost changes.

    A perk costs what the draft says of it, also before: whoever enters a cost has not made the perk dearer.
    What only the program in force knows a cost of costs that.
    """
    published = programs.published()
    former = published.revision.tiers if published else ()
    costs = _Costs({**_own(former), **_own(revision.tiers)}, {**_any(former), **_any(revision.tiers)})
    had, has = _reach(former, before, costs), _reach(revision.tiers, after, costs)
    found = []
    for perk in sorted({*had, *has}):
        now, then = had.get(perk, _NOBODY), has.get(perk, _NOBODY)
        cost = then.cost_minor - now.cost_minor if perk.cost_key in costs.of_any else None
        if then.members != now.members or cost:
            found.append(PerkReach(perk, now.members, then.members, cost))
    return found


class _Reach(NamedTuple):
    members: int = 0
    cost_minor: int = 0


_NOBODY: Final = _Reach()


class _Costs(NamedTuple):
    """What perks cost: by tier and perk, and where a tier says nothing what another one does."""

    of_tier: Mapping[tuple[str, str], PerkCost]
    of_any: Mapping[str, PerkCost]

    def a_year(self, tier: str, perk: Perk, counts: Counts) -> int:
        cost = self.of_tier.get((tier, perk.cost_key)) or self.of_any.get(perk.cost_key)
        return cost.a_year(counts.members.get(tier, 0), counts.orders.get(tier, 0)) if cost else 0


def _own(tiers: Sequence[Tier]) -> dict[tuple[str, str], PerkCost]:
    return {(tier.key, name): cost for tier in tiers for name, cost in tier.perks.costs.items()}


def _any(tiers: Sequence[Tier]) -> dict[str, PerkCost]:
    """Return the costs by perk, those of the lowest tier that says one."""
    return {name: cost for tier in reversed(tiers) for name, cost in tier.perks.costs.items()}


def _reach(tiers: Sequence[Tier], counts: Counts, costs: _Costs) -> dict[Perk, _Reach]:
    found: dict[Perk, _Reach] = defaultdict(_Reach)
    rewards: set[str] = set()
    for tier in tiers:
        # Exclusive rewards belong to the tiers above, too.
        rewards |= tier.perks.rewards
        for perk in (*_perks(tier), *(Perk(PerkKind.REWARD, key) for key in rewards)):
            known, members = found[perk], counts.members.get(tier.key, 0)
            more = costs.a_year(tier.key, perk, counts)
            found[perk] = _Reach(known.members + members, known.cost_minor + more)
    return found


def _perks(tier: Tier) -> Iterable[Perk]:
    perks = tier.perks
    if perks.has_free_shipping:
        yield Perk(PerkKind.FREE_SHIPPING)
    yield from (Perk(PerkKind.ENTITLEMENT, name) for name in perks.entitlements)
    if perks.price_list:
        yield Perk(PerkKind.PRICE_LIST, perks.price_list)
