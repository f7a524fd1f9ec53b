"""Tiers of all members while a revision is played over the past: decided as live, one member at a time.

Whoever plays says when something happened that live tiers are brought up to date after, and when it is
night. What could change a member at night is known beforehand: amounts that moved by themselves, protection
that ended, a new period. Nobody else is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from typing import Final

from rewards.domain.programs import Revision
from rewards.domain.qualification import DROPPED, Downgrade, Holding, Move, decide, reached

Values = Callable[[int, datetime], Mapping[str, int]]
NOBODY: Final = Holding()


@dataclass(slots=True)
class Standing:
    """What one member holds.

    ``key`` is the tier of the membership, empty for none. ``told`` is what the history says, ``None`` for
    nothing; ``told_before`` is what it said before its newest entry, that of ``told_at``.
    """

    holding: Holding = NOBODY
    key: str = ""
    told: str | None = None
    told_before: str | None = None
    told_at: datetime | None = None
    look_at: datetime | None = None

    def told_by(self, at: datetime) -> str | None:
        """Return what the history said the moment before ``at``."""
        return self.told_before if self.told_at == at else self.told

    def tell(self, key: str, at: datetime) -> None:
        """Add an entry to the history."""
        if self.told_at != at:
            self.told_before, self.told_at = self.told, at
        self.told = key


class ShadowTiers:
    """Memberships of all who were opened. Nobody else has a tier, except by spend.

    Where nothing but the spend of 365 days decides and no rule changes tiers, the spend says the tier of
    whoever has no protection, and such members are only looked at in the end.
    """

    def __init__(self, revision: Revision, values: Values, *, is_lazy: bool) -> None:
        self._tiers, self._qualification = revision.tiers, revision.qualification
        self._zone = revision.time_zone
        self._keys = [tier.key for tier in revision.tiers]
        self._place_by_key = {key: place for place, key in enumerate(self._keys)}
        self._values = values
        self._is_plain, self._is_lazy = revision.qualification.is_plain, is_lazy
        self._standings: dict[int, Standing] = {}
        self._protected: set[int] = set()
        self._looks: list[tuple[datetime, int]] = []

    def open(self, customer_id: int, standing: Standing) -> None:
        """Take over a member, with the place of the membership's tier in this ladder worked out here."""
        place = self._place_by_key.get(standing.key, DROPPED if standing.key else NOBODY.place)
        before = standing.holding
        self._hold(
            customer_id,
            standing,
            Holding(place, before.valid_until, before.grace_until, before.locked_until),
        )
        self._standings[customer_id] = standing

    def __iter__(self) -> Iterator[int]:
        return iter(self._standings)

    def get(self, customer_id: int, /) -> str | None:
        """Return the tier of a membership, as far as memberships are kept."""
        standing = self._standings.get(customer_id)
        return standing.key if standing is not None and standing.holding.place >= 0 else None

    def seen(self, customer_id: int, at: datetime, by_spend: str | None) -> str | None:
        """Return the tier that rules see the moment before ``at``; ``by_spend`` is what the spend reaches."""
        if self._is_plain:
            if customer_id not in self._protected:
                return by_spend
            standing = self._standings[customer_id]
            until = standing.holding.locked_until
            return standing.key or None if until is not None and until > at else by_spend
        known = self._standings.get(customer_id)
        told = known.told_by(at) if known is not None else None
        return by_spend if told is None else told or None

    def refresh(self, customer_id: int, at: datetime) -> None:
        """Bring one member up to date, as live does after an order."""
        if self._is_lazy and customer_id not in self._protected:
            return
        standing = self._standings.get(customer_id)
        if standing is not None:
            self._look(customer_id, standing, at)

    def refresh_all(self, at: datetime) -> None:
        """Bring everybody up to date, as the first night under a revision does."""
        for customer_id in self._protected.copy() if self._is_lazy else self._standings:
            self.refresh(customer_id, at)

    def night(self, moved: set[int], at: datetime) -> None:
        """Look at those whose amounts have ``moved`` by themselves, and those whose protection has ended."""
        due = moved
        while self._looks and self._looks[0][0] <= at:
            moment, customer_id = heappop(self._looks)
            standing = self._standings[customer_id]
            if standing.look_at == moment:
                standing.look_at = None
                due.add(customer_id)
        for customer_id in due:
            self.refresh(customer_id, at)

    def lock(self, customer_id: int, key: str, *, until: datetime, at: datetime) -> None:
        """Hold a member in a tier until a moment; a tier that the ladder has not cannot be given."""
        place = self._place_by_key.get(key)
        if place is None or until <= at:
            return
        standing = self._standings.setdefault(customer_id, Standing())
        standing.key = key
        standing.tell(key, at)
        self._hold(customer_id, standing, Holding(place, None, None, until))

    def unlock(self, customer_id: int, at: datetime) -> None:
        """End a lock and move the member to where the values say."""
        standing = self._standings.get(customer_id)
        if standing is None or standing.holding.locked_until is None or standing.holding.locked_until <= at:
            return
        held = standing.holding
        standing.tell(standing.key, at)
        self._hold(customer_id, standing, Holding(held.place, held.valid_until, held.grace_until, None))
        self._look(customer_id, standing, at)

    def lift(self, customer_id: int, key: str, *, until: datetime, at: datetime) -> None:
        """Give a member a tier until a moment, as a rule does; nobody is lowered."""
        standing = self._standings.get(customer_id)
        held = self._place_by_key.get(standing.key, -1) if standing is not None else -1
        if held < self._place_by_key.get(key, -1):
            self.lock(customer_id, key, until=until, at=at)

    def held(self, at: datetime) -> Iterator[tuple[int, str]]:
        """Yield (member, tier) after a last look at everybody; an empty tier is none."""
        for customer_id, standing in self._standings.items():
            self._look(customer_id, standing, at)
            yield customer_id, standing.key if standing.holding.place >= 0 else ""

    def _look(self, customer_id: int, standing: Standing, at: datetime) -> None:
        before = standing.holding
        place = reached(self._tiers, self._qualification, self._values(customer_id, at))
        is_safe = before.valid_until is None or before.valid_until > at
        if place != before.place or before.grace_until is not None or not is_safe:
            decision = decide(before, place, self._qualification, at, self._zone)
            if decision.move is not Move.KEPT:
                landing = decision.holding.place
                standing.key = self._keys[landing] if landing >= 0 else ""
                standing.tell(standing.key, at)
            if decision.holding != before:
                self._hold(customer_id, standing, decision.holding)
        self._plan(customer_id, standing, place, at)

    def _hold(self, customer_id: int, standing: Standing, holding: Holding) -> None:
        standing.holding = holding
        if holding.valid_until is None and holding.grace_until is None and holding.locked_until is None:
            self._protected.discard(customer_id)
        else:
            self._protected.add(customer_id)

    def _plan(self, customer_id: int, standing: Standing, place: int, at: datetime) -> None:
        """Say when to look again although nothing happens: when protection ends, or on the way down."""
        holding = standing.holding
        look_at: datetime | None = None
        for end in (holding.valid_until, holding.grace_until, holding.locked_until):
            if end is not None and end > at and (look_at is None or end < look_at):
                look_at = end
        if look_at is None and place < holding.place and self._qualification.downgrade is not Downgrade.NONE:
            look_at = at
        if look_at is not None and look_at != standing.look_at:
            standing.look_at = look_at
            heappush(self._looks, (look_at, customer_id))
