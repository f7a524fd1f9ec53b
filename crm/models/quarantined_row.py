from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.import_run import ImportRun
from tenants.models.base import TenantForeignKey, TenantModel


class QuarantinedRow(TenantModel):
    """An input row that was not loaded, kept as it came with its number and the reason."""

    import_run = TenantForeignKey(
        ImportRun, models.CASCADE, related_name="quarantined_rows", verbose_name=_("import")
    )
    row_number = models.BigIntegerField(_("row number"))
    reason = models.CharField(_("reason"), max_length=60)
    column = models.CharField(_("column"), max_length=300, blank=True, default="")
    raw = models.JSONField(_("row as read"))

    class Meta(TenantModel.Meta):
        verbose_name = _("quarantined row")
        verbose_name_plural = _("quarantined rows")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "import_run", "row_number"], name="crm_quarantined_row_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.row_number}: {self.reason}"
