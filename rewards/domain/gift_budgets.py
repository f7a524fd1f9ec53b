"""What budgets leave of the points that challenges give."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rewards.domain.challenges.changes import Gift
from rewards.domain.challenges.definition import ChallengeReward, RewardKind
from rewards.domain.decisions import Spent
from rewards.domain.limits import draw
from rewards.domain.programs import Revision
from rewards.domain.usage import BudgetBook


class GiftBudgets:
    """Cuts gifts to what the budgets of their challenges have around the moment of giving.

    ``book`` knows what those budgets have paid, and hears what gifts take.
    """

    def __init__(self, revision: Revision, book: BudgetBook) -> None:
        budgets = {budget.key: budget for budget in revision.budgets}
        self._revision, self.book = revision, book
        self._budgets = {each.key: budgets[each.budget] for each in revision.challenges if each.budget}

    def cut(self, gift: Gift, at: datetime) -> Gift:
        """Take a gift's points from its budget; returns the gift with those that the budget has."""
        reward = self.reward(gift.pair.challenge_key, gift.reward, at)
        return gift._replace(reward=reward, withheld=gift.reward.points - reward.points)

    def reward(self, challenge: str, reward: ChallengeReward, at: datetime) -> ChallengeReward:
        """Take a reward's points from its budget; returns the reward with those that the budget has."""
        budget = self._budgets.get(challenge)
        if budget is None or reward.kind is not RewardKind.POINTS:
            return reward
        wallet = self._revision.wallet(reward.key)
        paid = draw(budget, wallet, reward.points, self.book.room(budget.key, at))
        self.book.take(at, {budget.key: paid})
        return replace(reward, points=paid.points)

    def put_back(self, gift: Gift, at: datetime) -> None:
        """Return to the budget what a gift took that could not be given after all."""
        budget = self._budgets.get(gift.pair.challenge_key)
        if budget is not None and gift.reward.kind is RewardKind.POINTS:
            points = gift.reward.points
            money = self._revision.wallet(gift.reward.key).cost_minor(points)
            self.book.take(at, {budget.key: Spent(-points, -money)})
