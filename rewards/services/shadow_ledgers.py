"""The ledger of a rehearsal, opened with everything as it was at a moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Self

from rewards.domain.beforehand import Beforehand
from rewards.domain.engine import Engine
from rewards.domain.lots import LotBalance
from rewards.domain.measures import Measures
from rewards.domain.movements import Movements
from rewards.domain.past import Released, Timetable
from rewards.domain.programs import Revision
from rewards.domain.rehearsal_totals import changed_rules
from rewards.domain.rehearsals import ShadowLedger
from rewards.domain.rules import GrantKind
from rewards.domain.shadow_points import ShadowPoints
from rewards.queries import (
    customer_states,
    rehearsal_challenges,
    rehearsal_freezes,
    rehearsal_holds,
    rehearsal_lots,
    rehearsal_movements,
    rehearsal_openings,
    rehearsal_releases,
    rehearsal_standings,
)
from rewards.queries.rehearsal_freezes import Freezes
from rewards.queries.rehearsal_holds import Holds
from rewards.queries.rehearsal_lots import Opened, ReturnedOrders
from rewards.queries.rehearsal_movements import Line
from rewards.services import shadow_challenges
from rewards.services.shadow_challenges import Opening


class _Found(NamedTuple):
    """What is known of the days beforehand, and whose lots have to be told apart (``None``: everybody's)."""

    returned: ReturnedOrders
    moved: Movements
    holds: Holds
    freezes: Freezes
    by_staff: Sequence[Released]
    apart: Collection[int] | None

    @classmethod
    def between(cls, engine: Engine, since: datetime, until: datetime, *, tells_all_lots_apart: bool) -> Self:
        returned, holds = rehearsal_lots.returned_orders(since, until), rehearsal_holds.between(since, until)
        by_staff = rehearsal_releases.by_staff(since, until, engine.revision)
        freezes = rehearsal_freezes.between(since, until)
        apart = returned.customer_ids | holds.customer_ids | {each.customer_id for each in by_staff}
        apart |= freezes.customer_ids
        return cls(
            returned,
            rehearsal_movements.between(since, until),
            holds,
            freezes,
            by_staff,
            None if tells_all_lots_apart else apart,
        )


def opened(
    engine: Engine, live: Engine | None, since: datetime, until: datetime, *,
    tells_all_lots_apart: bool = False,
) -> ShadowLedger:  # fmt: skip
    """Return a ledger that knows what was before: points, spend, tiers, caps used and budgets paid.

    Everybody is brought to the tier that the revision gives, as when it is published. To tell all lots apart
    takes memory for every credit.
    """
    found = _Found.between(engine, since, until, tells_all_lots_apart=tells_all_lots_apart)
    ledger = _empty(engine, live, since, until, found)
    given = rehearsal_challenges.given(since, found.apart) if engine.revision.challenges else {}
    _open_points(
        ledger,
        rehearsal_lots.lots(since, until, found.apart),
        since,
        returned=found.returned,
        given=given,
        held=list(rehearsal_holds.lines(found.holds.earlier)),
    )
    for customer_id, wallet in found.freezes.earlier:
        ledger.points.releases.open_frozen(customer_id, wallet)
    _open_members(ledger, since)
    shadow_challenges.opened(ledger, Opening(live, since, found.returned, found.apart), given)
    return ledger


def _empty(
    engine: Engine, live: Engine | None, since: datetime, until: datetime, found: _Found
) -> ShadowLedger:
    """Return a ledger of nobody, with the limits that were used before and what is known beforehand."""
    return ShadowLedger(
        engine=engine,
        usage=customer_states.usage_book(engine, since=since, before_moment=since),
        budgets=rehearsal_openings.budget_book(engine, since),
        since=since,
        points=ShadowPoints(
            engine.revision,
            horizon=None if found.apart is None else until,
            told_apart=found.apart or (),
            released_by_staff={each.awaits for each in found.by_staff},
        ),
        known=Beforehand(
            movements=found.moved,
            captures=found.holds.captures,
            timetable=Timetable([*found.holds.happened, *found.by_staff, *found.freezes.happened]),
            returned_orders=found.returned.ids,
            remembered=found.apart,
            changed_rules=changed_rules(engine, live) if live else frozenset(),
        ),
    )


def _open_members(ledger: ShadowLedger, since: datetime) -> None:
    """Let members have the spend, what rules read of them and the tier that they had."""
    engine = ledger.engine
    ledger.spending.by_customer.update(rehearsal_openings.spending(engine.revision, since))
    ledger.decisions.state_by_customer.update(rehearsal_openings.states(engine))
    for customer_id, standing in rehearsal_standings.standings(since):
        ledger.tiers.open(customer_id, standing)
    if ledger.measures is not None:
        _fill(ledger.measures, engine.revision, since)
    ledger.tiers.refresh_all(since)


def _open_points(
    ledger: ShadowLedger, lots: Iterable[Opened], since: datetime, *, returned: ReturnedOrders,
    given: Mapping[str, int], held: Sequence[tuple[int, int, int]],
) -> None:  # fmt: skip
    """Give members the lots and debts they had, and say which lots are asked for later."""
    earned = rehearsal_lots.earned(returned.earlier)
    numbers, of_gifts = rehearsal_lots.earned_lots(earned), rehearsal_lots.lots_of(list(given.values()))
    lines = list(rehearsal_movements.lines(ledger.movements.undone, since))
    asked = {number for found in (*numbers.values(), *of_gifts.values()) for number in found}
    asked |= {line.lot for line in lines} | {number for _hold, number, _points in held}
    kept: dict[int, LotBalance] = {}
    for customer_id, wallet, number, lot in lots:
        opened = ledger.points.open(customer_id, wallet, lot)
        if opened is not None and number in asked:
            kept[number] = opened
    _open_holds(ledger, held, kept)
    for customer_id, wallet, points in rehearsal_lots.debts(since):
        ledger.points.open_debt(customer_id, wallet, points)
    for source, posting in given.items():
        ledger.gifts.open(source, _first(kept, of_gifts.get(posting, ())))
    for order_id, pots in earned.items():
        of_pots = {pot: _first(kept, numbers[order_id, pot]) for pot in pots}
        ledger.returns.open(order_id, pots, of_pots)
    for order_id, position, units in rehearsal_lots.returned_units(since, returned.earlier):
        ledger.returns.open_units(order_id, position, units)
    _open_undone(ledger, lines, kept)


def _open_holds(
    ledger: ShadowLedger, held: Iterable[tuple[int, int, int]], kept: Mapping[int, LotBalance]
) -> None:
    """Set aside again what was held before."""
    parts: dict[int, list[tuple[LotBalance, int]]] = defaultdict(list)
    for hold, number, points in held:
        if number in kept:
            parts[hold].append((kept[number], points))
    for hold, of_hold in parts.items():
        ledger.holds.open(hold, of_hold)


def _open_undone(ledger: ShadowLedger, lines: Iterable[Line], kept: Mapping[int, LotBalance]) -> None:
    """Say from which lots the postings that are undone later were taken, or to which they went."""
    parts: dict[int, list[tuple[LotBalance, int]]] = defaultdict(list)
    for line in lines:
        if line.taken < 0:
            ledger.movements.open_credit(line.posting, kept.get(line.lot), line.posted)
            continue
        lot = kept.get(line.lot) or ledger.points.empty_lot(line.expires_at, line.available_from)
        parts[line.posting].append((lot, line.taken))
    for posting, found in parts.items():
        ledger.movements.open_debit(posting, found)


def _first(kept: Mapping[int, LotBalance], numbers: Sequence[int]) -> LotBalance | None:
    return next((kept[number] for number in numbers if number in kept), None)


def _fill(measures: Measures, revision: Revision, since: datetime) -> None:
    for customer_id, amounts in rehearsal_openings.amounts(revision, since):
        measures.open(customer_id, amounts, since)
    if measures.remembers_points:
        for credit in rehearsal_openings.credits_before(revision, since, measures.wallets):
            measures.remember_points(*credit)
    written = {grant.key for rule in revision.rules for grant in rule.grants if grant.kind is GrantKind.TRAIT}
    if written & measures.traits:
        measures.open_traits(rehearsal_openings.traits(measures.traits))
