"""What one event earned together, by line: a wallet's points, and apart those of rules with their own end.

Each pot is a lot of the ledger, and a return takes its share from each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from rewards.domain.engine import points_to_take_back

LinePoints = Mapping[str, Mapping[int, int]]


class Units(NamedTuple):
    """Units of one order line that a return gives back, after ``before`` came back earlier."""

    position: int
    bought: int
    before: int
    returned: int


def wallet_of(pot: str) -> str:
    """Return the wallet of a pot; see ``Earn.pot``."""
    return pot.partition(":")[0]


def by_pot(lines: LinePoints, own_lines: LinePoints) -> dict[str, dict[int, int]]:
    """Return points by pot and line: ``lines`` are all of a wallet, ``own_lines`` the part that is apart."""
    pots = {pot: dict(points) for pot, points in (*lines.items(), *own_lines.items())}
    for pot, points_by_line in own_lines.items():
        usual = pots[wallet_of(pot)]
        for position, points in points_by_line.items():
            usual[position] -= points
    return pots


def of_record(record: Mapping[str, Any]) -> dict[str, dict[int, int]]:
    """Return points by pot and line as a decision record tells them."""
    return by_pot(_by_line(record["lines"]), _by_line(record.get("own_lines", {})))


def _by_line(recorded: Mapping[str, Mapping[str, int]]) -> dict[str, dict[int, int]]:
    return {
        pot: {int(position): points for position, points in by_line.items()}
        for pot, by_line in recorded.items()
    }


def asked_back(pots: LinePoints, units: Iterable[Units]) -> dict[str, dict[int, int]]:
    """Return the points that units give back, by pot and line; pots are taken from by their name."""
    asked: dict[str, dict[int, int]] = {}
    for line in units:
        for pot, points in _asked_of_line(pots, line):
            by_line = asked.setdefault(pot, {})
            by_line[line.position] = by_line.get(line.position, 0) + points
    return dict(sorted(asked.items()))


def _asked_of_line(pots: LinePoints, line: Units) -> Iterator[tuple[str, int]]:
    for pot, points_by_line in pots.items():
        earned = points_by_line.get(line.position, 0)
        points = points_to_take_back(earned, line.bought, line.before, line.returned)
        if points:
            yield pot, points
