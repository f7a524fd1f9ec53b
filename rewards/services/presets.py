"""Presets: a starter program by vertical, installed on a tenant that has none yet."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from crm.domain.money import exponent
from crm.models import Segment, SegmentKind
from crm.services import segments
from rewards.domain.presets import PRESETS
from rewards.domain.presets.definition import Preset, PresetCoupon
from rewards.models import CouponKind, ProgramRevision, RevisionState, RewardKind
from rewards.services import catalogue, programs
from rewards.services.coupons import definitions
from rewards.services.coupons.definitions import DefinitionTerms
from tenants.domain.actors import Actor
from tenants.errors import Conflict, NotFound
from tenants.scope import active_tenant
from tenants.services import audit


class ProgramExists(Conflict):
    """A preset is for a tenant that has no program yet."""

    code = "program_exists"
    title = "The tenant has a program already; presets are for new ones"


def preset(key: str) -> Preset:
    """Return a preset; raises ``NotFound``."""
    try:
        return PRESETS[key]
    except KeyError as error:
        raise NotFound(f"There is no preset {key!r}.") from error


@transaction.atomic
def install(*, key: str, by: Actor, at: datetime, in_force_from: datetime | None = None) -> ProgramRevision:
    """Publish a preset's program and make its segments, coupons and rewards.

    ``in_force_from`` lets the program have been in force earlier, for sample traffic of the past. Raises
    ``NotFound`` for an unknown preset and ``ProgramExists``.
    """
    chosen = preset(key)
    if ProgramRevision.objects.exclude(state=RevisionState.DRAFT).exists():
        raise ProgramExists
    unit = 10 ** exponent(active_tenant().currency)
    known = set(Segment.objects.values_list("key", flat=True))
    for each in chosen.segments:
        if each.key not in known:
            segments.create(key=each.key, name=each.name, kind=SegmentKind.RULE, rule=each.rule, by=by, at=at)
    for coupon in chosen.coupons:
        definitions.save(key=coupon.key, terms=_terms(coupon, unit), by=by, at=at)
    draft = programs.save_draft(document=chosen.document(unit), note="Preset", by=by, at=at)
    published = programs.publish(revision=draft, by=by, at=in_force_from or at)
    for reward in chosen.rewards:
        catalogue.save_reward(
            key=reward.key,
            name=reward.name,
            kind=RewardKind(reward.kind),
            wallet_key="points",
            cost_points=reward.cost_points,
            stock=reward.stock,
            by=by,
            at=at,
        )
    audit.record(action="preset.installed", target=published, by=by, at=at, diff={"preset": [None, key]})
    return published


def _terms(coupon: PresetCoupon, unit: int) -> DefinitionTerms:
    return DefinitionTerms(
        name=coupon.name,
        kind=CouponKind.PERCENT if coupon.percent else CouponKind.AMOUNT,
        percent_hundredths=coupon.percent,
        amount_minor=coupon.amount_units * unit,
        minimum_spend_minor=coupon.minimum_units * unit,
        valid_days=coupon.valid_days,
    )
