from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import PublicIdModel, TenantModel, public_id_constraint


class Item(PublicIdModel, TenantModel):
    """Something the tenant sells or recommends: product, course, post, plan, article."""

    external_id = models.CharField(_("external id"), max_length=200, db_collation="C")
    name = models.CharField(_("name"), max_length=300)
    category = models.CharField(_("category"), max_length=120, blank=True, default="")
    subcategory = models.CharField(_("subcategory"), max_length=120, blank=True, default="")
    brand = models.CharField(_("brand"), max_length=120, blank=True, default="")
    price_minor = models.BigIntegerField(_("price in minor units"), null=True, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    is_active = models.BooleanField(_("is active"), default=True)
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("item")
        verbose_name_plural = _("items")
        constraints = [
            public_id_constraint("crm_item"),
            models.UniqueConstraint(fields=["tenant", "external_id"], name="crm_item_external_id"),
            models.CheckConstraint(
                name="crm_item_price_not_negative",
                condition=models.Q(price_minor__isnull=True) | models.Q(price_minor__gte=0),
            ),
        ]
        indexes = [models.Index(fields=["tenant", "category"], name="crm_item_by_category")]

    def __str__(self) -> str:
        return self.name or self.external_id
