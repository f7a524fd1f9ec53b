from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from rewards.models.dependent_row import DependentRow
from tenants.models.base import TenantForeignKey


class TierMove(models.TextChoices):
    ENTERED = "entered", _("Entered the tier")
    UPGRADED = "upgraded", _("Upgraded")
    RENEWED = "renewed", _("Renewed")
    GRACE = "grace", _("In grace")
    DOWNGRADED = "downgraded", _("Downgraded")
    REMAPPED = "remapped", _("Moved, its tier is gone")
    LOCKED = "locked", _("Locked")
    UNLOCKED = "unlocked", _("Unlocked")
    MERGED = "merged", _("Customers merged or separated")


class TierChange(DependentRow):
    """One step in a customer's history of tiers, append-only; an empty key is no tier.

    It also keeps what protects the tier from then on, so that the tier of any moment can be told.
    """

    customer = TenantForeignKey(
        Customer, models.PROTECT, related_name="tier_changes", verbose_name=_("customer")
    )
    move = models.CharField(_("change"), max_length=10, choices=TierMove.choices)
    from_key = models.CharField(_("from tier"), max_length=60, blank=True, default="")
    to_key = models.CharField(_("to tier"), max_length=60, blank=True, default="")
    changed_at = models.DateTimeField(_("changed at"))
    actor_label = models.CharField(_("actor"), max_length=200, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    grace_until = models.DateTimeField(_("grace until"), null=True, blank=True)
    locked_until = models.DateTimeField(_("locked until"), null=True, blank=True)

    class Meta(DependentRow.Meta):
        verbose_name = _("tier change")
        verbose_name_plural = _("tier changes")
        indexes = [
            models.Index(
                "tenant", "customer", models.F("changed_at").desc(), name="rewards_tier_change_customer"
            ),
            models.Index(fields=["tenant", "changed_at"], name="rewards_tier_change_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.from_key} → {self.to_key}"
