from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.segment import Segment
from tenants.models.base import TenantForeignKey, TenantModel


class SegmentDay(TenantModel):
    """How large a segment was at the end of one local day, and how many entered and left on it."""

    segment = TenantForeignKey(Segment, models.CASCADE, related_name="days", verbose_name=_("segment"))
    day_on = models.DateField(_("day"))
    members = models.PositiveIntegerField(_("members"))
    entered = models.PositiveIntegerField(_("entered"), default=0)
    left = models.PositiveIntegerField(_("left"), default=0)

    class Meta(TenantModel.Meta):
        verbose_name = _("segment day")
        verbose_name_plural = _("segment days")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "segment", "day_on"], name="crm_segment_day_once")
        ]

    def __str__(self) -> str:
        return f"{self.segment_id}: {self.day_on}"
