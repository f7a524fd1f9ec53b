"""What came of challenges in a rehearsal, beside what really came of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rewards.domain.challenges.definition import Challenge
from rewards.domain.engine import Engine
from rewards.domain.programs import Revision
from rewards.domain.rehearsals import ShadowLedger
from rewards.domain.shadow_challenge import ChallengeTotals


@dataclass(slots=True)
class ActualChallenge:
    """What really came of a challenge in some days.

    ``members`` had anything counted; milestones are those of the live program, points by wallet less what was
    taken back. ``is_later``: it began after the days did.
    """

    members: int = 0
    completions: int = 0
    milestones: int = 0
    points: dict[str, int] = field(default_factory=dict)
    is_later: bool = False


def told(
    ledger: ShadowLedger, actual: Mapping[str, ActualChallenge], live: Engine | None
) -> list[dict[str, Any]]:
    """Return a row for each challenge of the revision, and of those that only the live one has."""
    theirs = {each.key: each for each in live.revision.challenges} if live else {}
    ours = {each.challenge.key: each for each in ledger.challenges or ()}
    return [
        _row(challenge, totals, actual.get(challenge.key, ActualChallenge()), ledger.engine.revision,
             is_gone=is_gone, is_new=live is not None and challenge.key not in theirs)
        for challenge, totals, is_gone in (
            *((each.challenge, each.totals, False) for each in ours.values()),
            *_gone(theirs, ours),
        )
    ]  # fmt: skip


def _gone(
    theirs: Mapping[str, Challenge], ours: Mapping[str, Any]
) -> Iterator[tuple[Challenge, ChallengeTotals, bool]]:
    for key, challenge in theirs.items():
        if key not in ours:
            yield challenge, ChallengeTotals(), True


def _row(
    challenge: Challenge, totals: ChallengeTotals, actual: ActualChallenge, revision: Revision, *,
    is_gone: bool, is_new: bool,
) -> dict[str, Any]:  # fmt: skip
    policies = {wallet.key: wallet for wallet in revision.wallets}
    return {
        "challenge": challenge.key, "name": challenge.name, "kind": challenge.kind, "is_gone": is_gone,
        # Nobody could have asked to take part in what there was not.
        "is_closed": is_new and challenge.needs_opt_in,
        "is_later": actual.is_later and not is_new,
        "members": len(totals.members), "completions": totals.completions, "milestones": totals.milestones,
        "points": sum(totals.points.values()),
        "cost_minor": sum(policies[key].cost_minor(points) for key, points in totals.points.items()),
        "others": {name: times for name, times in sorted(totals.others.items()) if times},
        "actual": {
            "members": actual.members, "completions": actual.completions, "milestones": actual.milestones,
            "points": sum(actual.points.values()),
            "cost_minor": sum(
                policies[key].cost_minor(points) for key, points in actual.points.items() if key in policies
            ),
        },
    }  # fmt: skip
