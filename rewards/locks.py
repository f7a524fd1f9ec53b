"""The only place of this app with row locks; the ledger's own stand in its database functions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection
from django.db.models import Q

from rewards.models import (
    Account,
    CodeState,
    CouponCode,
    CouponRedemption,
    Program,
    ProgramRevision,
    Redemption,
    TierMembership,
)
from tenants.scope import active_tenant_id


def lock_program() -> Program | None:
    """Lock the tenant's program, so that two publications cannot interleave."""
    program: Program | None = Program.objects.select_for_update().first()
    return program


def lock_revision(revision_id: int) -> ProgramRevision:
    revision: ProgramRevision = ProgramRevision.objects.select_for_update().get(pk=revision_id)
    return revision


def lock_redemption(redemption_id: int) -> Redemption:
    redemption: Redemption = Redemption.objects.select_for_update().get(pk=redemption_id)
    return redemption


def lock_accounts(account_ids: list[int]) -> list[Account]:
    return list(Account.objects.filter(pk__in=account_ids).order_by("pk").select_for_update())


def lock_coupon_codes(codes: Collection[str]) -> list[CouponCode]:
    """Lock the codes a use would change, in id order, and return all of them with their definitions.

    A code for everybody without a limit is not locked: every cart of the shop would wait for it.
    """
    wanted = CouponCode.objects.filter(code__in=list(codes)).select_related("definition__campaign")
    unlimited = Q(uses_limit__isnull=True, balance_minor__isnull=True, customer__isnull=True)
    locked = list(wanted.exclude(unlimited).order_by("pk").select_for_update(of=("self",)))
    return locked + list(wanted.filter(unlimited))


def next_free_coupon_code(definition_id: int, at: datetime) -> CouponCode | None:
    """Lock and return a free code of the definition; codes that others are taking are passed over."""
    free = CouponCode.objects.filter(definition_id=definition_id, state=CodeState.AVAILABLE, is_generic=False)
    still_valid = free.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=at))
    ordered = still_valid.select_related("definition").order_by("pk")
    code: CouponCode | None = ordered.select_for_update(skip_locked=True, of=("self",)).first()
    return code


def lock_coupon_redemption(redemption_id: int) -> CouponRedemption:
    redemption: CouponRedemption = CouponRedemption.objects.select_for_update().get(pk=redemption_id)
    return redemption


def lock_challenge_limit(key: str) -> None:
    """Let completions of one challenge with a total limit come one transaction after the other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [f"challenge:{key}", active_tenant_id()]
        )


def lock_tier_memberships(customer_ids: Collection[int]) -> list[TierMembership]:
    """Lock what customers hold, so that the next statement sees what others have just changed."""
    rows = TierMembership.objects.filter(customer_id__in=list(customer_ids))
    return list(rows.order_by("customer_id").select_for_update())
