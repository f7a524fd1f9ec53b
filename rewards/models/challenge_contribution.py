from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from rewards.models.dependent_row import DependentRow
from tenants.models.base import TenantForeignKey


class ChallengeContribution(DependentRow):
    """What one order or event counts for one customer in one challenge; progress is read from these rows."""

    customer = TenantForeignKey(
        Customer, models.CASCADE, related_name="challenge_contributions", verbose_name=_("customer")
    )
    challenge_key = models.CharField(_("challenge"), max_length=60, db_collation="C")
    source_type = models.CharField(_("source type"), max_length=5, db_collation="C")
    source_id = models.CharField(_("source"), max_length=200, db_collation="C")
    part = models.CharField(_("part"), max_length=60, blank=True, default="", db_collation="C")
    value = models.CharField(_("value"), max_length=200, blank=True, default="", db_collation="C")
    amount = models.BigIntegerField(_("amount"))
    occurred_at = models.DateTimeField(_("occurred at"))

    class Meta(DependentRow.Meta):
        verbose_name = _("challenge contribution")
        verbose_name_plural = _("challenge contributions")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "customer", "challenge_key", "source_type", "source_id", "part", "value"],
                name="rewards_contribution_once",
            ),
            models.CheckConstraint(name="rewards_contribution_positive", condition=models.Q(amount__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.challenge_key} {self.source_type} {self.source_id}"
