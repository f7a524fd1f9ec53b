"""What members have of a program, whether a revision names it or not."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import Q, Value

from rewards.domain.programs import Revision
from rewards.models import Account, ChallengeProgress, ChallengeState, TierMembership

_HAS_POINTS = Q(pending__gt=0) | Q(available__gt=0) | Q(held__gt=0) | Q(debt__gt=0)


def beyond(revision: Revision) -> dict[str, frozenset[str]]:
    """Return what members have points in, hold or work on and the revision leaves out, by section."""
    wallets = Account.objects.filter(_HAS_POINTS).exclude(
        wallet__key__in=[each.key for each in revision.wallets]
    )
    tiers = TierMembership.objects.exclude(tier_key__in=["", *(tier.key for tier in revision.tiers)])
    running = ChallengeProgress.objects.filter(state=ChallengeState.IN_PROGRESS)
    challenges = running.exclude(challenge_key__in=[each.key for each in revision.challenges])
    rows = wallets.values_list(Value("wallets"), "wallet__key").union(
        tiers.values_list(Value("tiers"), "tier_key"),
        challenges.values_list(Value("challenges"), "challenge_key"),
    )
    found: dict[str, set[str]] = defaultdict(set)
    for section, key in rows:
        found[section].add(key)
    return {section: frozenset(keys) for section, keys in found.items()}
