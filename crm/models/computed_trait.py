from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer import Customer
from tenants.models.base import TenantForeignKey, TenantModel


class ComputedTrait(TenantModel):
    """A number or a word that a model or an aggregate wrote on the customer, with its origin and age."""

    customer = TenantForeignKey(
        Customer, models.CASCADE, related_name="computed_traits", verbose_name=_("customer")
    )
    name = models.CharField(_("name"), max_length=60, db_collation="C")
    number = models.FloatField(_("number"), null=True, blank=True)
    text = models.CharField(_("text"), max_length=200, null=True, blank=True)
    model_version = models.CharField(_("model version"), max_length=100, blank=True, default="")
    computed_at = models.DateTimeField(_("computed at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("computed trait")
        verbose_name_plural = _("computed traits")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "customer", "name"], name="crm_computed_trait_name"),
            models.CheckConstraint(
                name="crm_computed_trait_one_value",
                condition=models.Q(number__isnull=False, text__isnull=True)
                | models.Q(number__isnull=True, text__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "name", "number"], name="crm_computed_trait_by_number"),
        ]

    def __str__(self) -> str:
        return f"{self.name}={self.value}"

    @property
    def value(self) -> float | str | None:
        return self.number if self.number is not None else self.text
