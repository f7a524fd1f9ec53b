from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer import Customer
from tenants.models.base import TenantForeignKey, TenantModel


class OrderSummary(TenantModel):
    """The totals over one customer's orders, kept so that lists and segments need not read the orders."""

    customer = TenantForeignKey(
        Customer, models.CASCADE, related_name="order_summaries", verbose_name=_("customer")
    )
    orders_count = models.PositiveIntegerField(_("orders"), default=0)
    revenue_minor = models.BigIntegerField(_("revenue"), default=0)
    returned_minor = models.BigIntegerField(_("returned"), default=0)
    first_order_at = models.DateTimeField(_("first order"), null=True, blank=True)
    last_order_at = models.DateTimeField(_("last order"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("order summary")
        verbose_name_plural = _("order summaries")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "customer"], name="crm_order_summary_customer")
        ]
        indexes = [
            models.Index(fields=["tenant", "last_order_at"], name="crm_order_summary_last"),
            models.Index(fields=["tenant", "revenue_minor"], name="crm_order_summary_revenue"),
        ]

    def __str__(self) -> str:
        return str(self.customer_id)
