from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import PublicIdModel, TenantModel, public_id_constraint


class EventReject(PublicIdModel, TenantModel):
    """An event that was not accepted, kept as it came with the reason, so that nothing is lost."""

    received_at = models.DateTimeField(_("received at"))
    message_id = models.CharField(_("message id"), max_length=200, blank=True, default="")
    name = models.CharField(_("name"), max_length=100, blank=True, default="")
    identity = models.CharField(_("customer as sent"), max_length=254, blank=True, default="")
    # Which reader understands the payload: native, segment:<route>, posthog.
    source = models.CharField(_("source"), max_length=20, blank=True, default="native")
    reason = models.CharField(_("reason"), max_length=60)
    detail = models.CharField(_("detail"), max_length=500, blank=True, default="")
    payload = models.JSONField(_("event as received"))
    replayed_at = models.DateTimeField(_("replayed"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("rejected event")
        verbose_name_plural = _("rejected events")
        constraints = [public_id_constraint("crm_event_reject")]
        indexes = [models.Index("tenant", models.F("received_at").desc(), name="crm_event_reject_by_time")]

    def __str__(self) -> str:
        return f"{self.reason} {self.message_id}".strip()
