from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer import Customer
from crm.models.import_run import ImportRun
from crm.models.order import Order
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class Return(PublicIdModel, TenantModel):
    """Goods given back: names the order and, line by line, what came back and what was refunded."""

    external_id = models.CharField(_("external id"), max_length=200, db_collation="C")
    order = TenantForeignKey(Order, models.PROTECT, related_name="returns", verbose_name=_("order"))
    customer = TenantForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="returns", verbose_name=_("customer")
    )
    returned_at = models.DateTimeField(_("returned at"))
    total_minor = models.BigIntegerField(_("refunded"))
    import_run = TenantForeignKey(
        ImportRun, models.PROTECT, null=True, blank=True, related_name="returns", verbose_name=_("import")
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("return")
        verbose_name_plural = _("returns")
        constraints = [
            public_id_constraint("crm_return"),
            models.UniqueConstraint(fields=["tenant", "external_id"], name="crm_return_external_id"),
            models.CheckConstraint(name="crm_return_not_negative", condition=models.Q(total_minor__gte=0)),
        ]
        indexes = [
            models.Index("tenant", "customer", models.F("returned_at").desc(), name="crm_return_by_customer"),
            models.Index(fields=["tenant", "order"], name="crm_return_by_order"),
            models.Index(
                "tenant", models.F("returned_at").desc(), models.F("id").desc(), name="crm_return_by_time"
            ),
        ]

    def __str__(self) -> str:
        return self.external_id
