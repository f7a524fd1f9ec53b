"""Codes as offers: rows read once for a call, as the terms and limits the domain decides with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

from django.db.models import prefetch_related_objects

from crm.domain.hidden_values import Hidden, hiding
from crm.domain.rules import CustomerFacts, parse
from crm.models import Customer, CustomerState, Item, OrderSummary, SegmentMember
from crm.queries import facts, sensitive
from rewards.domain.carts import Cart
from rewards.domain.coupon_eligibility import CustomerView, Eligibility
from rewards.domain.coupon_limits import Limits
from rewards.domain.coupon_terms import Base, Benefit, OnConflict, Scope, Stacking, Terms
from rewards.domain.coupon_validity import Period, Validity
from rewards.models import (
    CouponCampaign,
    CouponCode,
    CouponCounter,
    CouponDefinition,
    CouponItem,
    CouponRecipient,
    CouponRedemption,
    TierMembership,
)
from rewards.queries import coupon_definitions

_NOTHING_HIDDEN: Final = Hidden()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One code with everything that decides about it."""

    row: CouponCode
    definition: CouponDefinition
    campaign: CouponCampaign | None
    terms: Terms
    limits: Limits


@dataclass(frozen=True, slots=True)
class Preloaded:
    """What a batch of carts needs, read at once: rows by code, skus by definition, who received what."""

    row_by_code: Mapping[str, CouponCode]
    skus_by_definition: Mapping[int, AbstractSet[str]]
    received: AbstractSet[tuple[int, int]]
    sources: AbstractSet[tuple[str, str]]


def preload(
    codes: Collection[str],
    skus: Collection[str],
    customer_ids: Collection[int],
    sources: Collection[tuple[str, str]],
) -> Preloaded:
    """Read what the carts of a batch have in common, in six queries."""
    rows = rows_of(codes)
    listed = {row.definition_id for row in rows if row.definition.has_items}
    recipients = CouponRecipient.objects.filter(customer_id__in=customer_ids)
    earlier = CouponRedemption.objects.filter(
        source_type__in={kind for kind, _id in sources}, source_id__in={name for _kind, name in sources}
    )
    return Preloaded(
        {row.code: row for row in rows},
        listed_skus(listed, skus),
        set(recipients.values_list("campaign_id", "customer_id")),
        set(earlier.values_list("source_type", "source_id")),
    )


def rows_of(codes: Collection[str]) -> list[CouponCode]:
    """Return the rows of normalised codes with definition and campaign."""
    return with_offers(list(CouponCode.objects.filter(code__in=list(codes))))


def with_offers(rows: list[CouponCode]) -> list[CouponCode]:
    """Read the definitions of codes, with campaigns and emergency brakes, in one statement."""
    prefetch_related_objects(rows, coupon_definitions.of_codes())
    return rows


def candidates(
    rows: Iterable[CouponCode], cart: Cart, preloaded: Preloaded | None = None
) -> dict[str, Candidate]:
    """Return the candidates by code; items of definitions are loaded for the cart's lines only."""
    listed = list(rows)
    in_cart = {line.sku for line in cart.lines}
    skus: Mapping[int, AbstractSet[str]]
    if preloaded is not None:
        skus = {row.definition_id: preloaded.skus_by_definition.get(row.definition_id, set()) & in_cart
                for row in listed}  # fmt: skip
    else:
        skus = listed_skus({row.definition_id for row in listed if row.definition.has_items}, in_cart)
    # What became sensitive after a rule was made is not read any more.
    hidden = sensitive.hidden() if any(row.definition.rule is not None for row in listed) else _NOTHING_HIDDEN
    return {row.code: _candidate(row, frozenset(skus.get(row.definition_id, ())), hidden) for row in listed}


def listed_skus(definition_ids: set[int], skus: Collection[str]) -> dict[int, set[str]]:
    """Return which of ``skus`` each definition lists."""
    found: dict[int, set[str]] = defaultdict(set)
    if definition_ids:
        pairs = CouponItem.objects.filter(definition_id__in=definition_ids, item__external_id__in=list(skus))
        for definition_id, sku in pairs.values_list("definition_id", "item__external_id"):
            found[definition_id].add(sku)
    return found


def _candidate(row: CouponCode, skus: frozenset[str], hidden: Hidden) -> Candidate:
    definition = row.definition
    campaign = definition.campaign
    terms = terms_of(definition, skus, hidden)
    return Candidate(row, definition, campaign, terms, limits_of(definition, campaign))


def terms_of(
    definition: CouponDefinition, skus: frozenset[str] = frozenset(), hidden: Hidden = _NOTHING_HIDDEN
) -> Terms:
    """Return a definition's row as terms; its rule finds ``hidden`` values missing."""
    return Terms(
        benefit=Benefit(definition.kind),
        percent_hundredths=definition.percent_hundredths,
        amount_minor=definition.amount_minor,
        free_quantity=definition.free_quantity,
        max_discount_minor=definition.max_discount_minor,
        scope=Scope(
            skus,
            frozenset(definition.categories),
            frozenset(definition.excluded_categories),
            definition.has_items,
        ),
        validity=Validity(
            definition.valid_from,
            definition.valid_until,
            frozenset(definition.weekdays),
            definition.hour_from,
            definition.hour_until,
        ),
        eligibility=Eligibility(
            minimum_spend_minor=definition.minimum_spend_minor,
            minimum_quantity=definition.minimum_quantity,
            channels=frozenset(definition.channels),
            segments=frozenset(definition.segments),
            tiers=frozenset(definition.tiers),
            is_first_purchase=definition.is_first_purchase,
            rule=hiding(parse(definition.rule), hidden) if definition.rule is not None else None,
        ),
        stacking=Stacking(
            definition.priority,
            Base(definition.base),
            definition.exclusive_group,
            definition.is_exclusive,
            OnConflict(definition.on_conflict),
        ),
    )


def limits_of(definition: CouponDefinition, campaign: CouponCampaign | None) -> Limits:
    """Return a definition's limits with its campaign's."""
    return Limits(
        definition_id=definition.pk,
        campaign_id=campaign.pk if campaign else None,
        uses=definition.limit_uses,
        discount_minor=definition.limit_discount_minor,
        campaign_uses=campaign.limit_uses if campaign else None,
        campaign_discount_minor=campaign.limit_discount_minor if campaign else None,
        per_customer=definition.uses_per_customer,
        per_period=definition.uses_per_period,
        per_code_period=definition.uses_per_code_period,
        period_uses=definition.limit_uses_period,
        period_discount_minor=definition.limit_discount_period_minor,
        period=Period(definition.period),
        campaign_period_uses=campaign.limit_uses_period if campaign else None,
        campaign_period_discount_minor=campaign.limit_discount_period_minor if campaign else None,
        campaign_period=Period(campaign.period) if campaign else Period.MONTH,
    )


def with_categories(cart: Cart) -> Cart:
    """Return the cart with the catalogue's category on lines that come without one."""
    unknown = {line.sku for line in cart.lines if not line.category}
    if not unknown:
        return cart
    known = dict(Item.objects.filter(external_id__in=unknown).values_list("external_id", "category"))
    lines = [
        line if line.category else replace(line, category=known.get(line.sku, "")) for line in cart.lines
    ]
    return replace(cart, lines=lines)


def customer_view(customer: Customer | None, found: Sequence[Candidate]) -> CustomerView | None:
    """Return what the candidates' conditions ask of the customer, and nothing that none of them asks."""
    if customer is None:
        return None
    wanted = [candidate.terms.eligibility for candidate in found]
    keys = {key for each in wanted for key in each.segments}
    members = SegmentMember.objects.filter(customer=customer, segment__key__in=keys)
    tier = ""
    if any(each.tiers for each in wanted):
        tier = (
            TierMembership.objects.filter(customer=customer).values_list("tier_key", flat=True).first() or ""
        )
    return CustomerView(
        id=customer.pk,
        is_active=customer.state == CustomerState.ACTIVE,
        segments=frozenset(members.values_list("segment__key", flat=True)) if keys else frozenset(),
        tier=tier,
        facts=_facts(customer, wanted),
    )


def _facts(customer: Customer, wanted: Sequence[Eligibility]) -> CustomerFacts:
    if any(each.rule is not None for each in wanted):
        return facts.of_customer(customer)
    count = 0
    if any(each.is_first_purchase for each in wanted):
        summary = OrderSummary.objects.filter(customer=customer).first()
        count = summary.orders_count if summary else 0
    return CustomerFacts({}, {}, orders_count=count)


def received_campaigns(
    customer: Customer | None, found: Sequence[Candidate], preloaded: Preloaded | None = None
) -> set[int]:
    """Return which of the candidates' targeted campaigns the customer received."""
    targeted = {each.campaign.pk for each in found if each.campaign and each.campaign.is_targeted}
    if customer is None or not targeted:
        return set()
    if preloaded is not None:
        return {campaign for campaign in targeted if (campaign, customer.pk) in preloaded.received}
    mine = CouponRecipient.objects.filter(customer=customer, campaign_id__in=targeted)
    return set(mine.values_list("campaign_id", flat=True))


def counters(keys: Collection[str]) -> dict[str, tuple[int, int]]:
    """Return (uses, minor units) by key; a counter that never moved is not there."""
    if not keys:
        return {}
    rows = CouponCounter.objects.filter(key__in=list(keys)).values_list("key", "uses", "discount_minor")
    return {key: (uses, discount) for key, uses, discount in rows}
