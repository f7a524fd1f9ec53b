"""Pulling and releasing emergency brakes: at once, without a publication, and never looser."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from rewards.domain.brakes import Brake, BrakeKind, is_in_range, is_tighter, read
from rewards.domain.policies import Pace, VelocityLimit
from rewards.locks import lock_revision
from rewards.models import CouponCampaign, CouponDefinition, ProgramRevision, RevisionState, Reward
from rewards.queries import compiled_revisions
from rewards.services import owed_gifts, velocity
from tenants.domain.actors import Actor
from tenants.errors import Conflict, FieldError, InvalidInput, NotFound
from tenants.services import audit

LONGEST: Final = timedelta(days=90)
_LONGEST_REASON: Final = 300


class NothingInForce(Conflict):
    """A brake is on a program in force, and there is none."""

    code = "nothing_in_force"
    title = "No program is in force"


@transaction.atomic
def pull(
    *,
    kind: BrakeKind,
    key: str,
    reason: str,
    by: Actor,
    at: datetime,
    until: datetime | None = None,
    most: int | None = None,
    window_hours: int | None = None,
) -> Brake:
    """Pause a rule, coupon, campaign or reward, or tighten a limit, until then or the next publication.

    Of a limit ``most`` in ``window_hours`` must be tighter than what holds now; zero lets nothing pass. A
    brake that is on is replaced. Raises ``NothingInForce`` and ``InvalidInput``.
    """
    row = _in_force()
    limit = VelocityLimit(Pace(key), most or 0, window_hours or 0) if _is_limit(kind, key) else None
    errors = [*_errors(kind, key, row), *_time_errors(reason, until, at)]
    if limit is not None:
        errors += _limit_errors(limit, most, at)
    if errors:
        raise InvalidInput(errors=errors)
    brake = Brake(kind, key, reason.strip(), by.label[:200], at, until, limit)
    kept = _without(row, kind, key)
    row.brakes = [*kept, brake.to_json()]
    row.save(update_fields=["brakes"])
    audit.record(
        action="program.brake_pulled",
        target=row,
        by=by,
        at=at,
        diff={f"{kind}: {key}": [None, brake.to_json()]},
    )
    return brake


@transaction.atomic
def release(*, kind: BrakeKind, key: str, by: Actor, at: datetime) -> None:
    """Let what was approved hold again. Raises ``NothingInForce`` and ``NotFound``."""
    row = _in_force()
    kept = _without(row, kind, key)
    if len(kept) == len(row.brakes):
        raise NotFound(f"There is no brake on {key!r}.")
    (gone,) = [each for each in row.brakes if each not in kept]
    row.brakes = kept
    row.save(update_fields=["brakes"])
    diff = {f"{kind}: {key}": [gone, None]}
    audit.record(action="program.brake_released", target=row, by=by, at=at, diff=diff)
    owed_gifts.start_giving(by=by, at=at)


def _in_force() -> ProgramRevision:
    found = ProgramRevision.objects.filter(state=RevisionState.PUBLISHED).values_list("pk", flat=True).first()
    row = lock_revision(found) if found else None
    # Whoever published meanwhile has ended the brakes of this one.
    if row is None or row.state != RevisionState.PUBLISHED:
        raise NothingInForce
    return row


def _without(row: ProgramRevision, kind: BrakeKind, key: str) -> list[dict[str, object]]:
    brakes = ((each, read(each)) for each in row.brakes)
    return [each for each, brake in brakes if (brake.kind, brake.key) != (kind, key)]


def _is_limit(kind: BrakeKind, key: str) -> bool:
    return kind is BrakeKind.LIMIT and key in list(Pace)


def _errors(kind: BrakeKind, key: str, row: ProgramRevision) -> list[FieldError]:
    revision = compiled_revisions.revision_of(row)
    is_known = {
        BrakeKind.RULE: lambda: any(rule.key == key for rule in revision.rules),
        BrakeKind.COUPON: lambda: CouponDefinition.objects.filter(key=key, is_active=True).exists(),
        BrakeKind.REWARD: lambda: Reward.objects.filter(key=key, is_active=True).exists(),
        BrakeKind.CAMPAIGN: lambda: CouponCampaign.objects.filter(key=key).exists(),
        BrakeKind.LIMIT: lambda: key in list(Pace),
    }[kind]()
    return [] if is_known else [FieldError("/key", "unknown", f"There is no {kind} {key!r} in force.")]


def _time_errors(reason: str, until: datetime | None, at: datetime) -> list[FieldError]:
    found = []
    if not 0 < len(reason.strip()) <= _LONGEST_REASON:
        found.append(FieldError("/reason", "required", f"Say why, in at most {_LONGEST_REASON} characters."))
    if until is not None and not at < until <= at + LONGEST:
        found.append(FieldError("/until", "out_of_range", f"Within the next {LONGEST.days} days."))
    return found


def _limit_errors(limit: VelocityLimit, most: int | None, at: datetime) -> list[FieldError]:
    if most is None or not is_in_range(limit):
        return [FieldError("/most", "out_of_range", "How many, in how many hours.")]
    now = velocity.limits(at=at)[limit.kind]
    if is_tighter(limit, now):
        return []
    return [FieldError("/most", "not_tighter", f"Tighter than {now.most} in {now.window_hours} hours.")]
