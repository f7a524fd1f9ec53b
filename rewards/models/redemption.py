from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from rewards.models.coupon_code import CouponCode
from rewards.models.hold import Hold
from rewards.models.ledger_transaction import LedgerTransaction
from rewards.models.reward import Reward
from rewards.models.wallet import Wallet
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class RedemptionState(models.TextChoices):
    RESERVED = "reserved", _("Reserved")
    CONFIRMED = "confirmed", _("Confirmed")
    PACKED = "packed", _("Packed")
    SHIPPED = "shipped", _("Shipped")
    DELIVERED = "delivered", _("Delivered")
    FULFILLED = "fulfilled", _("Fulfilled")
    CANCELLED = "cancelled", _("Cancelled")
    REFUNDED = "refunded", _("Refunded")


class Redemption(PublicIdModel, TenantModel):
    """One exchange of points for a reward: points held, then spent, then the reward handed over.

    A gift of a rule has no hold and no posting: `granted_by` is the rule's key, `gift_source` what it was
    given for, once for ever. Both are empty where points were paid.

    What is shipped is packed, shipped and delivered instead of fulfilled. Under review it stays reserved,
    without a time-out, until somebody has decided.
    """

    customer = TenantForeignKey(
        Customer, models.PROTECT, related_name="redemptions", verbose_name=_("customer")
    )
    reward = TenantForeignKey(Reward, models.PROTECT, related_name="redemptions", verbose_name=_("reward"))
    points = models.BigIntegerField(_("points"))
    state = models.CharField(
        _("state"), max_length=10, choices=RedemptionState.choices, default=RedemptionState.RESERVED
    )
    hold = TenantForeignKey(
        Hold, models.PROTECT, null=True, blank=True, related_name="redemptions", verbose_name=_("hold")
    )
    granted_by = models.CharField(
        _("granted by rule"), max_length=60, blank=True, default="", db_default="", db_collation="C"
    )
    gift_source = models.CharField(
        _("source of the gift"), max_length=200, blank=True, default="", db_default="", db_collation="C"
    )
    transaction = TenantForeignKey(
        LedgerTransaction,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="redemptions",
        verbose_name=_("ledger transaction"),
    )
    reserved_at = models.DateTimeField(_("reserved at"))
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)
    coupon_code = TenantForeignKey(
        CouponCode,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="reward_redemptions",
        verbose_name=_("coupon code"),
    )
    is_under_review = models.BooleanField(_("under review"), default=False)
    packed_at = models.DateTimeField(_("packed at"), null=True, blank=True)
    shipped_at = models.DateTimeField(_("shipped at"), null=True, blank=True)
    tracking = models.CharField(_("tracking"), max_length=200, blank=True, default="")
    refunded_at = models.DateTimeField(_("refunded at"), null=True, blank=True)
    fulfilled_at = models.DateTimeField(_("fulfilled at"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    cancel_reason = models.CharField(_("reason for cancelling"), max_length=500, blank=True, default="")

    class Meta(TenantModel.Meta):
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        constraints = [
            public_id_constraint("rewards_redemption"),
            models.UniqueConstraint(fields=["tenant", "hold"], name="rewards_redemption_hold"),
            models.UniqueConstraint(
                fields=["tenant", "gift_source"],
                name="rewards_redemption_gift",
                condition=~models.Q(gift_source=""),
            ),
            models.CheckConstraint(
                name="rewards_redemption_paid_or_granted",
                condition=models.Q(hold__isnull=False, granted_by="", gift_source="")
                | (
                    models.Q(hold__isnull=True, transaction__isnull=True, points=0)
                    & ~models.Q(granted_by="")
                    & ~models.Q(gift_source="")
                ),
            ),
            models.CheckConstraint(
                name="rewards_redemption_spent_when_confirmed",
                condition=models.Q(state__in=[RedemptionState.RESERVED, RedemptionState.CANCELLED])
                | models.Q(transaction__isnull=False, confirmed_at__isnull=False)
                | (~models.Q(granted_by="") & models.Q(confirmed_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(
                "tenant", "customer", models.F("reserved_at").desc(), name="rewards_redemption_customer"
            ),
            models.Index("tenant", models.F("id").desc(), name="rewards_redemption_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.points}"

    @property
    def wallet(self) -> Wallet:
        """The wallet it was paid from; of a gift the reward's own."""
        paid_from: Wallet = self.reward.wallet if self.hold is None else self.hold.account.wallet
        return paid_from
