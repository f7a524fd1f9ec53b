"""What moved in a wallet while a revision was played over the past, and what is left of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(slots=True)
class WalletTotals:
    """Points of a wallet: what rules gave, what returns asked back and took (as debt, too), what expired.

    ``spent`` is what members really spent as far as they have it here, and ``missing`` the rest.
    """

    given: int = 0
    asked: int = 0
    taken: int = 0
    expired: int = 0
    spent: int = 0
    missing: int = 0


class Outstanding(NamedTuple):
    """What members have in a wallet."""

    pending: int = 0
    available: int = 0
    debt: int = 0

    @property
    def points(self) -> int:
        return self.pending + self.available - self.debt
