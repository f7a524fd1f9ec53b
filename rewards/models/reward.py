from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from rewards.models.coupon_definition import CouponDefinition
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
    """Something a customer buys with points; `stock` null is unlimited.

    Segments and tiers are keys of those who see it; empty lists are everybody. A reward with a coupon
    definition hands out one of its codes.
    """

    key = models.CharField(_("key"), max_length=60)
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True, default="")
    kind = models.CharField(_("kind"), max_length=12, choices=RewardKind.choices, default=RewardKind.CUSTOM)
    wallet = TenantForeignKey(Wallet, models.PROTECT, related_name="rewards", verbose_name=_("wallet"))
    cost_points = models.BigIntegerField(_("cost in points"))
    stock = models.PositiveIntegerField(_("stock"), null=True, blank=True)
    is_active = models.BooleanField(_("is active"), default=True)
    coupon_definition = TenantForeignKey(
        CouponDefinition,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="rewards",
        verbose_name=_("coupon definition"),
    )
    segments = models.JSONField(_("segments"), default=list, blank=True)
    tiers = models.JSONField(_("tiers"), default=list, blank=True)
    limit_per_customer = models.PositiveIntegerField(_("times a customer"), null=True, blank=True)
    valid_from = models.DateTimeField(_("valid from"), null=True, blank=True)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    needs_shipping = models.BooleanField(_("is packed and shipped"), default=False)
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"))
    # Only on rows read with the program's emergency brakes: `queries.catalogue.rewards`.
    pulled: list[dict[str, Any]] | None

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


class RewardPrice(TenantModel):
    """What a reward costs in another wallet than its own."""

    reward = TenantForeignKey(Reward, models.CASCADE, related_name="prices", verbose_name=_("reward"))
    wallet = TenantForeignKey(Wallet, models.PROTECT, related_name="prices", verbose_name=_("wallet"))
    cost_points = models.BigIntegerField(_("cost in points"))

    class Meta(TenantModel.Meta):
        verbose_name = _("price of a reward")
        verbose_name_plural = _("prices of rewards")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "reward", "wallet"], name="rewards_rewardprice_wallet"),
            models.CheckConstraint(
                name="rewards_rewardprice_positive", condition=models.Q(cost_points__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return str(self.cost_points)
