from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer import Customer
from crm.models.segment import Segment
from tenants.models.base import TenantForeignKey, TenantModel


class SegmentMember(TenantModel):
    """One customer in one segment, since when and why."""

    segment = TenantForeignKey(Segment, models.CASCADE, related_name="members", verbose_name=_("segment"))
    customer = TenantForeignKey(
        Customer, models.CASCADE, related_name="segment_memberships", verbose_name=_("customer")
    )
    joined_at = models.DateTimeField(_("joined at"))
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")

    class Meta(TenantModel.Meta):
        verbose_name = _("segment member")
        verbose_name_plural = _("segment members")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "segment", "customer"], name="crm_segment_member_once")
        ]
        indexes = [
            models.Index(fields=["tenant", "customer"], name="crm_segment_member_by_cust"),
            models.Index(fields=["tenant", "segment", "joined_at", "id"], name="crm_segment_member_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.segment_id}: {self.customer_id}"
