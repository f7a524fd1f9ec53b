from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class EventPolicy(TenantModel):
    """How long a tenant keeps its events; without a row, and without a number, for ever."""

    keep_months = models.PositiveSmallIntegerField(_("months to keep events"), null=True, blank=True)
    keep_rejects_days = models.PositiveSmallIntegerField(_("days to keep rejects"), default=90)

    class Meta(TenantModel.Meta):
        verbose_name = _("event policy")
        verbose_name_plural = _("event policies")
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="crm_event_policy_one"),
            models.CheckConstraint(
                name="crm_event_policy_at_least_a_month",
                condition=models.Q(keep_months__isnull=True) | models.Q(keep_months__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return str(self.keep_months)
