from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.import_run import ImportRun
from tenants.models.base import TenantForeignKey, TenantModel


class StagedRow(TenantModel):
    """A row of a file as read by its plan, waiting to be loaded; gone when the run is done."""

    class Outcome(models.TextChoices):
        READY = "", _("Ready")
        MERGED = "merged", _("Merged")
        QUARANTINED = "quarantined", _("Quarantined")

    # The run's key names the tenant already; checking it again would cost a million-row file seconds.
    tenant = models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        editable=False,
        verbose_name=_("tenant"),
    )
    import_run = TenantForeignKey(
        ImportRun, models.CASCADE, related_name="staged_rows", verbose_name=_("import")
    )
    row_number = models.BigIntegerField(_("row number"))
    match_kind = models.CharField(_("kind of key"), max_length=16, blank=True, default="")
    key = models.CharField(_("key"), max_length=300, blank=True, default="", db_collation="C")
    fields = models.JSONField(_("values by field"), default=dict)
    outcome = models.CharField(
        _("outcome"), max_length=12, choices=Outcome.choices, blank=True, default=Outcome.READY
    )
    reason = models.CharField(_("reason"), max_length=60, blank=True, default="")
    column = models.CharField(_("column"), max_length=300, blank=True, default="")

    class Meta(TenantModel.Meta):
        verbose_name = _("staged row")
        verbose_name_plural = _("staged rows")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "import_run", "row_number"], name="crm_staged_row_number"
            )
        ]
        # Only rows that are loaded in parts are looked up by their part.
        indexes = [
            models.Index(
                fields=["tenant", "import_run", "key"],
                name="crm_staged_row_part",
                condition=models.Q(match_kind="part"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.row_number}: {self.key}"
