from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.item import Item
from crm.models.order import Order
from tenants.models.base import TenantForeignKey, TenantModel


class LineKind(models.TextChoices):
    PRODUCT = "product", _("Product")
    CHARGE = "charge", _("Charge")


class OrderLine(TenantModel):
    """One line of an order. A charge (postage, fee, manual discount) names no item and may be negative."""

    # The order's key names the tenant already; checking it again cost an import of 1.5M lines seven seconds.
    tenant = models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        editable=False,
        verbose_name=_("tenant"),
    )
    order = TenantForeignKey(Order, models.CASCADE, related_name="lines", verbose_name=_("order"))
    position = models.PositiveIntegerField(_("position"))
    # No index by item: nothing reads lines that way per request, and every import would pay for it. Its
    # foreign key is checked a statement at a time, see migration 0004.
    item = TenantForeignKey(
        Item, models.PROTECT, null=True, blank=True, related_name="order_lines", verbose_name=_("item")
    )
    sku = models.CharField(_("stock code"), max_length=200, db_collation="C")
    kind = models.CharField(_("kind"), max_length=8, choices=LineKind.choices, default=LineKind.PRODUCT)
    quantity = models.IntegerField(_("quantity"))
    unit_price_minor = models.BigIntegerField(_("unit price"))
    gross_minor = models.BigIntegerField(_("shelf price"))
    store_discount_minor = models.BigIntegerField(_("store discount"), default=0)
    coupon_discount_minor = models.BigIntegerField(_("coupon discount"), default=0)
    total_minor = models.BigIntegerField(_("total"))

    class Meta(TenantModel.Meta):
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "order", "position"], name="crm_order_line_position"),
            models.CheckConstraint(
                name="crm_order_line_total_adds_up",
                condition=models.Q(
                    total_minor=models.F("gross_minor")
                    - models.F("store_discount_minor")
                    - models.F("coupon_discount_minor")
                ),
            ),
            models.CheckConstraint(
                name="crm_order_line_product_positive",
                condition=models.Q(kind=LineKind.CHARGE) | models.Q(quantity__gt=0, total_minor__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"
