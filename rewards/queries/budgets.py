"""What budgets have paid."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rewards import locks
from rewards.domain.decisions import Spent
from rewards.domain.engine import Engine
from rewards.domain.usage import BudgetBook
from rewards.models import BudgetUsage


def book(engine: Engine, moments: Iterable[datetime], *, lock: bool) -> BudgetBook:
    """Return the budgets that rules draw on, with what they paid in the periods around the moments.

    With ``lock`` the rows stay locked until the transaction ends: what is left is left for us alone.
    """
    names = engine.needs.budgets
    known = {budget.key: budget for budget in engine.revision.budgets if budget.key in names}
    opened = BudgetBook(known, engine.revision.time_zone)
    if not known:
        return opened
    windows = {window for moment in moments for window in opened.windows(moment)}
    rows = locks.lock_budgets(windows) if lock else _rows(windows)
    for row in rows:
        opened.load(row.budget_key, row.period_number, Spent(row.points, row.money_minor))
    return opened


def _rows(windows: set[tuple[str, int]]) -> list[BudgetUsage]:
    keys, numbers = {key for key, _ in windows}, {number for _, number in windows}
    found = BudgetUsage.objects.filter(budget_key__in=keys, period_number__in=numbers)
    return [row for row in found if (row.budget_key, row.period_number) in windows]
