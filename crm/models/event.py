from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer import Customer
from tenants.models.base import TenantForeignKey, TenantModel


class Event(TenantModel):
    """An immutable fact about a customer.

    The table is partitioned by month of `occurred_at` (see `crm.services.partitions`), which is why the
    moment is part of the key: PostgreSQL demands the partition column in every unique index.
    """

    id = None  # type: ignore[assignment]  # the key is composite, see above
    pk = models.CompositePrimaryKey("tenant_id", "message_id", "occurred_at")
    message_id = models.CharField(_("message id"), max_length=200, db_collation="C")
    occurred_at = models.DateTimeField(_("occurred at"))
    received_at = models.DateTimeField(_("received at"))
    name = models.CharField(_("name"), max_length=100)
    customer = TenantForeignKey(Customer, models.PROTECT, related_name="events", verbose_name=_("customer"))
    properties = models.JSONField(_("properties"), default=dict, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [
            models.Index("tenant", "customer", models.F("occurred_at").desc(), name="crm_event_by_customer"),
            # Segments and funnels read one name's events of a window from the index alone.
            models.Index(fields=["tenant", "name", "occurred_at", "customer"], name="crm_event_by_name"),
            BrinIndex(fields=["occurred_at"], name="crm_event_occurred_brin"),
            # The newest are at the end of the table, which is all the event debugger needs to know.
            BrinIndex(fields=["received_at"], name="crm_event_received_brin", pages_per_range=16),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.message_id}"
