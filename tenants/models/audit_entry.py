from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class AuditEntry(TenantModel):
    """Who did what to which object; written by services, never changed."""

    at = models.DateTimeField(_("at"))
    actor_kind = models.CharField(_("actor kind"), max_length=16)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(_("actor"), max_length=254)
    action = models.CharField(_("action"), max_length=64)
    target_type = models.CharField(_("object type"), max_length=64)
    target_id = models.CharField(_("object"), max_length=64)
    target_label = models.CharField(_("object name"), max_length=254)
    diff = models.JSONField(_("changes"), default=dict)
    address = models.CharField(_("address"), max_length=45, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        indexes = [
            models.Index(fields=["tenant", "-at", "-id"], name="tenants_audit_at"),
            models.Index(fields=["tenant", "target_type", "target_id"], name="tenants_audit_target"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_label}"
