from __future__ import annotations

import secrets

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


def new_salt() -> str:
    return secrets.token_hex(32)


class CustomerPolicy(TenantModel):
    """How one tenant spells identities and what it does with personal data; at most one row a tenant."""

    phone_region = models.CharField(
        _("phone region"),
        max_length=2,
        blank=True,
        default="",
        validators=[RegexValidator(r"^[A-Z]{2}\Z")],
    )
    ignores_gmail_dots = models.BooleanField(_("ignores dots of Gmail addresses"), default=False)
    drops_plus_tag = models.BooleanField(_("drops what follows + in addresses"), default=False)
    needs_profiling_consent = models.BooleanField(_("profiling needs consent"), default=False)
    is_non_personalised = models.BooleanField(_("non-personalised lists for everybody"), default=False)
    erasure_grace_days = models.PositiveSmallIntegerField(_("days before an erasure"), default=0)
    tombstone_salt = models.CharField(_("tombstone salt"), max_length=64, default=new_salt, editable=False)
    updated_at = models.DateTimeField(_("updated at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("customer policy")
        verbose_name_plural = _("customer policies")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="crm_customer_policy_tenant")]

    def __str__(self) -> str:
        return str(self.tenant_id)
