"""What happened, as it is played: told by whoever reads it, in time order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final, NamedTuple

from rewards.domain.facts import CustomerState, Due
from rewards.domain.measures import Leaving

_BY_TIME: Final = itemgetter(0, 1, 2)
# At one instant: what leaves a window is gone, staff have locked, accounts are frozen or open, history was
# posted, members have asked, orders come before returns, returns before events, points are released once the
# events are paid, held and spent then, and the night comes last.
LEFT, LOCKED, FROZEN, RESUMED, OPTED, ORDER, RETURN, EVENT, RELEASED, HELD, MOVED = range(11)
MEMBER_DAY, NIGHT = range(11, 13)


class Played(NamedTuple):
    """An event to be decided."""

    at: datetime
    kind: int
    id: int
    due: Due


class Late(NamedTuple):
    """An order of before that nobody decided: it is once something of it is given back, which comes next."""

    at: datetime
    kind: int
    id: int
    due: Due
    state: CustomerState


class Counted(NamedTuple):
    """An event that no rule answers to, but which tiers or challenges count.

    ``source`` is the client's id; that and the properties are told where a challenge asks for them.
    """

    at: datetime
    kind: int
    id: int
    customer_id: int
    name: str
    source: str = ""
    properties: Mapping[str, Any] = {}


class ReturnedUnits(NamedTuple):
    """Units of one order line that a return gave back, and their money."""

    position: int
    bought: int
    returned: int
    amount_minor: int = 0


class Returned(NamedTuple):
    """A return; ``is_whole`` when it took the last of the order's money."""

    at: datetime
    kind: int
    id: int
    customer_id: int
    order_id: int
    placed_at: datetime
    total_minor: int
    is_whole: bool
    units: Sequence[ReturnedUnits]


class Recounted(NamedTuple):
    """A return as challenges see it, once everything else was done about it."""

    at: datetime
    kind: int
    id: int
    order_id: int
    total_minor: int
    units: Sequence[ReturnedUnits]


class Opted(NamedTuple):
    """A member who asked to take part in a challenge, or left it."""

    at: datetime
    kind: int
    id: int
    customer_id: int
    challenge: str
    is_in: bool


class Released(NamedTuple):
    """What pending points of a member waited for has happened; see ``wallets.awaited``."""

    at: datetime
    kind: int
    id: int
    customer_id: int
    awaits: str


class Held(NamedTuple):
    """Points that somebody set aside."""

    at: datetime
    kind: int
    id: int
    customer_id: int
    wallet: str
    points: int


class Unheld(NamedTuple):
    """The end of a hold that gives the points back; ``id`` is the hold's."""

    at: datetime
    kind: int
    id: int
    customer_id: int
    wallet: str


class Left(NamedTuple):
    """What has left the 365 days of spend that rules see, or the window that decides tiers (``gone``)."""

    at: datetime
    kind: int
    id: int
    customer_id: int
    spend_minor: int
    gone: Leaving | None = None


class Locked(NamedTuple):
    """A tier locked by staff; without ``until`` the lock was ended."""

    at: datetime
    kind: int
    id: int
    customer_id: int
    key: str
    until: datetime | None


class Frozen(NamedTuple):
    """An account that was frozen, or opened again."""

    at: datetime
    kind: int
    id: int
    customer_id: int
    wallet: str
    is_frozen: bool


class Resumed(NamedTuple):
    """Somebody posted the history: what a frozen account had refused was decided after all."""

    at: datetime
    kind: int
    id: int
    event_type: str
    event_id: int


class Night(NamedTuple):
    """The run over everybody."""

    at: datetime
    kind: int = NIGHT
    id: int = 0


class Timetable:
    """What is known beforehand of all days together, by moment."""

    def __init__(self, found: Iterable[Any]) -> None:
        self._found = sorted(found, key=_BY_TIME)

    def between(self, since: datetime, until: datetime) -> Sequence[Any]:
        """Return what happens in a span."""
        first, last = (bisect_left(self._found, at, key=itemgetter(0)) for at in (since, until))
        return self._found[first:last]


def in_time_order(*streams: Sequence[Any]) -> list[Any]:
    """Merge what happened by moment and kind; within a kind by number."""
    merged = [item for stream in streams for item in stream]
    merged.sort(key=_BY_TIME)
    return merged
