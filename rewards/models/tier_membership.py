from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from tenants.models.base import TenantForeignKey, TenantModel


class TierMembership(TenantModel):
    """The tier a customer's qualifying spend reaches; spending points never touches it."""

    customer = TenantForeignKey(
        Customer, models.CASCADE, related_name="tier_memberships", verbose_name=_("customer")
    )
    tier_key = models.CharField(_("tier"), max_length=60)
    qualifying_spend_minor = models.BigIntegerField(_("qualifying spend"))
    since = models.DateTimeField(_("since"))
    computed_at = models.DateTimeField(_("computed at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("tier membership")
        verbose_name_plural = _("tier memberships")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "customer"], name="rewards_tier_membership_customer")
        ]
        indexes = [models.Index(fields=["tenant", "tier_key"], name="rewards_tier_membership_tier")]

    def __str__(self) -> str:
        return self.tier_key
