from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.retention_rule import DataClass
from tenants.models.base import TenantModel


class RetentionRun(TenantModel):
    """What one nightly purge removed of one class: the report."""

    data_class = models.CharField(_("data class"), max_length=20, choices=DataClass.choices)
    days = models.PositiveIntegerField(_("days"))
    cut_off_at = models.DateTimeField(_("older than"))
    removed = models.PositiveBigIntegerField(_("removed"))
    # Each of at most five thousand rows in a transaction of its own; others' rows of the months stay.
    batches = models.PositiveIntegerField(_("batches"), default=0, db_default=0)
    ran_at = models.DateTimeField(_("ran at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("retention run")
        verbose_name_plural = _("retention runs")
        indexes = [models.Index("tenant", models.F("ran_at").desc(), name="crm_retention_run_by_time")]

    def __str__(self) -> str:
        return f"{self.data_class}: {self.removed}"
