from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import PublicIdModel, TenantModel, public_id_constraint


class ViolationPolicy(models.TextChoices):
    REJECT = "reject", _("Reject the event")
    FLAG = "flag", _("Accept and count it")


class EventSchema(PublicIdModel, TenantModel):
    """What events of one name look like, learnt from traffic; locked, it is what they must look like."""

    name = models.CharField(_("name"), max_length=100)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    count = models.BigIntegerField(_("events"), default=0)
    is_locked = models.BooleanField(_("locked"), default=False)
    on_violation = models.CharField(
        _("what does not match"), max_length=6, choices=ViolationPolicy, default=ViolationPolicy.REJECT
    )
    flagged_count = models.BigIntegerField(_("flagged"), default=0)

    class Meta(TenantModel.Meta):
        verbose_name = _("event schema")
        verbose_name_plural = _("event schemas")
        constraints = [
            public_id_constraint("crm_event_schema"),
            models.UniqueConstraint(fields=["tenant", "name"], name="crm_event_schema_name"),
        ]
        indexes = [
            # The ingest asks at every batch which names are locked: mostly none.
            models.Index(
                fields=["tenant", "name"], name="crm_event_schema_locked", condition=models.Q(is_locked=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name
