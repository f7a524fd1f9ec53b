"""Paying from budgets: the rows were locked when the events were decided."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import F

from rewards.domain.decisions import Spent
from rewards.models import BudgetUsage


def pay(spent_by_window: Mapping[tuple[str, int], Spent]) -> None:
    """Add what a batch of decisions took from budgets, by budget and period."""
    for (key, number), spent in sorted(spent_by_window.items()):
        BudgetUsage.objects.filter(budget_key=key, period_number=number).update(
            points=F("points") + spent.points, money_minor=F("money_minor") + spent.money_minor
        )
