from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer import Customer
from crm.models.segment import Segment
from tenants.models.base import TenantForeignKey, TenantModel


class SegmentDeparture(TenantModel):
    """One stay of a customer in a segment that has ended."""

    segment = TenantForeignKey(Segment, models.CASCADE, related_name="departures", verbose_name=_("segment"))
    customer = TenantForeignKey(
        Customer, models.CASCADE, related_name="segment_departures", verbose_name=_("customer")
    )
    joined_at = models.DateTimeField(_("joined at"))
    left_at = models.DateTimeField(_("left at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("segment departure")
        verbose_name_plural = _("segment departures")
        indexes = [
            models.Index(fields=["tenant", "segment", "left_at"], name="crm_segment_departure_by_time"),
            models.Index(fields=["tenant", "customer"], name="crm_segment_departure_by_cust"),
        ]

    def __str__(self) -> str:
        return f"{self.segment_id}: {self.customer_id}"
