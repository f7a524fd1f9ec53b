"""The terms of the tenant's referral program."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from rewards.domain.offers import ReferralQualification, ReferralReward, ReferralTerms
from rewards.models import CouponDefinition, ReferralProgram, Wallet
from rewards.queries import governed
from rewards.services.errors import GovernedByProgram
from tenants.domain.actors import Actor
from tenants.errors import FieldError, InvalidInput
from tenants.services import audit

MOST_LEVELS: Final = 3
MOST_POINTS: Final = 2**31 - 1
MOST_MINOR: Final = 10**15
LONGEST_DAYS: Final = 366


@transaction.atomic
def save_program(
    *, terms: ReferralTerms, by: Actor, at: datetime, of_program: bool = False
) -> ReferralProgram:
    """Write the tenant's referral program.

    Raises ``InvalidInput`` naming each field, and ``GovernedByProgram`` unless it comes ``of_program``, with
    a revision.
    """
    if not of_program and governed.governs_referral():
        raise GovernedByProgram
    errors = _errors(terms)
    if errors:
        raise InvalidInput(errors=errors)
    program = ReferralProgram.objects.first() or ReferralProgram()
    before, after = program.columns_of(program.terms), program.columns_of(terms)
    program.terms = terms
    program.save()
    changed = {name: [before[name], value] for name, value in after.items() if before[name] != value}
    audit.record(action="referral_program.saved", target=program, by=by, at=at, diff=changed)
    return program


def _errors(terms: ReferralTerms) -> list[FieldError]:
    found = []
    for side in ("referrer", "referee"):
        kind = getattr(terms, f"{side}_kind")
        points = getattr(terms, f"{side}_points")
        if not (kind == ReferralReward.POINTS) <= points <= MOST_POINTS:
            found.append(
                FieldError(f"/{side}_points", "out_of_range", f"Up to {MOST_POINTS:,}, and one at least.")
            )
        key = getattr(terms, f"{side}_coupon")
        if kind == ReferralReward.COUPON and not CouponDefinition.objects.filter(key=key).exists():
            found.append(FieldError(f"/{side}_coupon", "unknown_coupon", "No such coupon definition."))
    if terms.pays_points and not Wallet.objects.filter(key=terms.wallet).exists():
        found.append(FieldError("/wallet", "unknown_wallet", f"There is no wallet {terms.wallet!r}."))
    if terms.qualification == ReferralQualification.EVENT and not terms.event_name.strip():
        found.append(FieldError("/event_name", "required", "Say which event counts."))
    if not 0 <= terms.minimum_order_minor <= MOST_MINOR:
        found.append(FieldError("/minimum_order_minor", "out_of_range", "An amount of zero or more."))
    if not 1 <= terms.within_days <= LONGEST_DAYS:
        found.append(FieldError("/within_days", "out_of_range", "From one day to a year."))
    if len(terms.upper_points) >= MOST_LEVELS or any(
        not 0 <= points <= MOST_POINTS for points in terms.upper_points
    ):
        found.append(FieldError("/upper_points", "out_of_range", f"At most {MOST_LEVELS - 1} more levels."))
    return found
