"""Holds as they really were in some days, for a rehearsal to repeat."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from rewards.domain.past import HELD, Held, Unheld
from rewards.models import HoldState
from rewards.queries.rehearsal_rows import rows

# A hold that is captured in the instant in which it is opened sets nothing aside from anybody. Whoever owns a
# merged account now owned it then.
_HOLDS: Final = """
    WITH RECURSIVE owner AS (
        SELECT a.id, a.wallet_id, a.customer_id, a.moved_to_id FROM rewards_account a
        WHERE a.tenant_id = %(tenant)s
        UNION ALL
        SELECT o.id, o.wallet_id, h.customer_id, h.moved_to_id FROM owner o
        JOIN rewards_account h ON h.tenant_id = %(tenant)s AND h.id = o.moved_to_id
    )
    SELECT h.id, o.customer_id, w.key, h.points, h.opened_at, h.closed_at, h.state, h.transaction_id
    FROM rewards_hold h
    JOIN owner o ON o.id = h.account_id AND o.moved_to_id IS NULL
    JOIN rewards_wallet w ON w.tenant_id = %(tenant)s AND w.id = o.wallet_id
    WHERE h.tenant_id = %(tenant)s AND h.opened_at < %(until)s
      AND (h.closed_at IS NULL OR (h.closed_at >= %(since)s AND h.closed_at > h.opened_at))
"""
_LINES: Final = """
    SELECT hold_id, lot_id, points FROM rewards_holdline
    WHERE tenant_id = %(tenant)s AND hold_id = ANY(%(holds)s) ORDER BY id
"""


class Holds(NamedTuple):
    """Those of before that were open, whose they are, which posting captured which, and what happens."""

    earlier: frozenset[int]
    customer_ids: frozenset[int]
    captures: Mapping[int, int]
    happened: Sequence[Held | Unheld]


def between(since: datetime, until: datetime) -> Holds:
    """Return the holds that were open in a span."""
    earlier, captures = set[int](), dict[int, int]()
    customer_ids, happened = set[int](), list[Held | Unheld]()
    for number, customer_id, wallet, points, opened_at, closed_at, state, posting in rows(
        _HOLDS, since=since, until=until
    ):
        customer_ids.add(customer_id)
        if opened_at < since:
            earlier.add(number)
        else:
            happened.append(Held(opened_at, HELD, number, customer_id, wallet, points))
        if state == HoldState.CAPTURED:
            captures[posting] = number
        elif closed_at is not None:
            happened.append(Unheld(closed_at, HELD, number, customer_id, wallet))
    return Holds(frozenset(earlier), frozenset(customer_ids), captures, happened)


def lines(holds: Collection[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (hold, lot, points) of holds of before."""
    if holds:
        yield from rows(_LINES, holds=list(holds))
