from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from rewards.models.wallet import Wallet
from tenants.models.base import TenantForeignKey, TenantModel


class LiabilitySnapshot(TenantModel):
    """What was owed at the end of a local month, by wallet, tier and age; kept as it was then."""

    month_end = models.DateField(_("month end"))
    wallet = TenantForeignKey(Wallet, models.PROTECT, verbose_name=_("wallet"))
    tier_key = models.CharField(_("tier"), max_length=60, blank=True, default="")
    age = models.CharField(_("age"), max_length=10)
    points = models.BigIntegerField(_("points"))
    cost_minor = models.BigIntegerField(_("cost if all are spent"))
    liability_minor = models.BigIntegerField(_("expected cost"))
    taken_at = models.DateTimeField(_("taken at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("liability snapshot")
        verbose_name_plural = _("liability snapshots")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "month_end", "wallet", "tier_key", "age"], name="rewards_liability_part"
            )
        ]

    def __str__(self) -> str:
        return f"{self.month_end}: {self.points}"
