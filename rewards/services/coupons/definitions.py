"""Coupon definitions: terms written and changed by staff, with their items and their code for everybody."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from crm.domain.hidden_values import spoken_of
from crm.domain.rules import RuleError, parse
from crm.models import Item, Segment
from crm.queries import sensitive
from rewards.domain.coupon_codes import Pattern, PatternError, normalised
from rewards.domain.coupon_terms import HOURS_A_DAY, WHOLE
from rewards.locks import lock_coupon_definition
from rewards.models import (
    CouponBase,
    CouponCampaign,
    CouponCode,
    CouponConflict,
    CouponDefinition,
    CouponKind,
    CouponPeriod,
)
from rewards.queries import governed, programs
from rewards.services.coupons.issuing import values_of
from rewards.services.errors import GovernedByProgram
from tenants.domain.actors import Actor
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.scope import active_tenant_id
from tenants.services import audit

_DAYS_A_WEEK: Final = 7
_LONGEST_CODE: Final = 60
_ADD_ITEMS: Final = """
INSERT INTO rewards_couponitem (tenant_id, definition_id, item_id)
SELECT i.tenant_id, %s, i.id FROM crm_item i
WHERE i.tenant_id = %s AND i.external_id = ANY(%s) ON CONFLICT DO NOTHING
"""


class CodeTaken(Conflict):
    """The tenant has this code already."""

    code = "code_taken"
    title = "This code exists already"


class DefinitionKeyTaken(Conflict):
    """The tenant has a coupon with this key already; carries ``key``."""

    code = "coupon_key_taken"
    title = "This key is taken"


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


@transaction.atomic
def switch_off(*, definition: CouponDefinition, by: Actor, at: datetime) -> CouponDefinition:
    """Stop offering the coupon at once: codes that are out are refused as ``not_offered`` from now on."""
    row = lock_coupon_definition(definition.pk)
    if row.is_active:
        row.is_active, row.updated_at = False, at
        row.save(update_fields=["is_active", "updated_at"])
        diff = {"is_active": [True, False]}
        audit.record(action="coupon_definition.saved", target=row, by=by, at=at, diff=diff)
    return row


@transaction.atomic
def save(
    *,
    key: str,
    terms: DefinitionTerms,
    by: Actor,
    at: datetime,
    campaign: CouponCampaign | None = None,
    skus: Collection[str] | None = None,
    generic_code: str = "",
    of_program: bool = False,
) -> CouponDefinition:
    """Create the definition with this key, or change it; codes that are out keep their number of uses.

    ``skus`` replaces the listed items (``None`` leaves them, an empty list is every item); ``generic_code``
    adds a code for everybody. Raises ``InvalidInput`` naming each field, ``CodeTaken``, and
    ``GovernedByProgram`` unless it comes ``of_program``, with a revision.
    """
    if not of_program and governed.governs_coupon(key):
        raise GovernedByProgram
    if not of_program:
        _refuse_governed_campaigns(key, campaign)
    former = CouponDefinition.objects.filter(key=key).values(*columns_of(terms)).first() or {}
    errors = [*_errors(terms), *_unknown_segments(terms)]
    if not of_program:
        # A revision's coupons are checked against its own ladder.
        errors += _unknown_tiers(set(terms.tiers) - set(former.get("tiers", ())))
    # A rule that was there before its values were called sensitive keeps nobody from ending the coupon.
    if not errors and terms.rule is not None and terms.rule != former.get("rule"):
        errors += _sensitive_values(terms.rule)
    if errors:
        raise InvalidInput(errors=errors)
    values = {**columns_of(terms), "campaign": campaign, "updated_at": at}
    definition, _created = CouponDefinition.objects.update_or_create(
        key=key, defaults=values, create_defaults={**values, "created_at": at}
    )
    if skus is not None:
        _replace_items(definition, skus)
    if generic_code.strip():
        add_generic_code(definition=definition, text=generic_code)
    diff = {
        name: [_written(former.get(name)), _written(value)]
        for name, value in columns_of(terms).items()
        if former.get(name) != value
    }
    audit.record(action="coupon_definition.saved", target=definition, by=by, at=at, diff=diff)
    return definition


def _refuse_governed_campaigns(key: str, campaign: CouponCampaign | None) -> None:
    """Raise ``GovernedByProgram`` where the coupon would join or leave a campaign of the program."""
    row = CouponDefinition.objects.select_related("campaign").filter(key=key).first()
    former = row.campaign.key if row and row.campaign else ""
    now = campaign.key if campaign else ""
    if former != now and any(governed.governs_campaign(each) for each in (former, now) if each):
        raise GovernedByProgram


def columns_of(terms: DefinitionTerms) -> dict[str, Any]:
    """Return the terms by the names of the columns."""
    return asdict(terms)


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def add_generic_code(*, definition: CouponDefinition, text: str) -> CouponCode:
    """Give the definition a code for everybody. Raises ``CodeTaken`` when another definition has it."""
    spelled = normalised(text)
    if not spelled.isprintable() or len(spelled) > _LONGEST_CODE:
        wrong = FieldError("/generic_code", "code_spelling", f"At most {_LONGEST_CODE} printable characters.")
        raise InvalidInput(errors=[wrong])
    code, created = CouponCode.objects.get_or_create(
        code=spelled, defaults={"definition": definition, "is_generic": True, **values_of(definition)}
    )
    if not created and code.definition_id != definition.pk:
        raise CodeTaken
    found: CouponCode = code
    return found


def _replace_items(definition: CouponDefinition, skus: Collection[str]) -> None:
    wanted = sorted(set(skus))
    known = set(Item.objects.filter(external_id__in=wanted).values_list("external_id", flat=True))
    if missing := [sku for sku in wanted if sku not in known]:
        shown = ", ".join(missing[:5])
        raise InvalidInput(errors=[FieldError("/items", "unknown_items", f"There is no item {shown}.")])
    definition.items.all().delete()
    definition.has_items = bool(wanted)
    definition.save(update_fields=["has_items"])
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(_ADD_ITEMS, [definition.pk, active_tenant_id(), wanted])


def _errors(terms: DefinitionTerms) -> Iterator[FieldError]:
    yield from _value_errors(terms)
    yield from _time_errors(terms)
    for name in ("uses_per_code", "uses_per_customer", "uses_per_period", "limit_uses", "valid_days"):
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
    if terms.uses_per_period is not None and terms.period not in CouponPeriod.values:
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


def _unknown_segments(terms: DefinitionTerms) -> Iterator[FieldError]:
    known = set(Segment.objects.filter(key__in=terms.segments).values_list("key", flat=True))
    for key in terms.segments:
        if key not in known:
            yield FieldError("/segments", "unknown_segment", f"There is no segment {key!r}.")


def _unknown_tiers(keys: Collection[str]) -> Iterator[FieldError]:
    """Yield an error for each key that the program in force has no tier for."""
    published = programs.published() if keys else None
    known = {tier.key for tier in published.revision.tiers} if published else set()
    for key in sorted(set(keys) - known):
        yield FieldError("/tiers", "unknown_tier", f"There is no tier {key!r}.")


def _sensitive_values(rule: Any) -> Iterator[FieldError]:
    if names := spoken_of(parse(rule), sensitive.hidden()):
        yield FieldError("/rule", "sensitive_value", f"Sensitive: {', '.join(names)}.")
