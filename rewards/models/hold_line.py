from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from rewards.models.dependent_row import DependentRow
from rewards.models.hold import Hold
from rewards.models.lot import Lot
from tenants.models.base import TenantForeignKey


class HoldLine(DependentRow):
    """The part of a hold that one lot carries."""

    hold = TenantForeignKey(Hold, models.PROTECT, related_name="lines", verbose_name=_("hold"))
    lot = TenantForeignKey(Lot, models.PROTECT, related_name="hold_lines", verbose_name=_("lot"))
    points = models.BigIntegerField(_("points"))

    class Meta(DependentRow.Meta):
        verbose_name = _("hold line")
        verbose_name_plural = _("hold lines")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "hold", "lot"], name="rewards_hold_line_lot"),
            models.CheckConstraint(name="rewards_hold_line_positive", condition=models.Q(points__gt=0)),
        ]

    def __str__(self) -> str:
        return str(self.points)
