from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from rewards.models.coupon_period import CouponPeriod
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class CouponCampaign(PublicIdModel, TenantModel):
    """Coupons that belong together: one budget, and, when targeted, the customers who received them."""

    key = models.CharField(_("key"), max_length=60)
    name = models.CharField(_("name"), max_length=200)
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    is_targeted = models.BooleanField(_("only for those who received it"), default=False)
    limit_uses = models.PositiveBigIntegerField(_("redemptions in all"), null=True, blank=True)
    limit_discount_minor = models.PositiveBigIntegerField(_("discount in all"), null=True, blank=True)
    limit_uses_period = models.PositiveBigIntegerField(_("redemptions in a period"), null=True, blank=True)
    limit_discount_period_minor = models.PositiveBigIntegerField(
        _("discount in a period"), null=True, blank=True
    )
    period = models.CharField(
        _("period"), max_length=5, choices=CouponPeriod.choices, default=CouponPeriod.MONTH,
        db_default=CouponPeriod.MONTH,
    )  # fmt: skip
    created_at = models.DateTimeField(_("created at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("coupon campaign")
        verbose_name_plural = _("coupon campaigns")
        constraints = [
            public_id_constraint("rewards_couponcampaign"),
            models.UniqueConstraint(fields=["tenant", "key"], name="rewards_couponcampaign_key"),
        ]

    def __str__(self) -> str:
        return self.name


class CouponRecipient(TenantModel):
    """A customer who received the coupons of a campaign."""

    campaign = TenantForeignKey(
        CouponCampaign, models.CASCADE, related_name="recipients", verbose_name=_("coupon campaign")
    )
    customer = TenantForeignKey(
        Customer, models.CASCADE, related_name="coupon_campaigns", verbose_name=_("customer")
    )
    received_at = models.DateTimeField(_("received at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("coupon recipient")
        verbose_name_plural = _("coupon recipients")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "campaign", "customer"], name="rewards_couponrecipient_once"
            )
        ]
        indexes = [models.Index(fields=["tenant", "customer"], name="rewards_couponrecipient_cust")]

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.customer_id}"
