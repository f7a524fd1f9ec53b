"""Coupons for tests, made through the services."""

from __future__ import annotations

import itertools
from typing import Any

from rewards.domain.carts import Cart, CartLine
from rewards.models import CouponDefinition, CouponKind, CouponRedemption
from rewards.services.coupons import carts, definitions, takings
from rewards.services.coupons.definition_terms import DefinitionTerms
from rewards.services.ledger import Source
from tenants.domain.actors import SYSTEM
from tests.rewards.factories import NOW

_number = itertools.count(1)
CART = Cart([CartLine("tea", 2, 1000, "drinks")], shipping_minor=300, channel="web")


def make_definition(key: str = "", *, code: str = "", campaign: Any = None, **terms: Any) -> CouponDefinition:
    """Ten percent off unless ``terms`` say otherwise; ``code`` is a code for everybody."""
    name = key or f"offer-{next(_number)}"
    values: dict[str, Any] = {"kind": CouponKind.PERCENT, "percent_hundredths": 1000, "name": name, **terms}
    skus = values.pop("skus", None)
    return definitions.save(
        key=name,
        terms=DefinitionTerms(**values),
        campaign=campaign,
        skus=skus,
        generic_code=code,
        by=SYSTEM,
        at=NOW,
    )


def request(*codes: str, cart: Cart = CART, source: str = "", **options: Any) -> takings.Request:
    return takings.Request(codes, cart, Source("test", source or f"cart-{next(_number)}"), **options)


def redeem(*codes: str, at: Any = NOW, **options: Any) -> CouponRedemption:
    return carts.redeem(request=request(*codes, **options), by=SYSTEM, at=at)


def reasons(refusal: Any) -> list[tuple[str, str]]:
    """(code, reason) of a refusal, flat."""
    return [
        (each["code"], reason["reason"])
        for each in refusal.value.extra["codes"]
        for reason in each["reasons"]
    ]
