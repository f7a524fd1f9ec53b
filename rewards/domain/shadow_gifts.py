"""What challenges give in a rehearsal, and what is taken back of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, MutableMapping
from datetime import datetime

from rewards.domain.challenges.changes import Gift, Grant
from rewards.domain.challenges.definition import RewardKind
from rewards.domain.gift_budgets import GiftBudgets
from rewards.domain.lots import LotBalance
from rewards.domain.measures import Measures
from rewards.domain.shadow_points import ShadowPoints
from rewards.domain.shadow_tiers import ShadowTiers
from rewards.domain.wallets import RefundPolicy, released_by_staff

TierAt = Callable[[int, datetime], str | None]


class ShadowGifts:
    """Credits the points of gifts under the wallets' terms, and knows the lots of those that can be lost.

    ``told_apart`` are the members of whom something comes back (``None``: everybody). ``tier_at`` says what
    a member held the moment before, ``points_by_customer`` is added to.
    """

    def __init__(
        self, points: ShadowPoints, measures: Measures | None, tiers: ShadowTiers, *, tier_at: TierAt,
        told_apart: Collection[int] | None, points_by_customer: MutableMapping[int, int],
        budgets: GiftBudgets,
    ) -> None:  # fmt: skip
        self._budgets = budgets
        self._points, self._measures, self._tiers, self._tier_at = points, measures, tiers, tier_at
        self._told_apart, self._points_by_customer = told_apart, points_by_customer
        self._lots: dict[str, LotBalance | None] = {}

    def open(self, source: str, lot: LotBalance | None) -> None:
        """Take over to which lot a gift of before went."""
        self._lots[source] = lot

    def give(self, gift: Gift, at: datetime) -> Gift | None:
        """Credit the points of a gift as far as its budget pays them; what is no points is only counted.

        Returns the gift as it was given, ``None`` where the account is frozen.
        """
        wallet, customer_id, earned_at = gift.reward.key, gift.pair.customer_id, gift.earned_at
        if gift.reward.kind is not RewardKind.POINTS:
            return gift
        if (customer_id, wallet) in self._points.releases.frozen:
            self._points.extend(customer_id, wallet, earned_at)
            return None
        gift = self._budgets.cut(gift, at)
        if gift.reward.points:
            self._credit(gift, at)
        return gift

    def _credit(self, gift: Gift, at: datetime) -> None:
        customer_id, earned_at = gift.pair.customer_id, gift.earned_at
        wallet, points = gift.reward.key, gift.reward.points
        terms = self._points.terms(wallet, earned_at, self._tier_at(customer_id, earned_at))
        lot = None
        if not self._points.add(customer_id, wallet, points, terms.expires_at, at):
            lot = self._points.credit(
                customer_id, wallet, points, terms, earned_at=earned_at, at=at,
                release=released_by_staff("challenge", gift.source),
            )  # fmt: skip
        self._points.totals[wallet].given += points
        self._points_by_customer[customer_id] += points
        if self._told_apart is None or customer_id in self._told_apart:
            self._lots[gift.source] = lot
        if self._measures is not None:
            self._measures.add_points(customer_id, at, wallet, points, earned_at=earned_at)

    def take_back(self, customer_id: int, grant: Grant, at: datetime) -> int:
        """Take points back, within what is left whatever the wallet says; of a frozen account none."""
        if grant.kind != RewardKind.POINTS or not grant.points:
            return 0
        lot = self._lots.pop(grant.source, None)
        if (customer_id, grant.key) in self._points.releases.frozen:
            return 0
        taken = self._points.take_back(
            customer_id, grant.key, lot, grant.points, at, policy=RefundPolicy.WITHIN_BALANCE
        )
        self._points_by_customer[customer_id] -= taken
        if self._measures is not None and taken:
            self._measures.add_points(customer_id, at, grant.key, -taken)
            self._measures.moved.add(customer_id)
        return taken

    def given(self, customer_ids: Collection[int], at: datetime) -> None:
        """Bring tiers up to date that points decide."""
        if self._measures is not None and self._measures.counts_points:
            for customer_id in customer_ids:
                self._tiers.refresh(customer_id, at)
