"""The section of the referral."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Any, Final

from rewards.domain.documents.reader import Reader
from rewards.domain.documents.sections import KEY_SCHEMA, MOST_MONEY, Section, one_of, record, whole
from rewards.domain.offers import ReferralQualification, ReferralReward, ReferralTerms
from rewards.domain.programs import Revision

_MOST_POINTS: Final = 2**31 - 1
_LONGEST_DAYS: Final = 366
_MOST_UPPER: Final = 2
_SIDES: Final = ("referrer", "referee")


def _read(document: Reader) -> ReferralTerms | None:
    if document.peek("referral") is None:
        return None
    reader = document.node("referral")
    reader.only(*_PROPERTIES)
    kinds = {kind.value: kind for kind in ReferralReward}
    sides: dict[str, Any] = {}
    for side in _SIDES:
        sides[f"{side}_kind"] = reader.choice(f"{side}_kind", kinds, default=ReferralReward.POINTS)
        sides[f"{side}_points"] = reader.integer(f"{side}_points", 0, _MOST_POINTS, default=0)
        sides[f"{side}_coupon"] = reader.slug(f"{side}_coupon") if reader.peek(f"{side}_coupon") else ""
    upper = tuple(reader.numbers("upper_points", 0, _MOST_POINTS))
    if len(upper) > _MOST_UPPER:
        reader.refuse("upper_points", "too_many", f"At most {_MOST_UPPER} further levels.")
    terms = ReferralTerms(
        is_active=reader.peek("is_active") is None or reader.boolean("is_active"),
        wallet=reader.key("wallet") if reader.peek("wallet") is not None else "points",
        qualification=reader.choice(
            "qualification",
            {each.value: each for each in ReferralQualification},
            default=ReferralQualification.FIRST_ORDER,
        ),
        minimum_order_minor=reader.integer("minimum_order_minor", 0, MOST_MONEY, default=0),
        event_name=reader.text("event_name") if reader.peek("event_name") else "",
        within_days=reader.integer("within_days", 1, _LONGEST_DAYS, default=90),
        upper_points=upper,
        **sides,
    )
    _check_sense(reader, terms)
    return terms


def _check_sense(reader: Reader, terms: ReferralTerms) -> None:
    for side in _SIDES:
        kind = getattr(terms, f"{side}_kind")
        if kind is ReferralReward.POINTS and not getattr(terms, f"{side}_points"):
            reader.refuse(f"{side}_points", "required", "One point at least.")
        if kind is ReferralReward.COUPON and not getattr(terms, f"{side}_coupon"):
            reader.refuse(f"{side}_coupon", "required", "Name the coupon.")
    if terms.qualification is ReferralQualification.EVENT and not terms.event_name:
        reader.refuse("event_name", "required", "Name the event.")


def _check(document: Reader, revision: Revision) -> None:
    terms = revision.referral
    if terms and terms.pays_points and terms.wallet not in {wallet.key for wallet in revision.wallets}:
        document.refuse("referral/wallet", "unknown_wallet", f"There is no wallet {terms.wallet!r}.")


def _write(terms: ReferralTerms | None) -> dict[str, Any] | None:
    return None if terms is None else write_referral(terms)


def write_referral(terms: ReferralTerms) -> dict[str, Any]:
    """Write the terms as the section has them."""
    return {each.name: _plain(getattr(terms, each.name)) for each in fields(terms)}


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


_COUPON: Final = {"type": "string", "maxLength": 60}
_PROPERTIES: Final[Mapping[str, Any]] = {
    "is_active": {"type": "boolean"}, "wallet": KEY_SCHEMA,
    "referrer_kind": one_of(ReferralReward), "referrer_points": whole(0, _MOST_POINTS),
    "referrer_coupon": _COUPON, "referee_kind": one_of(ReferralReward),
    "referee_points": whole(0, _MOST_POINTS), "referee_coupon": _COUPON,
    "qualification": one_of(ReferralQualification), "minimum_order_minor": whole(0, MOST_MONEY),
    "event_name": {"type": "string", "maxLength": 200}, "within_days": whole(1, _LONGEST_DAYS),
    "upper_points": {"type": "array", "items": whole(0, _MOST_POINTS), "maxItems": _MOST_UPPER},
}  # fmt: skip
SECTION: Final = Section(
    "referral", _read, _write, schema={"oneOf": [{"type": "null"}, record((), **_PROPERTIES)]}, check=_check
)
