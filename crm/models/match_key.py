from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer import Customer
from tenants.models.base import TenantForeignKey, TenantModel


class MatchKeyKind(models.TextChoices):
    EMAIL = "email", _("Same e-mail")
    PHONE = "phone", _("Same phone")
    BIRTH = "birth", _("Same date of birth and alike name")
    POSTCODE = "postcode", _("Same postcode and alike name")


class MatchKey(TenantModel):
    """What a customer is compared by: customers who share a key are looked at as possible duplicates."""

    customer = TenantForeignKey(
        Customer, models.CASCADE, related_name="match_keys", verbose_name=_("customer")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=MatchKeyKind.choices)
    key = models.CharField(_("key"), max_length=254, db_collation="C")

    class Meta(TenantModel.Meta):
        verbose_name = _("match key")
        verbose_name_plural = _("match keys")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "customer", "kind", "key"], name="crm_match_key_once")
        ]
        indexes = [models.Index(fields=["tenant", "kind", "key", "customer"], name="crm_match_key_by_key")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"
