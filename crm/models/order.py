from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer import Customer
from crm.models.import_run import ImportRun
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class Order(PublicIdModel, TenantModel):
    """A commercial document with lines; amounts are minor units of its currency, the customer may be unknown.

    `gross_minor` is the shelf price; `total_minor`, the shelf price less both discounts, is what is paid.
    """

    external_id = models.CharField(_("external id"), max_length=200, db_collation="C")
    customer = TenantForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="orders", verbose_name=_("customer")
    )
    placed_at = models.DateTimeField(_("placed at"))
    currency = models.CharField(_("currency"), max_length=3)
    gross_minor = models.BigIntegerField(_("shelf price"))
    store_discount_minor = models.BigIntegerField(_("store discount"), default=0)
    coupon_discount_minor = models.BigIntegerField(_("coupon discount"), default=0)
    total_minor = models.BigIntegerField(_("total"))
    channel = models.CharField(_("channel"), max_length=60, blank=True, default="")
    import_run = TenantForeignKey(
        ImportRun, models.PROTECT, null=True, blank=True, related_name="orders", verbose_name=_("import")
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            public_id_constraint("crm_order"),
            models.UniqueConstraint(fields=["tenant", "external_id"], name="crm_order_external_id"),
            models.CheckConstraint(
                name="crm_order_total_adds_up",
                condition=models.Q(
                    total_minor=models.F("gross_minor")
                    - models.F("store_discount_minor")
                    - models.F("coupon_discount_minor")
                ),
            ),
            models.CheckConstraint(
                name="crm_order_discounts_not_negative",
                condition=models.Q(store_discount_minor__gte=0, coupon_discount_minor__gte=0),
            ),
        ]
        indexes = [
            models.Index("tenant", "customer", models.F("placed_at").desc(), name="crm_order_by_customer"),
            models.Index(
                "tenant", models.F("placed_at").desc(), models.F("id").desc(), name="crm_order_by_time"
            ),
        ]

    def __str__(self) -> str:
        return self.external_id
