from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.base import TenantModel


class Wallet(TenantModel):
    """One unit of points. Its policy lives in the program revision under the same key."""

    key = models.CharField(_("key"), max_length=60)
    name = models.CharField(_("name"), max_length=200)
    created_at = models.DateTimeField(_("created at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("wallet")
        verbose_name_plural = _("wallets")
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="rewards_wallet_key")]

    def __str__(self) -> str:
        return self.name
