"""What happens in the stories that are told live and rehearsed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Buy:
    """An order: lines are (category, quantity, money)."""

    at: datetime
    who: int
    lines: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class GiveBack:
    """A return of units, by position, of the order that is number ``order`` in the story."""

    at: datetime
    order: int
    units: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Happen:
    """An event."""

    at: datetime
    who: int
    name: str
    properties: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Deliver:
    """An event that names the order that is number ``order`` in the story."""

    at: datetime
    order: int
    name: str = "delivered"


@dataclass(frozen=True)
class Move:
    """Points that no rule moves: ``how`` is earn, spend, adjust (signed) or give (to the other member)."""

    at: datetime
    who: int
    how: str
    points: int
    wallet: str = "points"


@dataclass(frozen=True)
class Undo:
    """The way back of the posting that is number ``move`` among the story's moves, if it was made."""

    at: datetime
    move: int


@dataclass(frozen=True)
class Lock:
    """Staff lock a tier for some days; 0 ends the lock."""

    at: datetime
    who: int
    key: str
    days: int


@dataclass(frozen=True)
class Ask:
    """A member asks to take part in a challenge, or leaves it."""

    at: datetime
    who: int
    key: str
    is_in: bool = True


@dataclass(frozen=True)
class SetAside:
    """A hold of points, which times out after some days, if it says so."""

    at: datetime
    who: int
    points: int
    days: int = 0
    wallet: str = "points"


@dataclass(frozen=True)
class Finish:
    """The end of the hold that is number ``hold`` among the story's holds: captured, or given back."""

    at: datetime
    hold: int
    is_captured: bool = True


@dataclass(frozen=True)
class Free:
    """Staff release what waits of the order, or of the move of points, with a number in the story."""

    at: datetime
    order: int = -1
    move: int = -1


@dataclass(frozen=True)
class Freeze:
    """An account is frozen because its ledger does not add up, or opened again by staff."""

    at: datetime
    who: int
    is_frozen: bool = True
    wallet: str = "points"


@dataclass(frozen=True)
class PostHistory:
    """Somebody posts the history, which decides what frozen accounts refused."""

    at: datetime


Step = (
    Buy
    | GiveBack
    | Happen
    | Deliver
    | Move
    | Undo
    | Lock
    | Ask
    | SetAside
    | Finish
    | Free
    | Freeze
    | PostHistory
)
# Real postings and holds are repeated from the ledger: they are seen only afterwards.
SEEN_AFTERWARDS = Move | SetAside | Finish | Free
