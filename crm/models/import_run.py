from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class ImportKind(models.TextChoices):
    """The kinds of this app; higher apps register more (``crm.services.imports.kinds``)."""

    ITEMS = "items", _("Items")
    CUSTOMERS = "customers", _("Customers")
    ORDERS = "orders", _("Orders")
    EVENTS = "events", _("Events")


class ImportState(models.TextChoices):
    UPLOADED = "uploaded", _("Uploaded")
    MAPPED = "mapped", _("Mapped")
    CHECKED = "checked", _("Checked")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    DONE_WITH_ERRORS = "done_with_errors", _("Done with errors")
    FAILED = "failed", _("Failed")
    REVERTED = "reverted", _("Reverted")


class ImportRun(PublicIdModel, TenantModel):
    """One run of one file; accounts for every row that was read."""

    kind = models.CharField(_("kind"), max_length=40)
    mapping = models.CharField(
        _("mapping"), max_length=60, blank=True, default="", help_text=_("a preset's name; empty for a plan")
    )
    file_name = models.CharField(_("file"), max_length=255)
    state = models.CharField(
        _("state"), max_length=16, choices=ImportState.choices, default=ImportState.UPLOADED
    )
    file_path = models.CharField(_("stored file"), max_length=300, blank=True, default="")
    file_bytes = models.BigIntegerField(_("size in bytes"), default=0)
    shape = models.JSONField(_("how the file is read"), default=dict, blank=True)
    plan = models.JSONField(_("plan of the columns"), default=dict, blank=True)
    check_report = models.JSONField(_("report of the check"), default=dict, blank=True)
    undo_report = models.JSONField(_("report of the undo"), default=dict, blank=True)
    job = models.UUIDField(_("job"), null=True, blank=True)
    retry_of = TenantForeignKey(
        "crm.ImportRun",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="retries",
        verbose_name=_("repeats the failed rows of"),
    )
    rows_staged = models.BigIntegerField(_("rows staged"), default=0)
    # Everything up to this row is committed; a run that was killed goes on after it.
    position = models.BigIntegerField(_("last row loaded"), default=0)
    rows_read = models.BigIntegerField(_("rows read"), default=0)
    rows_accepted = models.BigIntegerField(_("rows accepted"), default=0)
    rows_merged = models.BigIntegerField(_("rows merged"), default=0)
    rows_quarantined = models.BigIntegerField(_("rows quarantined"), default=0)
    report = models.JSONField(_("report"), default=dict, blank=True)
    started_by = models.CharField(_("started by"), max_length=200, blank=True, default="")
    started_at = models.DateTimeField(_("started at"))
    reverted_at = models.DateTimeField(_("reverted at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        constraints = [
            public_id_constraint("crm_import_run"),
            models.CheckConstraint(
                name="crm_import_accounts_for_rows",
                condition=~models.Q(state__in=[ImportState.DONE, ImportState.DONE_WITH_ERRORS])
                | models.Q(
                    rows_read=models.F("rows_accepted")
                    + models.F("rows_merged")
                    + models.F("rows_quarantined")
                ),
            ),
        ]
        indexes = [models.Index("tenant", models.F("started_at").desc(), name="crm_import_by_start")]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.mapping or self.kind})"
