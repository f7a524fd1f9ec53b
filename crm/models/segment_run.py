from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class SegmentRunState(models.TextChoices):
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class SegmentRun(TenantModel):
    """One refresh of a tenant's segments; a running one holds a lease that ends by itself."""

    state = models.CharField(_("state"), max_length=8, choices=SegmentRunState.choices)
    is_full = models.BooleanField(_("is full"), default=False)
    started_at = models.DateTimeField(_("started at"))
    lease_until = models.DateTimeField(_("lease until"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    duration_ms = models.PositiveIntegerField(_("duration, in milliseconds"), null=True, blank=True)
    customers = models.PositiveIntegerField(_("customers"), default=0)
    segments = models.PositiveIntegerField(_("segments"), default=0)
    failed = models.PositiveIntegerField(_("failed segments"), default=0)
    error = models.TextField(_("error"), blank=True, default="")

    class Meta(TenantModel.Meta):
        verbose_name = _("segment run")
        verbose_name_plural = _("segment runs")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"],
                name="crm_segment_run_one",
                condition=models.Q(state=SegmentRunState.RUNNING),
            )
        ]
        indexes = [models.Index(fields=["tenant", "started_at"], name="crm_segment_run_by_time")]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} {self.state}"
