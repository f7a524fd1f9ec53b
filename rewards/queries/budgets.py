"""What budgets have paid."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from rewards import locks
from rewards.domain.budgets import Budget
from rewards.domain.decisions import Spent
from rewards.domain.engine import Engine
from rewards.domain.programs import Revision
from rewards.domain.usage import BudgetBook, window_of
from rewards.models import BudgetUsage, DecisionRecord
from rewards.queries import gift_payments
from tenants.scope import active_tenant_id

_TAKEN_SINCE = """
    SELECT d.occurred_at, paid.key, (paid.value ->> 0)::bigint, (paid.value ->> 1)::bigint
    FROM rewards_decisionrecord d, jsonb_each(d.record -> 'budgets') paid
    WHERE d.tenant_id = %s AND d.id >= %s AND d.record ? 'budgets' AND paid.key = ANY(%s)
"""


def book(
    engine: Engine,
    moments: Iterable[datetime],
    *,
    lock: bool,
    before_id: int | None = None,
    at: datetime | None = None,
) -> BudgetBook:
    """Return the budgets that rules draw on, with what they paid in the periods around the moments.

    With ``lock`` the rows stay locked until the transaction ends: what is left is left for us alone. So do
    those of challenges that rules advance, around ``at``: who counts challenges locks them first of all. With
    ``before_id`` only what was paid before the decision with this number.
    """
    opened = _empty(engine.revision, engine.needs.budgets)
    windows = _windows(opened, moments)
    if lock and at is not None:
        windows |= _windows(_empty(engine.revision, engine.needs.advanced_budgets), [at])
    _load(opened, windows, lock=lock)
    if opened.keys and before_id is not None:
        _take_back(opened, engine.revision, before_id)
    return opened


def of_challenges(revision: Revision, keys: Collection[str], *, at: datetime, lock: bool) -> BudgetBook:
    """Return the budgets that pay these challenges, with what they paid in the periods around a moment.

    With ``lock`` the rows stay locked until the transaction ends.
    """
    names = {each.budget for each in revision.challenges if each.budget and each.key in keys}
    opened = _empty(revision, names)
    _load(opened, _windows(opened, [at]), lock=lock)
    return opened


def _empty(revision: Revision, names: Collection[str]) -> BudgetBook:
    known = {budget.key: budget for budget in revision.budgets if budget.key in names}
    return BudgetBook(known, revision.time_zone)


def _windows(book: BudgetBook, moments: Iterable[datetime]) -> set[tuple[str, int]]:
    return {window for moment in moments for window in book.windows(moment)} if book.keys else set()


def _load(opened: BudgetBook, windows: set[tuple[str, int]], *, lock: bool) -> None:
    if not windows:
        return
    rows = locks.lock_budgets(windows) if lock else _rows(windows)
    for row in rows:
        opened.load(row.budget_key, row.period_number, Spent(row.points, row.money_minor))


def _take_back(opened: BudgetBook, revision: Revision, since_id: int) -> None:
    """Leave out what a decision and those after it took, and what challenges were given since then."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN_SINCE, [active_tenant_id(), since_id, sorted(opened.keys)])
        for occurred_at, key, points, money_minor in cursor.fetchall():
            opened.take(occurred_at, {key: Spent(-points, -money_minor)})
    decided = DecisionRecord.objects.filter(pk=since_id)
    since = decided.values_list("decided_at", flat=True).first()
    for at, key, spent in gift_payments.between(since, None, revision.time_zone):
        if key in opened.keys:
            opened.take(at, {key: Spent(-spent.points, -spent.money_minor)})


def _rows(windows: set[tuple[str, int]]) -> list[BudgetUsage]:
    keys, numbers = {key for key, _ in windows}, {number for _, number in windows}
    found = BudgetUsage.objects.filter(budget_key__in=keys, period_number__in=numbers)
    return [row for row in found if (row.budget_key, row.period_number) in windows]


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """A budget with what it paid in the period around a moment; a limit that is ``None`` does not limit."""

    budget: Budget
    points_used: int
    money_used_minor: int

    @property
    def share(self) -> float:
        """How much of the tighter limit is used: 1 is all of it."""
        limits = ((self.budget.points, self.points_used), (self.budget.money_minor, self.money_used_minor))
        return max(
            (used / limit if limit else 1.0 for limit, used in limits if limit is not None), default=0.0
        )

    @property
    def percent(self) -> int:
        """The same for a meter: whole percents, a hundred at most."""
        return min(100, int(self.share * 100))


def statuses(revision: Revision, *, at: datetime) -> list[BudgetStatus]:
    """Return every budget of a revision with what it has paid by now, in one query."""
    day = at.astimezone(revision.time_zone).date()
    windows = {(budget.key, window_of(budget.period, day)) for budget in revision.budgets}
    paid = {row.budget_key: row for row in _rows(windows)} if windows else {}
    return [_status(budget, paid.get(budget.key)) for budget in revision.budgets]


def _status(budget: Budget, row: BudgetUsage | None) -> BudgetStatus:
    return BudgetStatus(budget, row.points if row else 0, row.money_minor if row else 0)
