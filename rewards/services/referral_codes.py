"""Codes of members: made on the first call, and whose code one is."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from crm.models import Customer, CustomerState
from crm.queries import survivors
from rewards.domain.coupon_codes import Pattern, normalised
from rewards.models import ReferralCode, ReferralProgram
from tenants.errors import Conflict, FieldError, InvalidInput

_PATTERN: Final = Pattern("####-####")
_ATTEMPTS: Final = 5


def code_of(*, customer: Customer, at: datetime) -> ReferralCode:
    """Return the member's code, made on the first call."""
    for text in _PATTERN.codes(_ATTEMPTS, secrets.token_bytes):
        try:
            with transaction.atomic():
                code, _created = ReferralCode.objects.get_or_create(
                    customer=customer, defaults={"code": text, "created_at": at}
                )
        except IntegrityError:
            continue
        found: ReferralCode = code
        return found
    raise Conflict("No free referral code was found.")


def code_for_member(*, customer: Customer, at: datetime) -> str | None:
    """Return the code to show a member; ``None`` while the tenant has no active referral program."""
    if not ReferralProgram.objects.filter(is_active=True).exists():
        return None
    return code_of(customer=customer, at=at).code


def owner_of(code: str) -> Customer:
    """Return whose code it is; that of a merged record brings friends to its survivor. ``InvalidInput``."""
    row = ReferralCode.objects.filter(code=normalised(code)).first()
    owner = survivors.survivor_of(row.customer_id) if row is not None else None
    if owner is None or owner.state != CustomerState.ACTIVE:
        raise InvalidInput(errors=[FieldError("/code", "unknown_code", "There is no such referral code.")])
    return owner
