from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from rewards.models.wallet import Wallet
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class RewardKind(models.TextChoices):
    COUPON = "coupon", _("Coupon")
    PRODUCT = "product", _("Product")
    GIFT_CARD = "gift_card", _("Gift card")
    DONATION = "donation", _("Donation")
    EXPERIENCE = "experience", _("Experience")
    CUSTOM = "custom", _("Other")


class Reward(PublicIdModel, TenantModel):
    """Something a customer buys with points; `stock` null is unlimited."""

    key = models.CharField(_("key"), max_length=60)
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True, default="")
    kind = models.CharField(_("kind"), max_length=12, choices=RewardKind.choices, default=RewardKind.CUSTOM)
    wallet = TenantForeignKey(Wallet, models.PROTECT, related_name="rewards", verbose_name=_("wallet"))
    cost_points = models.BigIntegerField(_("cost in points"))
    stock = models.PositiveIntegerField(_("stock"), null=True, blank=True)
    is_active = models.BooleanField(_("is active"), default=True)
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("reward")
        verbose_name_plural = _("rewards")
        constraints = [
            public_id_constraint("rewards_reward"),
            models.UniqueConstraint(fields=["tenant", "key"], name="rewards_reward_key"),
            models.CheckConstraint(name="rewards_reward_costs_points", condition=models.Q(cost_points__gt=0)),
            models.CheckConstraint(
                name="rewards_reward_stock_not_negative",
                condition=models.Q(stock__isnull=True) | models.Q(stock__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return self.name
