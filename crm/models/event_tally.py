from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class EventStatus(models.TextChoices):
    ACCEPTED = "accepted", _("Accepted")
    INVALID = "invalid", _("Rejected")
    DUPLICATE = "duplicate", _("Duplicate")


class EventTally(TenantModel):
    """How many events of one name were received on one day (UTC), by what became of them."""

    received_on = models.DateField(_("day"))
    name = models.CharField(_("name"), max_length=100)
    status = models.CharField(_("status"), max_length=10, choices=EventStatus)
    count = models.BigIntegerField(_("events"), default=0)

    class Meta(TenantModel.Meta):
        verbose_name = _("event count")
        verbose_name_plural = _("event counts")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "received_on", "name", "status"], name="crm_event_tally_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.received_on} {self.name} {self.status}: {self.count}"
