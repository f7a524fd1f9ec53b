from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class EventReject(TenantModel):
    """An event that was not accepted, kept as it came with the reason, so that nothing is lost."""

    received_at = models.DateTimeField(_("received at"))
    message_id = models.CharField(_("message id"), max_length=200, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=60)
    detail = models.CharField(_("detail"), max_length=500, blank=True, default="")
    payload = models.JSONField(_("event as received"))

    class Meta(TenantModel.Meta):
        verbose_name = _("rejected event")
        verbose_name_plural = _("rejected events")
        indexes = [models.Index("tenant", models.F("received_at").desc(), name="crm_event_reject_by_time")]

    def __str__(self) -> str:
        return f"{self.reason} {self.message_id}".strip()
