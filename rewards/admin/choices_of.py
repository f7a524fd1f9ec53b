"""What a select offers of what is configured: what is in force, and what only waits in the draft."""

from __future__ import annotations

from typing import Final

from rewards.models import CouponCampaign, CouponDefinition
from rewards.queries import configured

_MOST: Final = 500
_MOST_FREE: Final = 100


def coupons(attached: str = "") -> list[tuple[str, str]]:
    """Return coupons by key and name, the newest first; one that is chosen already is always among them."""
    revision = configured.latest()
    drafted = [(each.key, each.name) for each in reversed(revision.coupons)] if revision else []
    live = CouponDefinition.objects.filter(is_active=True).order_by("-pk").values_list("key", "name")[:_MOST]
    found = dict([*drafted[:_MOST], *live])
    if attached and attached not in found:
        chosen = CouponDefinition.objects.filter(key=attached).values_list("name", flat=True).first()
        found[attached] = chosen or attached
    return list(found.items())


def campaigns() -> list[tuple[str, str]]:
    """Return coupon campaigns by key and name, the newest first."""
    revision = configured.latest()
    drafted = [(each.key, each.name) for each in reversed(revision.coupon_campaigns)] if revision else []
    return list(dict([*drafted, *CouponCampaign.objects.order_by("-pk").values_list("key", "name")]).items())


def free_coupons(campaign: str = "") -> list[tuple[str, str]]:
    """Return the coupons of a campaign, then the newest of those without one."""
    revision = configured.latest()
    campaigns = revision.coupon_campaigns if revision else ()
    own = {key for each in campaigns if each.key == campaign for key in each.coupons}
    taken = {key for each in campaigns for key in each.coupons} - own
    drafted = {each.key: each.name for each in reversed(revision.coupons)} if revision else {}
    rows = CouponDefinition.objects.order_by("-pk").values_list("key", "name", "campaign__key")
    live = {
        key: name for key, name, owner in rows[:_MOST] if key not in drafted and owner in {None, campaign}
    }
    named = {**live, **drafted}
    own |= set(CouponDefinition.objects.filter(campaign__key=campaign).values_list("key", flat=True)) - taken
    chosen = [(key, named.get(key, key)) for key in sorted(own)]
    free = [(key, name) for key, name in named.items() if key not in own | taken]
    return [*chosen, *free[:_MOST_FREE]]
