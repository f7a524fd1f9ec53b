"""What is known of the days of a rehearsal before they are played."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from rewards.domain.movements import Movements
from rewards.domain.past import Timetable


class Beforehand(NamedTuple):
    """Facts about all days together.

    ``movements`` are the postings that no rule and no challenge made, ``captures`` the holds that some of
    them spend, ``timetable`` what else happens at known moments. Only of what ``returned_orders`` earned does
    anybody ask: something of them is given back in these days. Of the members ``remembered`` (``None``:
    everybody) everything is kept, because something of before may be decided or taken back.
    ``changed_rules`` are those that the live program does not have like this.
    """

    movements: Movements
    captures: Mapping[int, int]
    timetable: Timetable
    returned_orders: Collection[int]
    remembered: Collection[int] | None
    changed_rules: Collection[str]
