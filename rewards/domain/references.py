"""The tables of this app that point to a customer, and what a merge does with their rows.

An architecture test compares the list with the models, as it does with crm's.
"""

from __future__ import annotations

from typing import Final

from crm.domain.references import MergeRule, Reference

_STAY, _REBUILD = MergeRule.STAY, MergeRule.REBUILD
PARTICIPATIONS: Final = Reference("rewards_challengeparticipation", _REBUILD)
PROGRESS: Final = Reference("rewards_challengeprogress", _REBUILD)
MEMBERSHIPS: Final = Reference("rewards_tiermembership", _REBUILD)
REFERRERS: Final = Reference("rewards_referral", _REBUILD, column="referrer_id")
REFEREES: Final = Reference("rewards_referral", _REBUILD, column="referee_id")
REFERRAL_CODES: Final = Reference("rewards_referralcode", _REBUILD)
_ONE_SOURCE: Final = ("challenge_key", "source_type", "source_id", "part", "value")
REFERENCES: Final = (
    Reference("rewards_abusereview"),
    Reference("rewards_adjustmentrequest"),
    Reference("rewards_challengecontribution", unique=_ONE_SOURCE),
    Reference("rewards_couponrecipient", unique=("campaign_id",)),
    Reference("rewards_couponredemption"),
    Reference("rewards_owedgift"),
    Reference("rewards_redemption"),
    # Of two rows of one challenge, and of two tiers, one is made: `rewards.domain.merging`.
    PARTICIPATIONS,
    PROGRESS,
    MEMBERSHIPS,
    # Nobody is brought twice or by oneself: such rows stay, and so does a second code, which still works.
    REFERRERS,
    REFEREES,
    REFERRAL_CODES,
    # The database's own functions move lots, and codes remember their former owners.
    Reference("rewards_account", _REBUILD),
    Reference("rewards_couponcode", _REBUILD),
    # Append-only: who reads them follows the merges (`crm.queries.survivors.holders`).
    Reference("rewards_decisionrecord", _STAY),
    Reference("rewards_tierchange", _STAY),
)
MOVED: Final = tuple(each for each in REFERENCES if each.rule is MergeRule.MOVE)
