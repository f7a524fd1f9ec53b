"""Giving codes to customers: from a pool while it lasts, else made from the definition's pattern."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet

from crm.models import Customer, CustomerState
from rewards.domain.coupon_codes import Pattern, PatternError, is_spelled, normalised
from rewards.domain.coupon_validity import end_after_days
from rewards.locks import lock_coupon_codes, next_free_coupon_code
from rewards.models import CodeState, CouponCode, CouponDefinition, CouponKind
from rewards.queries import coupon_definitions
from rewards.services.coupons.errors import NoCodes, WrongCouponState
from rewards.services.errors import CouponPaused, CustomerNotActive
from rewards.services.ledger import Source
from tenants.domain.actors import Actor
from tenants.errors import NotFound
from tenants.scope import active_tenant
from tenants.services import audit, outbox

_ATTEMPTS = 5


@transaction.atomic
def issue(*, customer_id: int, definition_key: str, source: Source, by: Actor, at: datetime) -> CouponCode:
    """Give the customer one code of the definition, once per ``source`` for ever.

    Raises ``NotFound`` when there is no such definition, ``CouponPaused``, ``CustomerNotActive``, and
    ``NoCodes`` when no code can be had.
    """
    earlier = of_source(source)
    if earlier is not None:
        return earlier
    state = Customer.objects.values_list("state", flat=True).get(pk=customer_id)
    if state != CustomerState.ACTIVE:
        raise CustomerNotActive(f"The customer is {state}.", state=state)
    definition = definition_of(definition_key)
    require_not_paused(definition, at)
    try:
        with transaction.atomic():
            code = reserve_code(definition=definition, source=source, at=at)
            return assign(code=code, customer_id=customer_id, by=by, at=at)
    except IntegrityError:
        # A twin with the same source was faster.
        earlier = of_source(source)
        if earlier is None:
            raise
        return earlier


def of_source(source: Source) -> CouponCode | None:
    """Return the code that was issued for ``source``, if one was."""
    codes: QuerySet[CouponCode] = CouponCode.objects.filter(source_type=source.type, source_id=source.id)
    return codes.select_related("definition").first()


def definition_of(key: str) -> CouponDefinition:
    """Return the offered coupon with this key. Raises ``NotFound``, also for one that was archived."""
    definition: CouponDefinition | None = (
        coupon_definitions.with_brakes().filter(key=key, is_active=True).first()
    )
    if definition is None:
        raise NotFound(f"There is no coupon definition {key!r}.")
    return definition


def require_not_paused(definition: CouponDefinition, at: datetime) -> None:
    """Raise ``CouponPaused`` while an emergency brake is on the coupon, read with its brakes."""
    if coupon_definitions.is_paused(definition, at):
        raise CouponPaused(f"The coupon {definition.key!r} is paused.", key=definition.key)


def reserve_code(
    *, definition: CouponDefinition, source: Source, at: datetime, ttl: timedelta | None = None
) -> CouponCode:
    """Take a free code out of the pool, or make one; with ``ttl`` it goes back unless it is assigned."""
    code = next_free_coupon_code(definition.pk, at)
    if code is None:
        code = _made(definition)
    code.source_type, code.source_id = source.type, source.id
    code.state, code.reserved_until = CodeState.RESERVED, at + (ttl or timedelta(minutes=1))
    code.save()
    return code


def _made(definition: CouponDefinition) -> CouponCode:
    pattern = Pattern(definition.code_pattern, definition.has_checksum)
    try:
        pattern.require_room_for(1)
    except PatternError as error:
        raise NoCodes(str(error)) from error
    for text in pattern.codes(_ATTEMPTS, secrets.token_bytes):
        if not CouponCode.objects.filter(code=text).exists():
            return CouponCode(definition=definition, code=text, **values_of(definition))
    raise NoCodes


def values_of(definition: CouponDefinition) -> dict[str, Any]:
    """Return what a new code takes over from its definition."""
    is_money = definition.kind == CouponKind.STORED_VALUE
    return {
        "uses_limit": definition.uses_per_code,
        "balance_minor": definition.amount_minor if is_money else None,
    }


def assign(*, code: CouponCode, customer_id: int, by: Actor, at: datetime) -> CouponCode:
    """Make a reserved or free code the customer's; its relative validity starts now."""
    if code.state not in {CodeState.RESERVED, CodeState.AVAILABLE}:
        raise WrongCouponState(f"The code is {code.state}.", state=code.state)
    zone = active_tenant().zone
    code.state, code.reserved_until = CodeState.ASSIGNED, None
    code.customer_id, code.issued_at = customer_id, at
    ends = [end_after_days(at, code.definition.valid_days, zone), code.expires_at]
    code.expires_at = min((end for end in ends if end is not None), default=None)
    code.save()
    payload = {"code_id": code.pk, "customer_id": customer_id}
    outbox.publish(topic="rewards.coupon_issued", payload=payload, at=at)
    return code


@transaction.atomic
def give_back(*, code: CouponCode, at: datetime) -> bool:
    """Return a reserved or unused code to its pool; a code that was used stays. Returns whether it went."""
    (row,) = lock_coupon_codes([code.code])
    if row.uses or row.state not in {CodeState.RESERVED, CodeState.ASSIGNED}:
        return False
    row.source_type = row.source_id = row.customer_id = row.issued_at = row.reserved_until = None
    row.state = CodeState.AVAILABLE
    if row.pool_id is None:
        # Nobody else may have a code whose first owner knows it.
        row.state, row.void_reason = CodeState.VOID, "given back"
    row.save()
    return True


@transaction.atomic
def void(*, text: str, reason: str, by: Actor, at: datetime) -> CouponCode:
    """Switch a code off for ever; audited. Raises ``NotFound`` and ``WrongCouponState``."""
    code = normalised(text)
    rows = lock_coupon_codes([code]) if is_spelled(code) else []
    if not rows:
        raise NotFound("There is no such code.")
    row = rows[0]
    if row.state == CodeState.VOID:
        raise WrongCouponState("The code is void already.", state=row.state)
    before, row.state, row.void_reason = row.state, CodeState.VOID, reason[:300]
    row.save()
    _audit(row, "coupon_code.voided", {"state": [before, row.state], "reason": [None, reason]}, by, at)
    return row


def expire_batch(*, at: datetime, most: int = 5000) -> int:
    """Mark codes whose time is over; returns how many. Using one never waits for it."""
    open_states = [CodeState.AVAILABLE, CodeState.ASSIGNED, CodeState.REDEEMED]
    due = CouponCode.objects.filter(state__in=open_states, expires_at__lte=at, customer__isnull=False)
    ids = list(due.order_by("pk").values_list("pk", flat=True)[:most])
    return CouponCode.objects.filter(pk__in=ids, state__in=open_states).update(state=CodeState.EXPIRED)


def free_lapsed(*, at: datetime) -> int:
    """Return codes whose reservation lapsed to their pool; returns how many."""
    lapsed = CouponCode.objects.filter(state=CodeState.RESERVED, reserved_until__lte=at)
    return lapsed.update(state=CodeState.AVAILABLE, reserved_until=None, source_type=None, source_id=None)


def _audit(target: Model, action: str, diff: dict[str, Any], by: Actor, at: datetime) -> None:
    audit.record(action=action, target=target, by=by, at=at, diff=diff)
