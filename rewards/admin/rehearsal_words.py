"""What has to be said of the days that were rehearsed, and of the tiers that members moved between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from rewards.domain.programs import Revision
from rewards.models import ProgramRevision, Rehearsal

_INSTANT: Final = timedelta(microseconds=1)


class Played(NamedTuple):
    """The first and the last local day of a rehearsal.

    ``is_before_live``: the program in force was published later, so that what really happened then is what
    the history was given afterwards.
    """

    first: date
    last: date
    is_moved: bool
    is_before_live: bool
    has_later_challenges: bool


def played(rehearsal: Rehearsal, zone: tzinfo, live: ProgramRevision | None) -> Played:
    """Return what is to be said of a rehearsal's days."""
    since, until = datetime.fromisoformat(rehearsal.result["since"]), rehearsal.until
    published_at = live.published_at if live else None
    return Played(
        since.astimezone(zone).date(),
        (until - _INSTANT).astimezone(zone).date(),
        rehearsal.result.get("is_moved", False),
        published_at is not None and published_at >= until,
        any(row.get("is_later") for row in rehearsal.result.get("challenges", ())),
    )


class Move(NamedTuple):
    """Members who would be in another tier; a side without a tier is empty."""

    former: str
    tier: str
    members: int


def moves(rehearsal: Rehearsal, revision: Revision, live: Revision | None) -> Iterator[Move]:
    """Yield the moves between tiers by name: the rehearsed revision's, else that of the one in force."""
    tiers = (*(live.tiers if live else ()), *revision.tiers)
    names = {tier.key: tier.name for tier in tiers}
    for row in rehearsal.result.get("tiers", ()):
        former, tier = row["from"] or "", row["to"] or ""
        yield Move(names.get(former, former), names.get(tier, tier), row["members"])
