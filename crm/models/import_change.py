from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.import_run import ImportRun
from tenants.models.base import TenantForeignKey, TenantModel


class ImportChange(TenantModel):
    """What an import did to one object, so that it can be undone: made it, or changed these values."""

    import_run = TenantForeignKey(ImportRun, models.CASCADE, related_name="changes", verbose_name=_("import"))
    row_number = models.BigIntegerField(_("row number"))
    subject = models.CharField(_("subject"), max_length=20)
    subject_id = models.BigIntegerField(_("id of the subject"))
    is_new = models.BooleanField(_("was made by the import"), default=False)
    before = models.JSONField(_("values before"), default=dict)
    after = models.JSONField(_("values after"), default=dict)

    class Meta(TenantModel.Meta):
        verbose_name = _("change of an import")
        verbose_name_plural = _("changes of an import")
        indexes = [models.Index(fields=["tenant", "import_run", "subject", "id"], name="crm_import_change")]

    def __str__(self) -> str:
        return f"{self.subject} {self.subject_id}"
