from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class BudgetUsage(TenantModel):
    """What one budget paid in one period; the row is locked while events that may draw on it are decided.

    `period_number` counts the budget's periods (see `rewards.domain.usage`); 0 is the whole program.
    """

    budget_key = models.CharField(_("budget"), max_length=60, db_collation="C")
    period_number = models.BigIntegerField(_("period"))
    points = models.BigIntegerField(_("points"), default=0)
    money_minor = models.BigIntegerField(_("money in minor units"), default=0)

    class Meta(TenantModel.Meta):
        verbose_name = _("budget usage")
        verbose_name_plural = _("budget usages")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "budget_key", "period_number"], name="rewards_budget_usage_period"
            ),
            models.CheckConstraint(
                name="rewards_budget_usage_not_negative",
                condition=models.Q(points__gte=0, money_minor__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.budget_key}/{self.period_number}"
