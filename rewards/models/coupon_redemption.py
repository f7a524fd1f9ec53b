from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from rewards.models.coupon_code import CouponCode
from rewards.models.coupon_definition import CouponDefinition
from rewards.models.dependent_row import DependentRow
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class CouponRedemptionState(models.TextChoices):
    RESERVED = "reserved", _("Reserved")
    REDEEMED = "redeemed", _("Redeemed")
    RELEASED = "released", _("Released")
    ROLLED_BACK = "rolled_back", _("Rolled back")


class CouponRedemption(PublicIdModel, TenantModel):
    """One cart whose coupons were taken in one call, all or none; its uses name the codes."""

    customer = TenantForeignKey(
        Customer,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="coupon_redemptions",
        verbose_name=_("customer"),
    )
    state = models.CharField(_("state"), max_length=11, choices=CouponRedemptionState.choices)
    order_reference = models.CharField(_("order"), max_length=200, blank=True, default="", db_collation="C")
    goods_minor = models.BigIntegerField(_("goods"))
    shipping_minor = models.BigIntegerField(_("shipping"), default=0)
    discount_minor = models.BigIntegerField(_("discount"))
    lines = models.JSONField(_("lines"), default=list)
    source_type = models.CharField(_("source type"), max_length=40, db_collation="C")
    source_id = models.CharField(_("source"), max_length=200, db_collation="C")
    reserved_at = models.DateTimeField(_("reserved at"))
    expires_at = models.DateTimeField(_("times out at"), null=True, blank=True)
    redeemed_at = models.DateTimeField(_("redeemed at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")

    class Meta(TenantModel.Meta):
        verbose_name = _("coupon redemption")
        verbose_name_plural = _("coupon redemptions")
        constraints = [
            public_id_constraint("rewards_couponredemption"),
            models.UniqueConstraint(
                fields=["tenant", "source_type", "source_id"], name="rewards_couponredemption_source"
            ),
            models.CheckConstraint(
                name="rewards_couponredemption_never_below_zero",
                condition=models.Q(discount_minor__gte=0)
                & models.Q(discount_minor__lte=models.F("goods_minor") + models.F("shipping_minor")),
            ),
        ]
        indexes = [
            models.Index("tenant", models.F("id").desc(), name="rewards_couponred_latest"),
            models.Index(
                "tenant", "customer", models.F("reserved_at").desc(), name="rewards_couponred_customer"
            ),
            models.Index(
                fields=["tenant", "expires_at"],
                name="rewards_couponred_due",
                condition=models.Q(state=CouponRedemptionState.RESERVED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.discount_minor}"


class CouponUse(DependentRow):
    """One code in one coupon redemption, with what it took off and the counters it moved."""

    redemption = TenantForeignKey(
        CouponRedemption, models.CASCADE, related_name="uses", verbose_name=_("coupon redemption")
    )
    code = TenantForeignKey(
        CouponCode, models.PROTECT, related_name="redemptions", verbose_name=_("coupon code")
    )
    definition = TenantForeignKey(
        CouponDefinition, models.PROTECT, related_name="uses", verbose_name=_("coupon definition")
    )
    discount_minor = models.BigIntegerField(_("discount"))
    counters = models.JSONField(_("counters"), default=list)

    class Meta(DependentRow.Meta):
        verbose_name = _("use of a coupon")
        verbose_name_plural = _("uses of coupons")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "redemption", "code"], name="rewards_couponuse_once")
        ]
        indexes = [
            models.Index(fields=["tenant", "code"], name="rewards_couponuse_code"),
            models.Index(fields=["tenant", "definition"], name="rewards_couponuse_definition"),
        ]

    def __str__(self) -> str:
        return str(self.discount_minor)


class CouponCounter(TenantModel):
    """How often, and for how much, a limit was used: of a definition, a campaign, a customer, a period."""

    key = models.CharField(_("key"), max_length=100, db_collation="C")
    uses = models.BigIntegerField(_("uses"), default=0)
    discount_minor = models.BigIntegerField(_("discount"), default=0)

    class Meta(TenantModel.Meta):
        verbose_name = _("coupon counter")
        verbose_name_plural = _("coupon counters")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="rewards_couponcounter_key"),
            models.CheckConstraint(
                name="rewards_couponcounter_not_negative",
                condition=models.Q(uses__gte=0, discount_minor__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return self.key
