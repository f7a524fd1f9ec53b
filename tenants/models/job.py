from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import PublicIdModel, TenantModel, public_id_constraint


class Job(PublicIdModel, TenantModel):
    """Long work with progress. The row decides; the queue message only says where to look."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    FINISHED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})

    kind = models.CharField(_("kind"), max_length=64)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.QUEUED)
    params = models.JSONField(_("parameters"), default=dict)
    result = models.JSONField(_("result"), default=dict)
    message = models.CharField(_("message"), max_length=300, blank=True)
    error = models.TextField(_("error"), blank=True)
    done = models.BigIntegerField(_("done"), default=0)
    total = models.BigIntegerField(_("total"), default=0)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    is_cancel_requested = models.BooleanField(_("cancel requested"), default=False)
    requested_by = models.CharField(_("requested by"), max_length=254)
    created_at = models.DateTimeField(_("created"))
    sent_at = models.DateTimeField(_("sent"), null=True)
    started_at = models.DateTimeField(_("started"), null=True)
    heartbeat_at = models.DateTimeField(_("last sign of life"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = [public_id_constraint("tenants_job")]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="tenants_job_created"),
            models.Index(
                fields=["tenant", "state"],
                name="tenants_job_open",
                condition=models.Q(state__in=["queued", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.get_state_display()})"

    @property
    def share_done(self) -> float:
        """Progress between 0 and 1; 1 for a job that succeeded without counting."""
        if self.state == self.State.SUCCEEDED:
            return 1.0
        return min(1.0, self.done / self.total) if self.total else 0.0
