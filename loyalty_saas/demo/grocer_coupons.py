"""Journey Grocer's coupons: campaigns, offers, recipients, and redemptions with the baskets they were in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from statistics import median_low
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection

from crm.models import Customer, Item
from rewards.domain.carts import Cart, CartLine
from rewards.domain.coupon_pricing import MOST_CODES
from rewards.models import CouponCampaign, CouponKind
from rewards.services.coupons import bulk, campaigns
from rewards.services.coupons.bulk import NewOffer
from rewards.services.coupons.campaigns import CampaignTerms
from rewards.services.coupons.definition_terms import DefinitionTerms
from rewards.services.coupons.history import PastCart
from rewards.services.coupons.takings import Request
from rewards.services.ledger import Source
from tenants.domain.actors import Actor

_ZONE: Final = ZoneInfo("America/New_York")
# What the source does not say: the value of a coupon nobody used that year.
_USUAL_MINOR: Final = 100
_BASKETS: Final = """
SELECT c.external_id, (o.placed_at AT TIME ZONE 'America/New_York')::date, l.sku, i.category, l.quantity,
       l.gross_minor, l.coupon_discount_minor
FROM unnest(%s::text[], %s::date[]) AS w (household, day)
JOIN crm_customer c ON c.tenant_id = %s AND c.external_id = w.household
JOIN crm_order o ON o.tenant_id = c.tenant_id AND o.customer_id = c.id
 AND o.placed_at >= w.day::timestamp AT TIME ZONE 'America/New_York'
 AND o.placed_at < (w.day + 1)::timestamp AT TIME ZONE 'America/New_York'
JOIN crm_orderline l ON l.tenant_id = o.tenant_id AND l.order_id = o.id
JOIN crm_item i ON i.tenant_id = l.tenant_id AND i.id = l.item_id
WHERE l.kind = 'product' AND l.gross_minor > 0
"""
Visit = tuple[str, date]
Coupon = tuple[int, str]


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One product of one visit, with what a coupon took off it in reality."""

    line: CartLine
    coupon_minor: int


@dataclass(frozen=True, slots=True)
class CouponFiles:
    """The four files, read."""

    campaigns: Sequence[Mapping[str, Any]]
    households: Mapping[int, Sequence[str]]
    skus: Mapping[Coupon, Sequence[str]]
    coupons_by_visit: Mapping[Visit, Sequence[Coupon]]


def read(data: Path) -> CouponFiles:
    """Read the Parquet files of the package."""
    import pyarrow.parquet  # noqa: PLC0415 - slow, and only this stage needs it

    def rows(name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = pyarrow.parquet.read_table(data / f"{name}.parquet").to_pylist()
        return found

    households: dict[int, list[str]] = defaultdict(list)
    for row in rows("campaigns"):
        households[row["campaign_id"]].append(str(row["household_id"]))
    skus: dict[Coupon, list[str]] = defaultdict(list)
    for row in rows("coupons"):
        skus[row["campaign_id"], str(row["coupon_upc"])].append(str(row["product_id"]))
    visits: dict[Visit, list[Coupon]] = defaultdict(list)
    for row in rows("coupon_redemptions"):
        visit = str(row["household_id"]), row["redemption_date"].date()
        visits[visit].append((row["campaign_id"], str(row["coupon_upc"])))
    return CouponFiles(rows("campaign_descriptions"), households, skus, visits)


def baskets(source: CouponFiles, tenant_id: int) -> dict[Visit, list[BasketLine]]:
    """Return what the households bought on the days on which they used coupons."""
    visits = sorted(source.coupons_by_visit)
    found: dict[Visit, list[BasketLine]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_BASKETS, [[visit[0] for visit in visits], [visit[1] for visit in visits], tenant_id])
        for household, day, sku, category, quantity, gross, coupon in cursor.fetchall():
            # Fuel is counted in millilitres and fruit by weight: there the line is one piece.
            pieces = quantity if gross % quantity == 0 else 1
            line = CartLine(sku, pieces, gross // pieces, category)
            found[household, day].append(BasketLine(line, coupon))
    return found


def load(
    source: CouponFiles, visits: Mapping[Visit, Sequence[BasketLine]], *, by: Actor, at: datetime
) -> dict[int, CouponCampaign]:
    """Write campaigns, recipients and offers; what is there already stays."""
    ids = dict(Customer.objects.values_list("external_id", "pk"))
    campaign_by_id = {}
    for row in source.campaigns:
        number = row["campaign_id"]
        starts, ends = row["start_date"].date(), row["end_date"].date() + timedelta(days=1)
        terms = CampaignTerms(
            name=f"Campaign {number} ({row['campaign_type']})",
            starts_at=_local(starts, time()),
            ends_at=_local(ends, time()),
            is_targeted=True,
        )
        campaign = campaigns.save(key=f"campaign-{number}", terms=terms, by=by, at=at)
        members = [ids[household] for household in source.households[number] if household in ids]
        campaigns.add_recipients(campaign=campaign, customer_ids=members, at=_local(starts, time(12)))
        campaign_by_id[number] = campaign
    bulk.add(offers=_offers(source, visits, campaign_by_id), by=by, at=at)
    return campaign_by_id


def _offers(
    source: CouponFiles,
    visits: Mapping[Visit, Sequence[BasketLine]],
    campaign_by_id: Mapping[int, CouponCampaign],
) -> list[NewOffer]:
    values = _values(source, visits)
    return [
        NewOffer(
            key=f"campaign-{number}-{upc}",
            terms=DefinitionTerms(
                name=f"Coupon {upc}",
                kind=CouponKind.AMOUNT,
                amount_minor=values.get((number, upc), _USUAL_MINOR),
                uses_per_code=None,
            ),
            code=_code((number, upc)),
            campaign=campaign_by_id[number],
            skus=skus,
        )
        for (number, upc), skus in sorted(source.skus.items())
    ]


def _values(source: CouponFiles, visits: Mapping[Visit, Sequence[BasketLine]]) -> dict[Coupon, int]:
    """Return what each used coupon was worth: the middle of what it took off in the baskets."""
    seen: dict[Coupon, list[int]] = defaultdict(list)
    for visit, coupons in source.coupons_by_visit.items():
        for coupon in coupons:
            skus = set(source.skus[coupon])
            lines = visits.get(visit, ())
            seen[coupon] += [
                each.coupon_minor for each in lines if each.line.sku in skus and each.coupon_minor
            ]
    return {coupon: median_low(amounts) for coupon, amounts in seen.items() if amounts}


def past_carts(source: CouponFiles, visits: Mapping[Visit, Sequence[BasketLine]]) -> Iterator[PastCart]:
    """Yield the visits' carts by day.

    The baskets of a quarter of the redemptions are not in the data: there the cart holds one piece of the
    cheapest item of each coupon.
    """
    customers = Customer.objects.filter(external_id__in={visit[0] for visit in source.coupons_by_visit})
    customer_by_household = {customer.external_id: customer for customer in customers}
    cheapest = _cheapest(source)
    for visit in sorted(source.coupons_by_visit, key=lambda each: (each[1], each[0])):
        household, day = visit
        bought = [each.line for each in visits.get(visit, ())]
        in_basket = {line.sku for line in bought}
        for number, coupons in enumerate(_in_calls(source.coupons_by_visit[visit])):
            lines = [
                cheapest[coupon]
                for coupon in coupons
                if coupon in cheapest and in_basket.isdisjoint(source.skus[coupon])
            ]
            name = f"{household}:{day}:{number}"
            customer = customer_by_household[household]
            yield PastCart(
                _request(coupons, [*bought, *lines], name, customer),
                _local(day, time(12)),
                [
                    _request([coupon], [cheapest[coupon]], f"{name}:{place}", customer)
                    for place, coupon in enumerate(coupons)
                    if coupon in cheapest
                ],
            )


def _request(coupons: Sequence[Coupon], lines: Sequence[CartLine], name: str, customer: Customer) -> Request:
    codes = [_code(coupon) for coupon in coupons]
    return Request(codes, Cart(lines, channel="store"), Source("journey_grocer", name), customer)


def _in_calls(coupons: Sequence[Coupon]) -> list[list[Coupon]]:
    """Split a visit's coupons: the same one twice, or more than a call takes, is another cart."""
    calls: list[list[Coupon]] = []
    for coupon in coupons:
        free = next((call for call in calls if coupon not in call and len(call) < MOST_CODES), None)
        if free is None:
            calls.append([coupon])
        else:
            free.append(coupon)
    return calls


def _cheapest(source: CouponFiles) -> dict[Coupon, CartLine]:
    used = {coupon for coupons in source.coupons_by_visit.values() for coupon in coupons}
    skus = {sku for coupon in used for sku in source.skus[coupon]}
    items = Item.objects.filter(external_id__in=skus).values_list("external_id", "price_minor", "category")
    line_by_sku = {sku: CartLine(sku, 1, price or _USUAL_MINOR, category) for sku, price, category in items}
    found = {}
    for coupon in used:
        known = [line_by_sku[sku] for sku in source.skus[coupon] if sku in line_by_sku]
        if known:
            found[coupon] = min(known, key=lambda line: (line.unit_price_minor, line.sku))
    return found


def _code(coupon: Coupon) -> str:
    return f"C{coupon[0]}-{coupon[1]}"


def _local(day: date, at: time) -> datetime:
    return datetime.combine(day, at, _ZONE)
