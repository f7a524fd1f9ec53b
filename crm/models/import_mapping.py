from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class ImportMapping(TenantModel):
    """The plan last used for files with these columns; the next one like them starts from it."""

    kind = models.CharField(_("kind"), max_length=40)
    fingerprint = models.CharField(_("fingerprint of the column names"), max_length=64)
    plan = models.JSONField(_("plan of the columns"))
    used_at = models.DateTimeField(_("last used at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("remembered mapping")
        verbose_name_plural = _("remembered mappings")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "fingerprint"], name="crm_import_mapping_fingerprint"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.fingerprint[:8]}"
