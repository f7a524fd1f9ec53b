from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import PublicIdModel, TenantModel, public_id_constraint


class ExportFormat(models.TextChoices):
    CSV = "csv", "CSV"
    XLSX = "xlsx", "XLSX"
    PARQUET = "parquet", "Parquet"


class Export(PublicIdModel, TenantModel):
    """A list written to a file, which can be fetched until it expires."""

    list_key = models.CharField(_("list"), max_length=40)
    format = models.CharField(_("format"), max_length=8, choices=ExportFormat.choices)
    filters = models.JSONField(_("filters"), default=dict, blank=True)
    job = models.UUIDField(_("job"), null=True, blank=True)
    file_path = models.CharField(_("stored file"), max_length=300, blank=True, default="")
    file_bytes = models.BigIntegerField(_("size in bytes"), default=0)
    rows = models.BigIntegerField(_("rows"), default=0)
    report = models.JSONField(_("report"), default=dict, blank=True)
    requested_by = models.CharField(_("requested by"), max_length=200)
    requested_at = models.DateTimeField(_("requested at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        constraints = [public_id_constraint("crm_export")]
        indexes = [models.Index("tenant", models.F("requested_at").desc(), name="crm_export_by_time")]

    def __str__(self) -> str:
        return f"{self.list_key}.{self.format}"
