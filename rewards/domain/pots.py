"""What one event earned together, by line: a wallet's points, and apart those of rules with their own end.

Each pot is a lot of the ledger, and a return takes its share from each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rewards.domain.engine import points_to_take_back

LinePoints = Mapping[str, Mapping[int, int]]


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


def asked_back(
    pots: LinePoints, position: int, *, bought: int, before: int, returned: int
) -> Iterator[tuple[str, int]]:
    """Yield (pot, points) that ``returned`` units of a line give back, after ``before`` came back earlier."""
    for pot, points_by_line in pots.items():
        points = points_to_take_back(points_by_line.get(position, 0), bought, before, returned)
        if points:
            yield pot, points
