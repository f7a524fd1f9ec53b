"""Pricing a cart under several coupons: integer minor units, sums exact, never below zero.

Coupons are applied by priority, then in the order in which they were given; stored value pays last, because
it is money and not a discount. A total is spread over its lines by largest remainder, so that a partial
return can give back each line's own share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from rewards.domain.carts import Cart, CartLine
from rewards.domain.coupon_terms import WHOLE, Base, Benefit, OnConflict, Terms

# More codes than these make the choice of the best combination slow, and no shop stacks as many.
MOST_CODES: Final = 10
_HALF: Final = WHOLE // 2


@dataclass(frozen=True, slots=True)
class Offer:
    """One code that may be applied; ``balance_minor`` is what a stored-value code still holds."""

    code: str
    terms: Terms
    balance_minor: int = 0


@dataclass(frozen=True, slots=True)
class Applied:
    """What one offer takes off: by line (in the cart's order) and off the shipping."""

    code: str
    by_line: tuple[int, ...]
    shipping_minor: int

    @property
    def total_minor(self) -> int:
        return sum(self.by_line) + self.shipping_minor


@dataclass(frozen=True, slots=True)
class Priced:
    """A cart under its coupons; ``outdone`` lost to a better one of their group."""

    cart: Cart
    applied: tuple[Applied, ...]
    outdone: tuple[str, ...] = ()

    @property
    def discount_minor(self) -> int:
        return sum(each.total_minor for each in self.applied)

    @property
    def total_minor(self) -> int:
        return self.cart.goods_minor + self.cart.shipping_minor - self.discount_minor


def allocate(total: int, weights: Sequence[int], rooms: Sequence[int]) -> list[int]:
    """Spread ``total`` over lines in proportion to ``weights``, at most ``rooms[i]`` each, to the last unit.

    Largest remainder, ties to the earlier line; what does not fit goes to the lines with room left.
    ``total`` must not exceed the rooms together.
    """
    shares = [0] * len(rooms)
    left = total
    while left > 0:
        free = [room - share for room, share in zip(rooms, shares, strict=True)]
        open_weights = [weight if space > 0 else 0 for weight, space in zip(weights, free, strict=True)]
        if not any(open_weights):
            open_weights = free
        for index, part in enumerate(_largest_remainder(left, open_weights)):
            taken = min(part, free[index])
            shares[index] += taken
            left -= taken
    return shares


def _largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return shares


def price(cart: Cart, offers: Sequence[Offer]) -> Priced:
    """Apply the offers; of those that exclude each other the combination that takes most off.

    Ties go to the combination with the earlier offers. Call ``conflicts`` first for offers that refuse.
    """
    best: Priced | None = None
    for chosen in _combinations(offers):
        candidate = _apply(cart, chosen)
        if best is None or candidate.discount_minor > best.discount_minor:
            best = candidate
    applied = best.applied if best else ()
    used = {each.code for each in applied}
    return Priced(cart, applied, tuple(offer.code for offer in offers if offer.code not in used))


def conflicts(offers: Sequence[Offer]) -> set[str]:
    """Return the codes that cannot come together because one of them says so instead of "best of"."""
    found: set[str] = set()
    for rivals in _rivalries(offers):
        if any(offer.terms.stacking.on_conflict is OnConflict.REFUSE for offer in rivals):
            found |= {offer.code for offer in rivals}
    return found


def _rivalries(offers: Sequence[Offer]) -> Iterator[list[Offer]]:
    by_group: dict[str, list[Offer]] = defaultdict(list)
    for offer in offers:
        by_group[offer.terms.stacking.group].append(offer)
    yield from (members for group, members in by_group.items() if group and len(members) > 1)
    lonely = [offer for offer in offers if offer.terms.stacking.is_exclusive]
    if lonely and len(offers) > 1:
        # Everybody's rival; whether that is refused is the lonely one's word alone.
        if any(offer.terms.stacking.on_conflict is OnConflict.REFUSE for offer in lonely):
            yield list(offers)
        else:
            yield lonely


def _combinations(offers: Sequence[Offer]) -> Iterator[list[Offer]]:
    """Yield every choice of one offer a group together with the ungrouped, then each exclusive one alone."""
    social = [offer for offer in offers if not offer.terms.stacking.is_exclusive]
    by_group: dict[str, list[Offer]] = defaultdict(list)
    for offer in social:
        if offer.terms.stacking.group:
            by_group[offer.terms.stacking.group].append(offer)
    for choice in product(*by_group.values()):
        chosen = {offer.code for offer in choice}
        yield [offer for offer in social if not offer.terms.stacking.group or offer.code in chosen]
    yield from ([offer] for offer in offers if offer.terms.stacking.is_exclusive)


def _apply(cart: Cart, offers: Sequence[Offer]) -> Priced:
    remaining = [line.amount_minor for line in cart.lines]
    shipping = cart.shipping_minor
    applied = []
    for offer in sorted(offers, key=_order):
        by_line, off_shipping = _discount(cart, remaining, shipping, offer)
        remaining = [left - taken for left, taken in zip(remaining, by_line, strict=True)]
        shipping -= off_shipping
        applied.append(Applied(offer.code, tuple(by_line), off_shipping))
    return Priced(cart, tuple(applied))


def _order(offer: Offer) -> tuple[bool, int]:
    return offer.terms.benefit is Benefit.STORED_VALUE, offer.terms.stacking.priority


def _discount(cart: Cart, remaining: list[int], shipping: int, offer: Offer) -> tuple[list[int], int]:
    terms = offer.terms
    covered = [terms.scope.covers(line) for line in cart.lines]
    rooms = [left if is_in else 0 for left, is_in in zip(remaining, covered, strict=True)]
    nothing = [0] * len(rooms)
    if terms.benefit is Benefit.SHIPPING:
        wanted = terms.amount_minor or shipping
        return nothing, min(wanted, shipping, _cap(terms))
    if terms.benefit is Benefit.STORED_VALUE:
        on_goods = min(offer.balance_minor, sum(rooms))
        return allocate(on_goods, rooms, rooms), min(offer.balance_minor - on_goods, shipping)
    if terms.benefit is Benefit.FREE_ITEM:
        return _free_items(cart.lines, rooms, terms), 0
    originals = [line.amount_minor if is_in else 0 for line, is_in in zip(cart.lines, covered, strict=True)]
    weights = originals if terms.stacking.base is Base.ORIGINAL else rooms
    if terms.benefit is Benefit.PERCENT:
        # Halves are rounded up, once for the whole coupon and not once a line.
        total = (sum(weights) * terms.percent_hundredths + _HALF) // WHOLE
    else:
        total = terms.amount_minor
    return allocate(min(total, sum(rooms), _cap(terms)), weights, rooms), 0


def _cap(terms: Terms) -> int:
    return terms.max_discount_minor if terms.max_discount_minor is not None else 10**18


def _free_items(lines: Sequence[CartLine], rooms: list[int], terms: Terms) -> list[int]:
    """Take the cheapest covered pieces off, at most what is left of their lines."""
    shares, pieces, cap = [0] * len(rooms), terms.free_quantity, _cap(terms)
    for index in sorted(range(len(lines)), key=lambda i: (lines[i].unit_price_minor, i)):
        line = lines[index]
        if not rooms[index] or not pieces:
            continue
        free = min(pieces, line.quantity)
        shares[index] = min(free * line.unit_price_minor, rooms[index], cap)
        pieces, cap = pieces - free, cap - shares[index]
    return shares
