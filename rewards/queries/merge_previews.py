"""What a merge would do to a customer's tier, challenges, coupons, rewards and referrals."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from crm.signals import PreviewRow
from rewards.domain import merging
from rewards.models import (
    ChallengeProgress,
    CouponRecipient,
    CouponRedemption,
    CouponRedemptionState,
    Redemption,
    RedemptionState,
    Referral,
    TierMembership,
)
from rewards.queries import programs

_TAKEN = (CouponRedemptionState.RESERVED, CouponRedemptionState.REDEEMED)
_GONE = (RedemptionState.CANCELLED, RedemptionState.REFUNDED)


def rows(survivor_id: int, absorbed_id: int) -> list[PreviewRow]:
    """Compare two customers, in a fixed number of queries; what neither has is left out."""
    ids = [survivor_id, absorbed_id]
    redemptions = CouponRedemption.objects.filter(customer__in=ids, state__in=_TAKEN)
    rewards = Redemption.objects.filter(customer__in=ids).exclude(state__in=_GONE)
    friends = Referral.objects.filter(referrer__in=ids)
    # Whom one of the two has brought is not brought by the other.
    strangers = friends.exclude(referrer=absorbed_id, referee=survivor_id)
    return [
        *_tier(ids),
        *_keyed(_("Challenges completed"), _completed(ids), ids),
        *_keyed(_("Coupon campaigns received"), _received(ids), ids),
        *_counted(_("Coupon redemptions"), redemptions, ids),
        *_counted(_("Rewards redeemed"), rewards, ids),
        *_counted(_("Friends brought"), strangers, ids, "referrer_id"),
    ]


def _tier(ids: list[int]) -> list[PreviewRow]:
    key_by_id = dict(TierMembership.objects.filter(customer__in=ids).values_list("customer_id", "tier_key"))
    if not key_by_id:
        return []
    published = programs.published()
    tiers = published.revision.tiers if published else ()
    name_by_key = {tier.key: tier.name for tier in tiers}
    mine, theirs = (key_by_id.get(each, "") for each in ids)
    after = theirs if merging.takes_theirs(mine, theirs, [tier.key for tier in tiers]) else mine or theirs
    shown = [name_by_key.get(key, key) or _("None") for key in (mine, theirs, after)]
    return [PreviewRow(_("Tier"), *shown)]


def _completed(ids: list[int]) -> list[tuple[int, tuple[str, str]]]:
    done = ChallengeProgress.objects.filter(completed_at__isnull=False, customer__in=ids)
    return [(row[0], (row[1], row[2])) for row in done.values_list("customer_id", "challenge_key", "period")]


def _received(ids: list[int]) -> list[tuple[int, int]]:
    return list(CouponRecipient.objects.filter(customer__in=ids).values_list("customer_id", "campaign_id"))


def _keyed(label: str, found: Sequence[tuple[int, object]], ids: list[int]) -> list[PreviewRow]:
    """Count what both may have alike: it is there once afterwards."""
    mine, theirs = ({key for customer_id, key in found if customer_id == each} for each in ids)
    return [_row(label, len(mine), len(theirs), len(mine | theirs))] if found else []


def _counted(
    label: str, found: QuerySet[CouponRedemption] | QuerySet[Redemption] | QuerySet[Referral],
    ids: list[int], column: str = "customer_id",
) -> list[PreviewRow]:  # fmt: skip
    counts = dict(found.values_list(column).annotate(number=Count("pk")).order_by())
    mine, theirs = (counts.get(each, 0) for each in ids)
    return [_row(label, mine, theirs, mine + theirs)] if counts else []


def _row(label: str, survivor: int, absorbed: int, merged: int) -> PreviewRow:
    return PreviewRow(label, f"{survivor:,}", f"{absorbed:,}", f"{merged:,}")
