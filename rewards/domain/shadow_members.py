"""What is measured of members while a revision is played over the past, and the tiers that follow from it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import datetime

from rewards.domain.measures import Measures
from rewards.domain.past import Left, Locked, Night
from rewards.domain.programs import Revision
from rewards.domain.rules import GrantKind
from rewards.domain.shadow_spending import ShadowSpending
from rewards.domain.shadow_tiers import ShadowTiers


class ShadowMembers:
    """The spend of all members, what else decides tiers (``measures``, where anything does), and the tiers.

    ``given`` are the kinds of what rules give.
    """

    def __init__(self, revision: Revision, given: AbstractSet[GrantKind], since: datetime) -> None:
        self.spending = ShadowSpending(revision.tiers)
        # Where nothing but that spend decides, it need not be counted twice.
        self.measures = (
            None if revision.qualification.is_plain else Measures(revision.qualification, revision.time_zone)
        )
        asks_tiers = any(challenge.audience.tiers for challenge in revision.challenges)
        self.tiers = ShadowTiers(
            revision,
            self.measures.values if self.measures else self.spending.values,
            is_lazy=self.measures is None and GrantKind.TIER not in given and not asks_tiers,
        )
        self._night_before, self._moved = since, set[int]()

    def tier_before(self, customer_id: int, at: datetime) -> str | None:
        """Return the tier that a member held the moment before."""
        return self.tiers.seen(customer_id, at, self.spending.tier_before(customer_id, at))

    def leave(self, item: Left) -> None:
        """Let something leave the year of spend, or the window that decides tiers."""
        self.spending.by_customer[item.customer_id].minor -= item.spend_minor
        if item.gone is not None and self.measures is not None:
            self.measures.leave(item.customer_id, item.at, item.gone)
        else:
            self._moved.add(item.customer_id)

    def lock(self, item: Locked) -> None:
        """Let staff lock a tier, or end the lock."""
        if item.until is None:
            self.tiers.unlock(item.customer_id, item.at)
        else:
            self.tiers.lock(item.customer_id, item.key, until=item.until, at=item.at)

    def sleep(self, item: Night) -> None:
        """Bring those to their tier whose amounts have moved by themselves."""
        measures, moved = self.measures, self._moved
        self._moved = set()
        if measures is not None:
            measures.pass_to(item.at)
            moved, measures.moved = measures.moved, set()
            if measures.is_new_period(self._night_before, item.at):
                moved = set(self.tiers)
        self._night_before = item.at
        self.tiers.night(moved, item.at)
