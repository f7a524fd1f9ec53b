from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.privacy_request import PrivacyRequest
from tenants.models.base import TenantForeignKey, TenantModel


class PrivacyArchive(TenantModel):
    """The exported data of one customer as a ZIP file; purged a week after it was made."""

    request = TenantForeignKey(
        PrivacyRequest, models.CASCADE, related_name="archives", verbose_name=_("privacy request")
    )
    content = models.BinaryField(_("content"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("privacy archive")
        verbose_name_plural = _("privacy archives")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "request"], name="crm_privacy_archive_request")
        ]

    def __str__(self) -> str:
        return self.sha256[:12]
