"""The only place of this app with row locks; the ledger's own stand in its database functions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Q, QuerySet

from rewards.models import (
    AbuseReview,
    Account,
    AdjustmentRequest,
    BudgetUsage,
    ChallengeParticipation,
    CodeState,
    CouponCode,
    CouponDefinition,
    CouponPool,
    CouponRedemption,
    OwedGift,
    Program,
    ProgramRevision,
    Redemption,
    Referral,
    Reward,
    TierMembership,
)
from tenants.scope import active_tenant_id

# A batch of more members locks the program instead: a lock is an entry in a small table of the server.
_MOST_MEMBER_LOCKS: Final = 200
_LOCK_PROGRAM: Final = """
    SELECT pg_advisory_xact_lock{shared}(hashtextextended('rewards.program:' || %(tenant)s, 0))
"""
_LOCK_MEMBERS: Final = """
    SELECT pg_advisory_xact_lock(hashtextextended('rewards.member:' || %(tenant)s || ':' || t.id, 0))
    FROM (SELECT unnest(%(customers)s::bigint[]) AS id ORDER BY 1) t
"""
_LOCK_BUDGETS: Final = """
    INSERT INTO rewards_budgetusage AS b (tenant_id, budget_key, period_number, points, money_minor)
    SELECT %(tenant)s, t.key, t.number, 0, 0
    FROM unnest(%(keys)s::text[], %(numbers)s::bigint[]) AS t(key, number)
    ON CONFLICT (tenant_id, budget_key, period_number) DO UPDATE SET points = b.points
    RETURNING b.budget_key, b.period_number, b.points, b.money_minor
"""

# Two kinds of rows in one message: what a use changes, locked as it is then, and what it leaves alone.
_LOCK_CODES: Final = """
    SELECT counted.* FROM (
        SELECT c.* FROM rewards_couponcode c
        WHERE c.tenant_id = %(tenant)s AND c.code = ANY(%(codes)s::text[])
          AND (c.uses_limit IS NOT NULL OR c.balance_minor IS NOT NULL OR c.customer_id IS NOT NULL)
        ORDER BY c.id FOR UPDATE
    ) AS counted
    UNION ALL
    SELECT c.* FROM rewards_couponcode c
    WHERE c.tenant_id = %(tenant)s AND c.code = ANY(%(codes)s::text[])
      AND c.uses_limit IS NULL AND c.balance_minor IS NULL AND c.customer_id IS NULL
"""
_KEEP_CUSTOMERS: Final = """
    SELECT id FROM crm_customer WHERE tenant_id = %(tenant)s AND id = ANY(%(customers)s)
    ORDER BY id FOR KEY SHARE
"""


def lock_members(customer_ids: Collection[int]) -> None:
    """Keep others from deciding about these members until the transaction ends.

    Not the customers' rows: those belong to crm, whose writers would wait for a posting.
    """
    is_large = len(customer_ids) > _MOST_MEMBER_LOCKS
    parameters: dict[str, Any] = {"tenant": active_tenant_id(), "customers": sorted(customer_ids)}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_PROGRAM.format(shared="" if is_large else "_shared"), parameters)
        if not is_large:
            cursor.execute(_LOCK_MEMBERS, parameters)


def lock_whole_program() -> None:
    """Keep everybody else from deciding anything under caps or budgets until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_PROGRAM.format(shared=""), {"tenant": active_tenant_id()})


def lock_budgets(windows: Collection[tuple[str, int]]) -> list[BudgetUsage]:
    """Lock what budgets paid in the given (budget, period number), making the rows that are missing."""
    ordered = sorted(windows)
    parameters: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "keys": [key for key, _ in ordered],
        "numbers": [number for _, number in ordered],
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_BUDGETS, parameters)
        return [
            BudgetUsage(budget_key=key, period_number=number, points=points, money_minor=money)
            for key, number, points, money in cursor.fetchall()
        ]


def lock_program() -> Program | None:
    """Lock the tenant's program, so that two publications cannot interleave."""
    program: Program | None = Program.objects.select_for_update().first()
    return program


def lock_revision(revision_id: int) -> ProgramRevision:
    revision: ProgramRevision = ProgramRevision.objects.select_for_update().get(pk=revision_id)
    return revision


def lock_reward(reward_id: int) -> Reward:
    reward: Reward = Reward.objects.select_for_update().get(pk=reward_id)
    return reward


def lock_redemption(redemption_id: int) -> Redemption:
    redemption: Redemption = Redemption.objects.select_for_update().get(pk=redemption_id)
    return redemption


def lock_adjustment(request_id: int) -> AdjustmentRequest:
    row: AdjustmentRequest = AdjustmentRequest.objects.select_for_update().get(pk=request_id)
    return row


def lock_owed_gifts(due: QuerySet[OwedGift], *, after: int, most: int) -> list[OwedGift]:
    """Lock some of the gifts that are due, behind one number; those that others settle are passed over."""
    behind = due.filter(pk__gt=after).order_by("pk")
    return list(behind.select_for_update(of=("self",), skip_locked=True)[:most])


def lock_accounts(account_ids: list[int]) -> list[Account]:
    return list(Account.objects.filter(pk__in=account_ids).order_by("pk").select_for_update())


def lock_coupon_codes(codes: Collection[str]) -> list[CouponCode]:
    """Lock the codes a use would change, in id order, and return all of them.

    A code for everybody without a limit is not locked: every cart of the shop would wait for it.
    """
    parameters: dict[str, Any] = {"tenant": active_tenant_id(), "codes": list(codes)}
    return list(CouponCode.objects.raw(_LOCK_CODES, parameters))


def next_free_coupon_code(definition_id: int, at: datetime) -> CouponCode | None:
    """Lock and return a free code of the definition; codes that others are taking are passed over."""
    pools = CouponPool.objects.filter(definition_id=definition_id).order_by("pk")
    for pool_id in pools.values_list("pk", flat=True):
        free = CouponCode.objects.filter(pool_id=pool_id, state=CodeState.AVAILABLE)
        still_valid = free.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=at)).order_by("pk")
        code: CouponCode | None = still_valid.select_for_update(skip_locked=True).first()
        if code is not None:
            return code
    return None


def lock_coupon_definition(definition_id: int) -> CouponDefinition:
    rows = CouponDefinition.objects.select_related("campaign")
    definition: CouponDefinition = rows.select_for_update(of=("self",)).get(pk=definition_id)
    return definition


def lock_coupon_key(key: str) -> None:
    """Let those who make a coupon with one key come one transaction after the other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [f"coupon:{key}", active_tenant_id()]
        )


def lock_coupon_redemption(redemption_id: int) -> CouponRedemption:
    redemption: CouponRedemption = CouponRedemption.objects.select_for_update().get(pk=redemption_id)
    return redemption


def lock_participations(customer_ids: Collection[int]) -> list[ChallengeParticipation]:
    """Lock who takes part in what, in the order in which counting does."""
    rows = ChallengeParticipation.objects.filter(customer__in=list(customer_ids))
    return list(rows.order_by("customer_id", "challenge_key").select_for_update(of=("self",)))


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


def lock_referral(referral_id: int) -> Referral:
    referral: Referral = Referral.objects.select_for_update().get(pk=referral_id)
    return referral


def lock_pace(of: str) -> None:
    """Let what counts against one limit of pace come one transaction after the other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [f"pace:{of}", active_tenant_id()]
        )


def lock_referrals(referral_ids: Collection[int]) -> list[Referral]:
    """Lock referrals in id order; their customers must be kept from merges already."""
    return list(Referral.objects.filter(pk__in=list(referral_ids)).order_by("pk").select_for_update())


def keep_from_merges(customer_ids: Collection[int]) -> None:
    """Let nobody merge these customers until the transaction ends; waits for merges under way.

    A merge locks customers first and their rows later. Whoever locks rows and then writes something that
    names a customer would meet it halfway; asking for the customers first, like the merge, avoids that.
    """
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_CUSTOMERS, {"tenant": active_tenant_id(), "customers": sorted(customer_ids)})


def lock_review(review_id: int) -> AbuseReview:
    review: AbuseReview = AbuseReview.objects.select_for_update().get(pk=review_id)
    return review
