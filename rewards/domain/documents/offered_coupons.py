"""The section of coupons: the terms of their definitions; what the tenant's data decides waits for review."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from crm.domain.rules import RuleError, parse
from rewards.domain.coupon_terms import HOURS_A_DAY, WHOLE, Base, Benefit, OnConflict
from rewards.domain.coupon_validity import Period
from rewards.domain.documents.moments import MOMENT_SCHEMA, read_moment
from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import (
    MOST_MONEY,
    SLUG_SCHEMA,
    TEXT_SCHEMA,
    Section,
    keyed,
    record,
    whole,
)
from rewards.domain.offers import OfferedCoupon
from rewards.domain.programs import Revision

_MOST: Final = 2**31 - 1
_SMALL: Final = 2**15 - 1
_LONGEST: Final = 5_000
_LONGEST_CODE: Final = 60


class _Term(NamedTuple):
    read: Callable[[Reader, str], Any]
    schema: dict[str, Any]


def _number(lowest: int, highest: int, usual: int) -> _Term:
    return _Term(
        lambda reader, name: reader.integer(name, lowest, highest, default=usual), whole(lowest, highest)
    )


def _limit(highest: int = _MOST, lowest: int = 1) -> _Term:
    return _Term(
        lambda reader, name: reader.optional_integer(name, lowest, highest),
        whole(lowest, highest, is_optional=True),
    )


def _choice(choices: tuple[str, ...], usual: str) -> _Term:
    known = {each: each for each in choices}
    return _Term(
        lambda reader, name: reader.choice(name, known, default=usual),
        {"enum": list(choices)},
    )


def _switch(*, usual: bool) -> _Term:
    return _Term(
        lambda reader, name: usual if reader.peek(name) is None else reader.boolean(name), {"type": "boolean"}
    )


def _text(longest: int, usual: str = "") -> _Term:
    return _Term(
        lambda reader, name: usual if reader.peek(name) is None else reader.optional_text(name, longest),
        {"type": "string", "maxLength": longest},
    )


def _rule(reader: Reader, name: str) -> Any:
    value = reader.peek(name)
    if value is None:
        return None
    try:
        parse(value)
    except RuleError as error:
        reader.refuse(f"{name}{error.pointer}".rstrip("/"), "invalid_rule", error.detail)
    return value


_TEXTS: Final = _Term(
    lambda reader, name: list(reader.texts(name)),
    {"type": "array", "items": {"type": "string", "minLength": 1}},
)
_MOMENT: Final = _Term(read_moment, MOMENT_SCHEMA)
_TERMS: Final[Mapping[str, _Term]] = {
    "description": _text(_LONGEST),
    "percent_hundredths": _number(0, WHOLE, 0),
    "amount_minor": _number(0, MOST_MONEY, 0),
    "free_quantity": _number(1, _SMALL, 1),
    "max_discount_minor": _limit(MOST_MONEY, 0),
    "categories": _TEXTS,
    "excluded_categories": _TEXTS,
    "minimum_spend_minor": _number(0, MOST_MONEY, 0),
    "minimum_quantity": _number(0, _MOST, 0),
    "channels": _TEXTS,
    "segments": _TEXTS,
    "tiers": _TEXTS,
    "is_first_purchase": _switch(usual=False),
    "rule": _Term(_rule, {}),
    "valid_from": _MOMENT,
    "valid_until": _MOMENT,
    "valid_days": _limit(_SMALL),
    "weekdays": _Term(
        lambda reader, name: reader.numbers(name, 1, 7), {"type": "array", "items": whole(1, 7)}
    ),
    "hour_from": _limit(HOURS_A_DAY, 0),
    "hour_until": _limit(HOURS_A_DAY, 0),
    "uses_per_code": _Term(
        # A code is used once unless somebody says otherwise; null is no limit.
        lambda reader, name: reader.optional_integer(name, 1, _MOST) if reader.has(name) else 1,
        whole(1, _MOST, is_optional=True),
    ),
    "uses_per_customer": _limit(),
    "uses_per_period": _limit(),
    "uses_per_code_period": _limit(),
    "limit_uses_period": _limit(MOST_MONEY),
    "limit_discount_period_minor": _limit(MOST_MONEY),
    "period": _choice(tuple(each.value for each in Period), Period.MONTH.value),
    "limit_uses": _limit(MOST_MONEY),
    "limit_discount_minor": _limit(MOST_MONEY, 0),
    "priority": _number(0, _SMALL, 100),
    "base": _choice(tuple(each.value for each in Base), Base.REMAINING.value),
    "exclusive_group": _text(40),
    "is_exclusive": _switch(usual=False),
    "on_conflict": _choice(tuple(each.value for each in OnConflict), OnConflict.BEST_OF.value),
    "code_pattern": _text(40, "####-####"),
    "has_checksum": _switch(usual=True),
    "is_active": _switch(usual=True),
}
_KINDS: Final = {each.value: each.value for each in Benefit}
USUAL_TERMS: Final[Mapping[str, Any]] = {name: term.read(Reader({}), name) for name, term in _TERMS.items()}
_USUAL_LISTS: Final = tuple(name for name, value in USUAL_TERMS.items() if value == [])


def _read(document: Reader) -> tuple[OfferedCoupon, ...]:
    return keyed(document, "coupons", _coupon)


def _coupon(reader: Reader) -> OfferedCoupon:
    reader.only("key", "name", "kind", "items", "generic_code", *_TERMS)
    return OfferedCoupon(
        key=reader.slug("key"),
        name=reader.text("name"),
        kind=reader.choice("kind", _KINDS) or next(iter(_KINDS)),
        terms=MappingProxyType(_terms(reader)),
        items=tuple(reader.texts("items")),
        generic_code=reader.optional_text("generic_code", _LONGEST_CODE),
    )


def _terms(reader: Reader) -> dict[str, Any]:
    """Read what is said; of a thousand coupons nearly everything is as usual."""
    said = {name: _TERMS[name].read(reader, name) for name in reader.names if name in _TERMS}
    return {**USUAL_TERMS, **{name: [] for name in _USUAL_LISTS}, **said}


def _check(document: Reader, revision: Revision) -> None:
    tiers = {tier.key for tier in revision.tiers}
    for index, coupon in enumerate(revision.coupons):
        for key in coupon.terms["tiers"]:
            if key not in tiers:
                document.refuse(f"coupons/{index}/tiers", "unknown_tier", f"There is no tier {key!r}.")


def _write(coupons: tuple[OfferedCoupon, ...]) -> list[dict[str, Any]] | None:
    return [write_coupon(coupon) for coupon in coupons] or None


def write_coupon(coupon: OfferedCoupon) -> dict[str, Any]:
    """Write one coupon as the section has it, of its terms what is not the usual."""
    said = {
        name: value.isoformat() if name in {"valid_from", "valid_until"} and value else value
        for name, value in coupon.terms.items()
        if value != USUAL_TERMS[name]
    }
    beside = {"items": list(coupon.items), "generic_code": coupon.generic_code}
    given = {name: value for name, value in beside.items() if value}
    return {"key": coupon.key, "name": coupon.name, "kind": coupon.kind, **said, **given}


SECTION: Final = Section(
    "coupons",
    _read,
    _write,
    schema={
        "type": "array",
        "items": record(
            ("key", "name", "kind"),
            key=SLUG_SCHEMA, name=TEXT_SCHEMA, kind={"enum": list(_KINDS)}, items=_TEXTS.schema,
            generic_code={"type": "string", "maxLength": _LONGEST_CODE},
            **{name: term.schema for name, term in _TERMS.items()},
        ),
    },
    check=_check,
)  # fmt: skip
