"""What one published revision of a loyalty program says, as immutable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from rewards.domain.budgets import Budget
from rewards.domain.challenges.definition import Challenge
from rewards.domain.exchange import Exchange
from rewards.domain.offers import OfferedCampaign, OfferedCoupon, OfferedReward, ReferralTerms
from rewards.domain.policies import Policies
from rewards.domain.qualification import Qualification
from rewards.domain.rules import EarningRule, GivePoints
from rewards.domain.tiers import Tier
from rewards.domain.wallets import WalletPolicy


@dataclass(frozen=True, slots=True)
class Multiplier:
    """An earning rule's percent by tier; tiers that are not named get 100."""

    rule: str
    name: str
    wallet: str
    percent_by_tier: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Revision:
    """A parsed program revision, one field a section: rules by priority, tiers by rising threshold.

    ``time_zone`` and ``currency`` are the tenant's; they belong to the reading of the document, not to the
    document. So do ``keys_as_written``: the keys of a section in the order of the document.
    """

    wallets: tuple[WalletPolicy, ...] = ()
    tiers: tuple[Tier, ...] = ()
    rules: tuple[EarningRule, ...] = ()
    budgets: tuple[Budget, ...] = ()
    policies: Policies = field(default_factory=Policies)
    challenges: tuple[Challenge, ...] = ()
    qualification: Qualification = field(default_factory=Qualification)
    coupons: tuple[OfferedCoupon, ...] = ()
    coupon_campaigns: tuple[OfferedCampaign, ...] = ()
    rewards: tuple[OfferedReward, ...] = ()
    referral: ReferralTerms | None = None
    time_zone: tzinfo = UTC
    currency: str = ""
    keys_as_written: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)

    @property
    def exchange(self) -> Exchange:
        """What money of orders is worth in the tenant's currency."""
        return Exchange(self.currency, self.policies.exchange_rates)

    @property
    def multipliers(self) -> tuple[Multiplier, ...]:
        """The rules that give members of some tiers more or less."""
        return tuple(
            Multiplier(rule.key, rule.name, rule.wallet, rule.points.tier_percent)
            for rule in self.rules
            if isinstance(rule.points, GivePoints) and rule.points.tier_percent
        )

    def wallet(self, key: str) -> WalletPolicy:
        """Policy of one wallet; ``KeyError`` when the revision has no such wallet."""
        for wallet in self.wallets:
            if wallet.key == key:
                return wallet
        raise KeyError(key)
