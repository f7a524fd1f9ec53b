from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class DataClass(models.TextChoices):
    EVENTS = "events", _("Events")
    EVENT_REJECTS = "event_rejects", _("Rejected events")
    IMPORT_ROWS = "import_rows", _("Rows kept out of imports")
    MERGE_JOURNALS = "merge_journals", _("Journals of merges")
    ARCHIVES = "archives", _("Exported archives")
    API_ANSWERS = "api_answers", _("Stored answers of the API")
    MESSAGES = "messages", _("Delivered messages")
    INACTIVE_CUSTOMERS = "inactive_customers", _("Customers not seen any more")


class RetentionRule(TenantModel):
    """How long one class of data is kept; `days` without a value means for ever."""

    data_class = models.CharField(_("data class"), max_length=20, choices=DataClass.choices)
    days = models.PositiveIntegerField(_("days"), null=True, blank=True)
    updated_at = models.DateTimeField(_("updated at"))
    updated_by = models.CharField(_("updated by"), max_length=254)

    class Meta(TenantModel.Meta):
        verbose_name = _("retention rule")
        verbose_name_plural = _("retention rules")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "data_class"], name="crm_retention_rule_class"),
            models.CheckConstraint(
                name="crm_retention_rule_days", condition=models.Q(days__isnull=True) | models.Q(days__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.data_class}: {self.days}"
