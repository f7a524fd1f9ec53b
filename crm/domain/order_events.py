"""Orders and returns as events tell them, in our own words or in those of Segment's e-commerce events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from crm.domain.money import to_minor

# What stands beside the products in Segment's order: each becomes a charge, the discount one below zero.
_CHARGES: Final = (("shipping", 1), ("tax", 1), ("discount", -1))
_LONGEST: Final = 200
_LARGEST: Final = Decimal(10) ** 12


class EventNotUsable(ValueError):
    """The properties do not say what has to be known; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class LineDraft:
    """One line; a charge names no item."""

    sku: str
    quantity: int
    unit_price_minor: int
    name: str = ""
    is_charge: bool = False
    store_discount_minor: int = 0
    coupon_discount_minor: int = 0


@dataclass(frozen=True, slots=True)
class OrderDraft:
    external_id: str
    currency: str
    channel: str
    lines: tuple[LineDraft, ...]


@dataclass(frozen=True, slots=True)
class ReturnDraft:
    """Without wanted lines everything comes back. ``quantity_by_sku`` counts where no position is given."""

    external_id: str
    order_external_id: str
    quantity_by_position: dict[int, int]
    quantity_by_sku: dict[str, int]


def order_of(properties: Mapping[str, Any], *, currency: str) -> OrderDraft:
    """Read an order; ``currency`` is the tenant's, for events that name none. Raises ``EventNotUsable``."""
    external_id = text_of(properties, "order_id", "external_id", "checkout_id")
    if not external_id:
        raise EventNotUsable("order_id is missing")
    code = text_of(properties, "currency").upper() or currency
    if not (code.isascii() and code.isalpha() and len(code) == len("USD")):
        raise EventNotUsable("currency is no ISO 4217 code")
    lines = [_line(each, code, n) for n, each in enumerate(_listed(properties))]
    if not lines:
        lines = [_whole(properties, code)]
    elif "lines" not in properties:
        lines += [
            LineDraft(name, 1, sign * _minor(properties[name], code, name), name=name, is_charge=True)
            for name, sign in _CHARGES
            if properties.get(name)
        ]
    return OrderDraft(external_id, code, text_of(properties, "channel", "affiliation")[:60], tuple(lines))


def return_of(properties: Mapping[str, Any], *, message_id: str) -> ReturnDraft:
    """Read a return. Raises ``EventNotUsable``."""
    order_id = text_of(properties, "order_id", "order")
    if not order_id:
        raise EventNotUsable("order_id is missing")
    by_position: dict[int, int] = {}
    by_sku: dict[str, int] = {}
    for number, each in enumerate(_listed(properties)):
        quantity = _whole_number(each.get("quantity", 1), f"lines/{number}/quantity")
        if each.get("position") is not None:
            position = _whole_number(each["position"], f"lines/{number}/position")
            by_position[position] = by_position.get(position, 0) + quantity
        elif sku := text_of(each, "sku", "product_id", "id"):
            by_sku[sku] = by_sku.get(sku, 0) + quantity
        else:
            raise EventNotUsable(f"lines/{number} names no product")
    external_id = text_of(properties, "return_id", "refund_id") or message_id
    return ReturnDraft(external_id, order_id, by_position, by_sku)


def positions_of(
    wanted: ReturnDraft, lines: Sequence[tuple[int, str, int]], returned: Mapping[int, int]
) -> dict[int, int]:
    """Return the quantity by position of what comes back.

    ``lines`` are (position, sku, quantity) of the order's products, ``returned`` what came back before. More
    of a product than is left stays on its last line, where the return is refused for it.
    """
    left = {position: quantity - returned.get(position, 0) for position, _sku, quantity in lines}
    if not wanted.quantity_by_position and not wanted.quantity_by_sku:
        return {position: quantity for position, quantity in left.items() if quantity > 0}
    found = dict(wanted.quantity_by_position)
    for sku, quantity in wanted.quantity_by_sku.items():
        positions = [position for position, each, _quantity in lines if each == sku]
        if not positions:
            raise EventNotUsable(f"the order has no product {sku}")
        rest = quantity
        for position in positions:
            taken = rest if position == positions[-1] else min(rest, left[position])
            if taken > 0:
                found[position] = found.get(position, 0) + taken
                rest -= taken
    return found


def text_of(properties: Mapping[str, Any], *names: str) -> str:
    """Return the first of these properties that is a text or a whole number, as text; else empty."""
    for name in names:
        value = properties.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()[:_LONGEST]
    return ""


def _listed(properties: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    given = properties.get("lines", properties.get("products", []))
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise EventNotUsable("lines are no list of objects")
    return given


def _line(line: Mapping[str, Any], currency: str, number: int) -> LineDraft:
    where = f"lines/{number}"
    sku = text_of(line, "sku", "product_id", "id")
    if not sku:
        raise EventNotUsable(f"{where} names no product")
    if "unit_price_minor" in line:
        price = _whole_number(line["unit_price_minor"], f"{where}/unit_price_minor")
    else:
        price = _minor(line.get("price"), currency, f"{where}/price")
    return LineDraft(
        sku=sku,
        quantity=_whole_number(line.get("quantity", 1), f"{where}/quantity"),
        unit_price_minor=price,
        name=text_of(line, "name"),
        is_charge=line.get("kind") == "charge",
        store_discount_minor=_whole_number(line.get("store_discount_minor", 0), f"{where}/store_discount"),
        coupon_discount_minor=_whole_number(line.get("coupon_discount_minor", 0), f"{where}/coupon_discount"),
    )


def _whole(properties: Mapping[str, Any], currency: str) -> LineDraft:
    """An order that tells only what was paid is one charge."""
    for name in ("total", "value", "revenue"):
        if properties.get(name) is not None:
            return LineDraft("order", 1, _minor(properties[name], currency, name), is_charge=True)
    raise EventNotUsable("neither lines nor a total")


def _minor(value: Any, currency: str, where: str) -> int:
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise EventNotUsable(f"{where} is no amount") from error
    if isinstance(value, bool) or not amount.is_finite() or abs(amount) > _LARGEST:
        raise EventNotUsable(f"{where} is no amount")
    return to_minor(amount, currency)


def _whole_number(value: Any, where: str) -> int:
    amount = _minor(value, "JPY", where)
    if Decimal(str(value)) != amount:
        raise EventNotUsable(f"{where} is no whole number")
    return amount
