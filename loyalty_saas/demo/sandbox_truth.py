"""A small shop drawn from a process whose parameters are known, so that what models recover can be judged.

Purchases follow the BG/NBD process (Fader, Hardie, Lee 2005): while alive, customer i buys at a Poisson rate
drawn from Gamma(r, alpha), and after each repeated purchase drops out with a probability drawn from
Beta(a, b), so the number of purchases is geometric. What they buy follows one of four taste clusters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any


@dataclass(frozen=True, slots=True)
class PurchaseProcess:
    """Parameters of the BG/NBD process; the unit of time is one day."""

    r: float = 1.4
    alpha: float = 42.0
    a: float = 0.9
    b: float = 4.2


@dataclass(frozen=True, slots=True)
class Taste:
    """A cluster: its share of the customers, and how its basket lines fall into categories."""

    name: str
    share: float
    weight_by_category: Mapping[str, float]


CATEGORIES = ("coffee", "tea", "brewing gear", "chocolate", "ceramics", "gift sets")
TASTES = (
    Taste("coffee drinkers", 0.38, dict(zip(CATEGORIES, (0.72, 0.02, 0.14, 0.08, 0.03, 0.01), strict=True))),
    Taste("tea drinkers", 0.27, dict(zip(CATEGORIES, (0.02, 0.70, 0.10, 0.08, 0.09, 0.01), strict=True))),
    Taste("sweet teeth", 0.20, dict(zip(CATEGORIES, (0.10, 0.10, 0.01, 0.70, 0.02, 0.07), strict=True))),
    Taste("gift givers", 0.15, dict(zip(CATEGORIES, (0.05, 0.05, 0.05, 0.15, 0.30, 0.40), strict=True))),
)
SIGN_UP_CHANNELS = {"search": 0.4, "newsletter": 0.25, "friend": 0.2, "market stall": 0.15}
ITEMS_PER_CATEGORY = 16
_TYPICAL_PRICE_MINOR = dict(zip(CATEGORIES, (1290, 1090, 3900, 690, 2400, 4900), strict=True))
_GUEST_SHARE = 0.05
_RETURN_SHARE = 0.02
_MORE_LINES = 0.45
_SECONDS_OPEN = 14 * 3600


@dataclass(frozen=True, slots=True)
class ShopItem:
    sku: str
    name: str
    category: str
    price_minor: int


@dataclass(frozen=True, slots=True)
class Shopper:
    """A customer with the truth behind them: rate per day, dropout probability, taste."""

    customer_id: str
    given_name: str
    family_name: str
    channel: str
    signed_up_at: datetime
    taste: str
    rate: float
    dropout: float
    purchases: tuple[datetime, ...]
    is_alive_at_end: bool

    @property
    def email(self) -> str:
        return f"{self.given_name}.{self.family_name}.{self.customer_id[1:]}@example.com".lower()


@dataclass(frozen=True, slots=True)
class Line:
    item: ShopItem
    quantity: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order; `shopper` is None for a guest. `returned_line` came back at `returned_at`."""

    order_id: str
    shopper: Shopper | None
    placed_at: datetime
    lines: tuple[Line, ...]
    returned_line: int | None = None
    returned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shop:
    """Everything that happened between `opened_on` and `closed_on`."""

    opened_on: date
    closed_on: date
    items: tuple[ShopItem, ...]
    shoppers: tuple[Shopper, ...]
    purchases: tuple[Purchase, ...]


_GIVEN = ("Ada", "Ben", "Chiara", "Deniz", "Elif", "Finn", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Lena")
_FAMILY = ("Albers", "Berg", "Conti", "Diaz", "Engel", "Falk", "Geiger", "Hansen", "Ito", "Jansen", "Kaya")


def draw_shop(
    *,
    closed_on: date,
    shoppers: int = 3000,
    days: int = 365,
    process: PurchaseProcess | None = None,
    seed: int = 7,
) -> Shop:
    """Draw a shop; the same arguments give the same shop."""
    random = Random(seed)  # noqa: S311 - reproducible on purpose
    process = process or PurchaseProcess()
    opened_on = closed_on - timedelta(days=days)
    items = tuple(_draw_items(random))
    people = tuple(
        _draw_shopper(random, number, opened_on, days, process) for number in range(1, shoppers + 1)
    )
    purchases = tuple(_draw_purchases(random, people, items, closed_on))
    return Shop(opened_on, closed_on, items, people, purchases)


def truth_of(shop: Shop) -> dict[str, Any]:
    """What a perfect model would find."""
    buyers = [shopper for shopper in shop.shoppers if shopper.purchases]
    return {
        "purchase_process": {"model": "BG/NBD", "unit": "day", **asdict(PurchaseProcess())},
        "clusters": {taste.name: sum(shopper.taste == taste.name for shopper in buyers) for taste in TASTES},
        "cluster_count": len(TASTES),
        "customers": len(shop.shoppers),
        "buyers": len(buyers),
        "alive_at_end": sum(shopper.is_alive_at_end for shopper in buyers),
        "orders": len(shop.purchases),
        "guest_orders": sum(purchase.shopper is None for purchase in shop.purchases),
        "returns": sum(purchase.returned_line is not None for purchase in shop.purchases),
    }


def _draw_items(random: Random) -> Iterator[ShopItem]:
    for category in CATEGORIES:
        for number in range(1, ITEMS_PER_CATEGORY + 1):
            price = _TYPICAL_PRICE_MINOR[category] * random.lognormvariate(0, 0.3)
            sku = f"{category[:3].upper()}-{number:02}"
            yield ShopItem(
                sku, f"{category.capitalize()} no. {number}", category, max(100, round(price / 10) * 10)
            )


def _draw_shopper(
    random: Random, number: int, opened_on: date, days: int, process: PurchaseProcess
) -> Shopper:
    taste = random.choices(TASTES, [taste.share for taste in TASTES])[0]
    rate = random.gammavariate(process.r, 1 / process.alpha)
    dropout = random.betavariate(process.a, process.b)
    signed_up_at = _moment(random, opened_on + timedelta(days=random.randrange(days)))
    end = datetime.combine(opened_on + timedelta(days=days), time.min)
    # The model's clock starts with the first purchase, and nobody drops out before the second.
    moments, is_alive = [signed_up_at], True
    while is_alive:
        following = moments[-1] + timedelta(days=random.expovariate(rate))
        if following >= end:
            break
        moments.append(following)
        is_alive = random.random() >= dropout
    return Shopper(
        customer_id=f"C{number:05}",
        given_name=random.choice(_GIVEN),
        family_name=random.choice(_FAMILY),
        channel=random.choices(list(SIGN_UP_CHANNELS), list(SIGN_UP_CHANNELS.values()))[0],
        signed_up_at=signed_up_at - timedelta(minutes=5),
        taste=taste.name,
        rate=rate,
        dropout=dropout,
        purchases=tuple(moments),
        is_alive_at_end=is_alive,
    )


def _draw_purchases(
    random: Random, people: tuple[Shopper, ...], items: tuple[ShopItem, ...], closed_on: date
) -> Iterator[Purchase]:
    shelves = {category: [item for item in items if item.category == category] for category in CATEGORIES}
    taste_by_name = {taste.name: taste for taste in TASTES}
    visits = sorted(
        (moment, shopper.customer_id, shopper) for shopper in people for moment in shopper.purchases
    )
    for number, (moment, _, shopper) in enumerate(visits, start=1):
        lines = _draw_lines(random, taste_by_name[shopper.taste], shelves)
        yield _draw_return(random, Purchase(f"S{number:06}", shopper, moment, lines), closed_on)
        if random.random() < _GUEST_SHARE:
            lines = _draw_lines(random, random.choice(TASTES), shelves)
            yield Purchase(f"G{number:06}", None, moment + timedelta(minutes=1), lines)


def _draw_lines(random: Random, taste: Taste, shelves: Mapping[str, list[ShopItem]]) -> tuple[Line, ...]:
    lines: dict[str, Line] = {}
    while not lines or random.random() < _MORE_LINES:
        category = random.choices(CATEGORIES, [taste.weight_by_category[name] for name in CATEGORIES])[0]
        # Some items of a shelf sell far more often than others.
        item = shelves[category][min(int(random.expovariate(0.3)), ITEMS_PER_CATEGORY - 1)]
        lines[item.sku] = Line(item, 1 + (random.random() < _MORE_LINES / 3))
    return tuple(lines.values())


def _draw_return(random: Random, purchase: Purchase, closed_on: date) -> Purchase:
    if random.random() >= _RETURN_SHARE:
        return purchase
    returned_at = purchase.placed_at + timedelta(days=random.randint(3, 20))
    if returned_at.date() >= closed_on:
        return purchase
    line = random.randrange(len(purchase.lines))
    return Purchase(
        purchase.order_id, purchase.shopper, purchase.placed_at, purchase.lines, line, returned_at
    )


def _moment(random: Random, day: date) -> datetime:
    return datetime.combine(day, time(8)) + timedelta(seconds=random.randrange(_SECONDS_OPEN))
