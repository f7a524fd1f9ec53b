"""Budgets that pay the points of challenges: locked first of all, cut to what they have, then charged."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from rewards.domain.challenges.changes import Gift
from rewards.domain.gift_budgets import GiftBudgets
from rewards.queries import budgets as budget_queries
from rewards.queries.programs import PublishedRevision
from rewards.services import budgets


def lock(challenges: Collection[str], *, published: PublishedRevision, at: datetime) -> None:
    """Keep others from drawing on what pays these challenges.

    Before participations and accounts, as decisions of rules do, so that nobody waits in a circle.
    """
    budget_queries.of_challenges(published.revision, challenges, at=at, lock=True)


class PaidGifts:
    """Gifts as their budgets pay them; who earned first is paid first."""

    def __init__(self, gifts: Sequence[Gift], *, published: PublishedRevision, at: datetime) -> None:
        keys = {gift.pair.challenge_key for gift in gifts}
        book = budget_queries.of_challenges(published.revision, keys, at=at, lock=True)
        self._budgets, self._at = GiftBudgets(published.revision, book), at
        ordered = sorted(gifts, key=lambda gift: (gift.earned_at, gift.pair, gift.source))
        self._by_source = {gift.source: self._budgets.cut(gift, at) for gift in ordered}

    def __call__(self, gifts: Sequence[Gift]) -> list[Gift]:
        """Return gifts as they are paid; those that are not given now as they are."""
        return [self._by_source.get(gift.source, gift) for gift in gifts]

    def charge(self, refused: Collection[str]) -> None:
        """Book what budgets paid, but for the sources that were refused after all."""
        for source in refused & self._by_source.keys():
            self._budgets.put_back(self._by_source[source], self._at)
        budgets.pay(self._budgets.book.fresh)
