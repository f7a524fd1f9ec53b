"""What a coupon does to the others, as the draft of the program has them, or else as they are in force."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, TypeAlias

from rewards.domain.coupon_conflicts import Finding, Offer, findings
from rewards.domain.coupon_validity import Validity
from rewards.domain.offers import OfferedCampaign, OfferedCoupon
from rewards.domain.programs import Revision
from rewards.models import CouponCampaign, CouponDefinition
from rewards.queries import compiled_revisions, configured, programs
from rewards.queries.coupon_offers import listed_skus, terms_of

MOST_COMPARED: Final = 500
_Campaign: TypeAlias = OfferedCampaign | CouponCampaign | None


def of(coupon: OfferedCoupon, campaign: str) -> list[Finding]:
    """Compare a coupon, in the campaign with this key, with the newest others: a few queries for any number.

    The draft's word holds about each that it names, and what it leaves out of a revision is offered no more.
    One that is switched off clashes with nothing. Raises ``NotFound`` for an unknown campaign.
    """
    if not coupon.terms.get("is_active", True):
        return []
    offer = _offer(coupon, configured.campaign(campaign) if campaign else None)
    others = [*_drafted(configured.latest(), coupon.key), *_live(coupon)]
    return findings(offer, others[:MOST_COMPARED])


def _drafted(revision: Revision | None, beside: str) -> Iterator[Offer]:
    if revision is None:
        return
    campaigns = {key: each for each in revision.coupon_campaigns for key in each.coupons}
    for coupon in reversed(revision.coupons):
        if coupon.key != beside and coupon.terms["is_active"]:
            yield _offer(coupon, campaigns.get(coupon.key))


def _live(coupon: OfferedCoupon) -> Iterator[Offer]:
    """Yield what no revision names: what was offered before the program, and is not taken in yet."""
    governed = _keys(configured.latest()) | _keys(_in_force())
    others = CouponDefinition.objects.filter(is_active=True).exclude(key__in={*governed, coupon.key})
    rows = list(others.select_related("campaign").order_by("-pk")[:MOST_COMPARED])
    mine = frozenset(coupon.items)
    shared: Mapping[int, Collection[str]] = (
        listed_skus({row.pk for row in rows if row.has_items}, mine) if mine else {}
    )
    for row in rows:
        terms = terms_of(row, frozenset(shared.get(row.pk, ())))
        yield Offer(row.key, row.name, terms, _time_of(row.campaign))


def _in_force() -> Revision | None:
    row = programs.current()
    return None if row is None else compiled_revisions.revision_of(row)


def _keys(revision: Revision | None) -> set[str]:
    return {each.key for each in revision.coupons} if revision else set()


def _offer(coupon: OfferedCoupon, campaign: _Campaign) -> Offer:
    row = CouponDefinition(
        key=coupon.key, name=coupon.name, kind=coupon.kind, has_items=bool(coupon.items), **coupon.terms
    )
    return Offer(coupon.key, coupon.name, terms_of(row, frozenset(coupon.items)), _time_of(campaign))


def _time_of(campaign: _Campaign) -> Validity:
    return Validity(campaign.starts_at, campaign.ends_at) if campaign else Validity()
