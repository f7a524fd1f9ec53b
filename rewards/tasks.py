"""Jobs and sweeps of the rewards app: thin, each opening the scope and calling one service."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from celery import shared_task
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rewards.services import (
    cancellations,
    challenge_recounts,
    challenges,
    expiries,
    history,
    liability,
    lots,
    member_days,
    owed_gifts,
    owed_givings,
    preset_traffic,
    program_copies,
    referral_qualifications,
    rehearsals,
    tiers,
    verification,
)
from rewards.services.coupons import issuing, pools, redemptions
from tenants.domain.actors import SYSTEM
from tenants.queue import JobContext, job_handler
from tenants.scope import for_each_tenant, tenant_scope


@job_handler("rewards.post_history", label=_("Post points for past orders"))
def post_history(*, job: JobContext) -> dict[str, Any]:
    report = history.post(tenant=job.tenant, by=job.actor, at=job.at, progress=job.progress)
    return {"orders": report.orders, "returns": report.returns}


@job_handler(program_copies.KIND, label=_("Copy a program"))
def copy_program(*, job: JobContext) -> dict[str, Any]:
    return program_copies.copy(tenant=job.tenant, params=job.params, at=job.at)


@job_handler(program_copies.LOOK, label=_("Look at what a copy of the program brings"))
def look_at_copy(*, job: JobContext) -> dict[str, Any]:
    return program_copies.preview(tenant=job.tenant, params=job.params, at=job.at)


@job_handler(
    rehearsals.KIND,
    label=_("Rehearse a draft"),
    leads_to=lambda params: ("program_revision", [params["number"]]),
)
def rehearse(*, job: JobContext) -> dict[str, Any]:
    """Rehearse revision ``number`` over ``days`` before the ISO moment ``until``, or before now."""
    until, asked_at = job.params.get("until"), job.params.get("asked_at")
    return rehearsals.rehearse(
        tenant=job.tenant,
        number=job.params["number"],
        days=job.params["days"],
        by=job.actor,
        label=job.params["by"],
        at=job.at,
        progress=job.progress,
        until=datetime.fromisoformat(until) if until else None,
        is_moved=job.params.get("is_moved", False),
        asked_at=datetime.fromisoformat(asked_at) if asked_at else None,
    )


@job_handler("rewards.recompute_tiers", label=_("Recompute tiers"), is_nightly=True)
def recompute_tiers(*, job: JobContext) -> dict[str, Any]:
    """As of now, or as of the ISO moment ``as_of`` for data that ended in the past."""
    given = job.params.get("as_of")
    with tenant_scope(job.tenant):
        at = datetime.fromisoformat(given) if given else job.at
        return {"members": tiers.recompute(at=at, is_forced=bool(given))}


@job_handler("rewards.expire_points", label=_("Expire points"), is_nightly=True)
def expire_points(*, job: JobContext) -> dict[str, Any]:
    points = transactions = 0
    while True:
        with tenant_scope(job.tenant):
            report = expiries.expire_batch(at=job.at)
        if not report.accounts:
            return {"points": points, "transactions": transactions}
        points, transactions = points + report.points, transactions + report.transactions
        job.progress(transactions, transactions, f"{points} points expired")


@job_handler("rewards.warn_of_expiry", label=_("Warn of points that end soon"), is_nightly=True)
def warn_of_expiry(*, job: JobContext) -> dict[str, Any]:
    """Tell the messaging side whose points end soon."""
    with tenant_scope(job.tenant):
        return {"members": expiries.warn(zone=job.tenant.zone, at=job.at)}


@job_handler("rewards.snapshot_liability", label=_("Keep the liability of month ends"), is_nightly=True)
def snapshot_liability(*, job: JobContext) -> dict[str, Any]:
    """Keep the month ends that are not kept yet."""
    with tenant_scope(job.tenant):
        return {"month_ends": liability.snapshot_month_ends(at=job.at)}


@job_handler("rewards.verify_ledger", label=_("Verify the ledger"), is_nightly=True)
def verify_ledger(*, job: JobContext) -> dict[str, Any]:
    with tenant_scope(job.tenant):
        report = verification.verify_ledger(by=job.actor, at=job.at)
    return {"entries": report.entries, "findings": len(report.findings)}


@job_handler(pools.GENERATE, label=_("Make coupon codes"))
def generate_coupons(*, job: JobContext) -> dict[str, Any]:
    return {"codes": pools.fill(tenant=job.tenant, pool_id=job.params["pool_id"], progress=job.progress)}


@job_handler("rewards.expire_coupons", label=_("Expire coupons"), is_nightly=True)
def expire_coupons(*, job: JobContext) -> dict[str, Any]:
    codes = 0
    while True:
        with tenant_scope(job.tenant):
            expired = issuing.expire_batch(at=job.at)
        if not expired:
            return {"codes": codes}
        codes += expired
        job.progress(codes, codes, f"{codes} coupons expired")


@job_handler("rewards.reward_referrals", label=_("Pay owed referrals"), is_nightly=True)
def reward_referrals(*, job: JobContext) -> dict[str, Any]:
    """Pay referrals whose reward could not be given when they qualified."""
    with tenant_scope(job.tenant):
        return {"rewarded": referral_qualifications.reward_owed(by=job.actor, at=job.at)}


@job_handler(owed_gifts.JOB, label=_("Give what brakes kept back"))
def give_owed(*, job: JobContext) -> dict[str, Any]:
    """Give what rules, challenges and referrals owe since coupons or rewards were paused."""
    settled, batch = 0, owed_givings.Settled(last_id=0)
    while batch.last_id is not None:
        with tenant_scope(job.tenant):
            batch = owed_givings.give_batch(after=batch.last_id, by=job.actor, at=job.at)
        settled += batch.settled
        job.progress(settled, settled, f"{settled} gifts settled")
    with tenant_scope(job.tenant):
        rewarded = referral_qualifications.reward_owed(by=job.actor, at=job.at)
    return {"settled": settled, "rewarded": rewarded}


@shared_task(name="rewards.release_points")
def release_points() -> None:
    """Cancel redemptions whose reservation timed out, and time out holds. Safe to repeat."""
    cancellations.end_overdue_everywhere(by=SYSTEM, at=timezone.now())


@shared_task(name="rewards.release_coupons")
def release_coupons() -> None:
    """Give back coupon reservations that timed out, of the tenants that have any. Safe to repeat."""
    redemptions.release_overdue_everywhere(by=SYSTEM, at=timezone.now())


@job_handler("rewards.replay_challenges", label=_("Count past orders towards challenges"))
def replay_challenges(*, job: JobContext) -> dict[str, Any]:
    """Count orders and events since the ISO moment ``since`` towards the challenges in force."""
    since = datetime.fromisoformat(job.params["since"])
    counted = challenges.replay(
        tenant=job.tenant, since=since, by=job.actor, at=job.at, progress=job.progress
    )
    return {"completed": counted.completed, "given": counted.given}


@job_handler(challenge_recounts.JOB, label=_("Count challenges under way again"))
def recount_challenges(*, job: JobContext) -> dict[str, Any]:
    """Read the progress in the challenges ``keys`` again, which a revision has changed."""
    counted = challenge_recounts.recount(
        tenant=job.tenant, keys=job.params["keys"], by=job.actor, at=job.at, progress=job.progress
    )
    return {"completed": counted.completed, "given": counted.given}


@job_handler(preset_traffic.JOB, label=_("Play sample traffic"))
def play_preset(*, job: JobContext) -> dict[str, Any]:
    """Play the sample traffic of the preset ``preset`` for a new tenant."""
    played = preset_traffic.play(
        tenant=job.tenant, key=job.params["preset"], by=job.actor, at=job.at, progress=job.progress
    )
    return {"members": played.members, "events": played.events, "orders": played.orders}


@shared_task(name="rewards.sweep")
def sweep() -> None:
    """Of every tenant: activate and expire due lots, free lapsed codes, end periods, keep members' days.

    What brakes kept back is given where they have ended. Safe to repeat.
    """
    at = timezone.now()
    for _tenant in for_each_tenant():
        lots.activate_batch(at=at)
        expiries.expire_batch(at=at)
        issuing.free_lapsed(at=at)
        challenges.sweep(by=SYSTEM, at=at)
        member_days.award(by=SYSTEM, at=at)
        if owed_givings.give(by=SYSTEM, at=at) == owed_givings.MOST_AT_ONCE:
            owed_gifts.start_giving(by=SYSTEM, at=at)
