from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from tenants.models.base import TenantForeignKey, TenantModel


class TierMembership(TenantModel):
    """The tier a customer holds, what it rests on, and what protects it; spending points never touches it.

    ``values`` are the criteria's as of ``computed_at``. A tier is safe until ``valid_until``, then for the
    grace time, and whatever happens until ``locked_until``.
    """

    customer = TenantForeignKey(
        Customer, models.CASCADE, related_name="tier_memberships", verbose_name=_("customer")
    )
    tier_key = models.CharField(_("tier"), max_length=60)
    qualifying_spend_minor = models.BigIntegerField(_("qualifying spend"))
    since = models.DateTimeField(_("since"))
    computed_at = models.DateTimeField(_("computed at"))
    values = models.JSONField(
        _("values by criterion"), default=dict, db_default=models.Value({}, models.JSONField())
    )
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    grace_until = models.DateTimeField(_("grace until"), null=True, blank=True)
    locked_until = models.DateTimeField(_("locked until"), null=True, blank=True)
    lock_reason = models.CharField(
        _("reason of the lock"), max_length=500, blank=True, default="", db_default=""
    )
    locked_by = models.CharField(_("locked by"), max_length=200, blank=True, default="", db_default="")

    class Meta(TenantModel.Meta):
        verbose_name = _("tier membership")
        verbose_name_plural = _("tier memberships")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "customer"], name="rewards_tier_membership_customer")
        ]
        indexes = [models.Index(fields=["tenant", "tier_key"], name="rewards_tier_membership_tier")]

    def __str__(self) -> str:
        return self.tier_key
