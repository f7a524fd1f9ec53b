"""What has to be said of the days that were rehearsed."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

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
