"""Coupon definitions: terms written and changed by staff, with their items and their code for everybody."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from crm.domain.hidden_values import spoken_of
from crm.domain.rules import parse
from crm.models import Item, Segment
from crm.queries import sensitive
from rewards.domain.coupon_codes import LONGEST_CODE, is_spelled, normalised
from rewards.locks import lock_coupon_definition
from rewards.models import CouponCampaign, CouponCode, CouponDefinition
from rewards.queries import governed, programs
from rewards.services.coupons.definition_terms import DefinitionTerms, columns_of, errors_of
from rewards.services.coupons.issuing import values_of
from rewards.services.errors import GovernedByProgram
from tenants.domain.actors import Actor
from tenants.errors import Conflict, FieldError, InvalidInput
from tenants.scope import active_tenant_id
from tenants.services import audit

_ADD_ITEMS: Final = """
INSERT INTO rewards_couponitem (tenant_id, definition_id, item_id)
SELECT i.tenant_id, %s, i.id FROM crm_item i
WHERE i.tenant_id = %s AND i.external_id = ANY(%s) ON CONFLICT DO NOTHING
"""


class CodeTaken(InvalidInput):
    """Another coupon has this code, in force or in the draft; names the field."""

    code = "code_taken"
    status = 409
    title = "This code exists already"

    def __init__(self, coupon: str) -> None:
        detail = f"The coupon {coupon!r} has this code."
        super().__init__(errors=[FieldError("/generic_code", self.code, detail)])


class DefinitionKeyTaken(Conflict):
    """The tenant has a coupon with this key already; carries ``key``."""

    code = "coupon_key_taken"
    title = "This key is taken"


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
    if errors := _errors(terms, former, of_program=of_program):
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


def _errors(terms: DefinitionTerms, former: Mapping[str, Any], *, of_program: bool) -> list[FieldError]:
    errors = [*errors_of(terms), *_unknown_segments(terms)]
    if not of_program:
        # A revision's coupons are checked against its own ladder.
        errors += _unknown_tiers(set(terms.tiers) - set(former.get("tiers", ())))
    # A rule that was there before its values were called sensitive keeps nobody from ending the coupon.
    if not errors and terms.rule is not None and terms.rule != former.get("rule"):
        errors += _sensitive_values(terms.rule)
    return errors


def _refuse_governed_campaigns(key: str, campaign: CouponCampaign | None) -> None:
    """Raise ``GovernedByProgram`` where the coupon would join or leave a campaign of the program."""
    row = CouponDefinition.objects.select_related("campaign").filter(key=key).first()
    former = row.campaign.key if row and row.campaign else ""
    now = campaign.key if campaign else ""
    if former != now and any(governed.governs_campaign(each) for each in (former, now) if each):
        raise GovernedByProgram


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def add_generic_code(*, definition: CouponDefinition, text: str) -> CouponCode:
    """Give the definition a code for everybody. Raises ``CodeTaken`` when it is another coupon's or one's."""
    spelled = normalised(text)
    if not is_spelled(spelled):
        wrong = FieldError("/generic_code", "code_spelling", f"At most {LONGEST_CODE} printable characters.")
        raise InvalidInput(errors=[wrong])
    code, created = CouponCode.objects.get_or_create(
        code=spelled, defaults={"definition": definition, "is_generic": True, **values_of(definition)}
    )
    if not created and (code.definition_id != definition.pk or not code.is_generic):
        raise CodeTaken(code.definition.key)
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
