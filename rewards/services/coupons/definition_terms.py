"""What staff decide about a coupon, and what of it no coupon can say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from crm.domain.rules import RuleError, parse
from rewards.domain.coupon_codes import Pattern, PatternError
from rewards.domain.coupon_terms import HOURS_A_DAY, WHOLE
from rewards.models import CouponBase, CouponConflict, CouponKind, CouponPeriod
from tenants.errors import FieldError

_DAYS_A_WEEK: Final = 7
_AT_LEAST_ONE: Final = (
    "uses_per_code", "uses_per_customer", "uses_per_period", "uses_per_code_period", "limit_uses_period",
    "limit_discount_period_minor", "limit_uses", "valid_days",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DefinitionTerms:
    """What staff decide about a definition; named like the columns, whose meaning the model states."""

    name: str
    kind: CouponKind
    description: str = ""
    percent_hundredths: int = 0
    amount_minor: int = 0
    free_quantity: int = 1
    max_discount_minor: int | None = None
    categories: list[str] = field(default_factory=list)
    excluded_categories: list[str] = field(default_factory=list)
    minimum_spend_minor: int = 0
    minimum_quantity: int = 0
    channels: list[str] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)
    tiers: list[str] = field(default_factory=list)
    is_first_purchase: bool = False
    rule: Any = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    valid_days: int | None = None
    weekdays: list[int] = field(default_factory=list)
    hour_from: int | None = None
    hour_until: int | None = None
    uses_per_code: int | None = 1
    uses_per_customer: int | None = None
    uses_per_period: int | None = None
    uses_per_code_period: int | None = None
    limit_uses_period: int | None = None
    limit_discount_period_minor: int | None = None
    period: CouponPeriod = CouponPeriod.MONTH
    limit_uses: int | None = None
    limit_discount_minor: int | None = None
    priority: int = 100
    base: CouponBase = CouponBase.REMAINING
    exclusive_group: str = ""
    is_exclusive: bool = False
    on_conflict: CouponConflict = CouponConflict.BEST_OF
    code_pattern: str = "####-####"
    has_checksum: bool = True
    is_active: bool = True


def columns_of(terms: DefinitionTerms) -> dict[str, Any]:
    """Return the terms by the names of the columns."""
    return asdict(terms)


def errors_of(terms: DefinitionTerms) -> Iterator[FieldError]:
    """Yield what the terms say that no coupon can, by their names; what only the tenant knows is left out."""
    yield from _value_errors(terms)
    yield from _time_errors(terms)
    for name in _AT_LEAST_ONE:
        value = getattr(terms, name)
        if value is not None and value < 1:
            yield FieldError(f"/{name}", "too_small", "At least one, or nothing for no limit.")
    try:
        Pattern(terms.code_pattern, terms.has_checksum)
    except PatternError as error:
        yield FieldError("/code_pattern", error.reason, str(error))
    if terms.rule is not None:
        try:
            parse(terms.rule)
        except RuleError as error:
            yield FieldError(f"/rule{error.pointer}".rstrip("/"), "invalid_rule", error.detail)


def _value_errors(terms: DefinitionTerms) -> Iterator[FieldError]:
    if terms.kind == CouponKind.PERCENT and not 1 <= terms.percent_hundredths <= WHOLE:
        yield FieldError("/percent_hundredths", "out_of_range", "From 0.01 to 100 percent.")
    if terms.kind in {CouponKind.AMOUNT, CouponKind.STORED_VALUE} and terms.amount_minor < 1:
        yield FieldError("/amount_minor", "too_small", "An amount above zero.")
    if terms.kind == CouponKind.FREE_ITEM and terms.free_quantity < 1:
        yield FieldError("/free_quantity", "too_small", "At least one piece.")
    if terms.period not in CouponPeriod.values:
        yield FieldError("/period", "invalid_choice", "Day, week or month.")


def _time_errors(terms: DefinitionTerms) -> Iterator[FieldError]:
    if terms.valid_from and terms.valid_until and terms.valid_until <= terms.valid_from:
        yield FieldError("/valid_until", "before_start", "The end is after the start.")
    if (terms.hour_from is None) != (terms.hour_until is None):
        yield FieldError("/hour_until", "required", "Both hours, or none.")
    hours = [hour for hour in (terms.hour_from, terms.hour_until) if hour is not None]
    if any(not 0 <= hour <= HOURS_A_DAY for hour in hours) or (len(hours) > 1 and hours[0] == hours[1]):
        yield FieldError("/hour_from", "out_of_range", "Two different hours from 0 to 24.")
    if any(not 1 <= day <= _DAYS_A_WEEK for day in terms.weekdays):
        yield FieldError("/weekdays", "out_of_range", "1 is Monday, 7 is Sunday.")
