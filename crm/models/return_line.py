from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.order_line import OrderLine
from crm.models.return_ import Return
from tenants.models.base import TenantForeignKey, TenantModel


class ReturnLine(TenantModel):
    """How many of one order line came back, and the money given for them."""

    parent = TenantForeignKey(Return, models.CASCADE, related_name="lines", verbose_name=_("return"))
    order_line = TenantForeignKey(
        OrderLine, models.PROTECT, related_name="return_lines", verbose_name=_("order line")
    )
    quantity = models.PositiveIntegerField(_("quantity"))
    amount_minor = models.BigIntegerField(_("refunded"))

    class Meta(TenantModel.Meta):
        verbose_name = _("return line")
        verbose_name_plural = _("return lines")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "parent", "order_line"], name="crm_return_line_once"),
            models.CheckConstraint(
                name="crm_return_line_positive", condition=models.Q(quantity__gt=0, amount_minor__gte=0)
            ),
        ]
        indexes = [models.Index(fields=["tenant", "order_line"], name="crm_return_line_by_line")]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.order_line_id}"
