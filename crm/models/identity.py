from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer import Customer
from tenants.models.base import TenantForeignKey, TenantModel


class IdentityKind(models.TextChoices):
    EXTERNAL_ID = "external_id", _("External id")
    EMAIL = "email", _("E-mail")
    PHONE = "phone", _("Phone")
    ANONYMOUS_ID = "anonymous_id", _("Anonymous id")
    DEVICE = "device", _("Device")
    CARD = "card", _("Card")


class Identity(TenantModel):
    """One (kind, value) pair that points to a customer; the only way an event finds its customer.

    `value` is the tenant's spelling; `given` is what came, where that differs, so that another spelling can
    be made from it later.
    """

    customer = TenantForeignKey(
        Customer, models.CASCADE, related_name="identities", verbose_name=_("customer")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=IdentityKind.choices)
    value = models.CharField(_("value"), max_length=254, db_collation="C")
    given = models.CharField(_("as given"), max_length=254, blank=True, default="", db_default="")
    created_at = models.DateTimeField(_("created at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "value"], name="crm_identity_kind_value"),
            models.CheckConstraint(name="crm_identity_value_not_blank", condition=~models.Q(value="")),
        ]
        indexes = [models.Index(fields=["tenant", "customer"], name="crm_identity_by_customer")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"
