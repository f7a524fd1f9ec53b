from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Item
from rewards.domain.coupon_terms import WHOLE
from rewards.models.coupon_campaign import CouponCampaign
from rewards.models.coupon_period import CouponPeriod
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class CouponKind(models.TextChoices):
    PERCENT = "percent", _("Percent off")
    AMOUNT = "amount", _("Amount off")
    FREE_ITEM = "free_item", _("Free item")
    SHIPPING = "shipping", _("Free shipping")
    STORED_VALUE = "stored_value", _("Stored value")


class CouponBase(models.TextChoices):
    ORIGINAL = "original", _("the original price")
    REMAINING = "remaining", _("what earlier coupons left")


class CouponConflict(models.TextChoices):
    BEST_OF = "best_of", _("the best one counts")
    REFUSE = "refuse", _("the cart is refused")


class CouponDefinition(PublicIdModel, TenantModel):
    """The terms of an offer; codes point to it. Amounts are minor units, `percent_hundredths` 1,000 is 10 %.

    Lists are JSON arrays of keys; an empty one is no condition. Limits that are null do not limit.
    """

    key = models.CharField(_("key"), max_length=60)
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True, default="")
    campaign = TenantForeignKey(
        CouponCampaign,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="definitions",
        verbose_name=_("coupon campaign"),
    )
    kind = models.CharField(_("kind"), max_length=12, choices=CouponKind.choices)
    percent_hundredths = models.PositiveIntegerField(_("percent"), default=0)
    amount_minor = models.PositiveBigIntegerField(_("amount"), default=0)
    free_quantity = models.PositiveSmallIntegerField(_("free pieces"), default=1)
    max_discount_minor = models.PositiveBigIntegerField(_("most discount a use"), null=True, blank=True)
    has_items = models.BooleanField(_("only for listed items"), default=False)
    categories = models.JSONField(_("categories"), default=list, blank=True)
    excluded_categories = models.JSONField(_("categories left out"), default=list, blank=True)
    minimum_spend_minor = models.PositiveBigIntegerField(_("minimum spend"), default=0)
    minimum_quantity = models.PositiveIntegerField(_("minimum pieces"), default=0)
    channels = models.JSONField(_("channels"), default=list, blank=True)
    segments = models.JSONField(_("segments"), default=list, blank=True)
    tiers = models.JSONField(_("tiers"), default=list, blank=True)
    is_first_purchase = models.BooleanField(_("first purchase only"), default=False)
    rule = models.JSONField(_("rule about the customer"), null=True, blank=True)
    valid_from = models.DateTimeField(_("valid from"), null=True, blank=True)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    valid_days = models.PositiveSmallIntegerField(_("valid days after issue"), null=True, blank=True)
    weekdays = models.JSONField(_("weekdays"), default=list, blank=True)
    hour_from = models.PositiveSmallIntegerField(_("from hour"), null=True, blank=True)
    hour_until = models.PositiveSmallIntegerField(_("until hour"), null=True, blank=True)
    uses_per_code = models.PositiveIntegerField(_("uses of a code"), null=True, blank=True)
    uses_per_customer = models.PositiveIntegerField(_("uses by a customer"), null=True, blank=True)
    uses_per_period = models.PositiveIntegerField(_("uses by a customer in a period"), null=True, blank=True)
    uses_per_code_period = models.PositiveIntegerField(_("uses of a code in a period"), null=True, blank=True)
    limit_uses_period = models.PositiveBigIntegerField(_("redemptions in a period"), null=True, blank=True)
    limit_discount_period_minor = models.PositiveBigIntegerField(
        _("discount in a period"), null=True, blank=True
    )
    period = models.CharField(
        _("period"), max_length=5, choices=CouponPeriod.choices, default=CouponPeriod.MONTH
    )
    limit_uses = models.PositiveBigIntegerField(_("redemptions in all"), null=True, blank=True)
    limit_discount_minor = models.PositiveBigIntegerField(_("discount in all"), null=True, blank=True)
    priority = models.PositiveSmallIntegerField(_("order of application"), default=100)
    base = models.CharField(
        _("computed on"), max_length=9, choices=CouponBase.choices, default=CouponBase.REMAINING
    )
    exclusive_group = models.CharField(_("group of which one counts"), max_length=40, blank=True, default="")
    is_exclusive = models.BooleanField(_("not with any other coupon"), default=False)
    on_conflict = models.CharField(
        _("on a conflict"), max_length=7, choices=CouponConflict.choices, default=CouponConflict.BEST_OF
    )
    code_pattern = models.CharField(_("pattern of codes"), max_length=40, default="####-####")
    has_checksum = models.BooleanField(_("codes end with a check character"), default=True)
    is_active = models.BooleanField(_("is active"), default=True)
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"))
    # Only on rows read with the program's emergency brakes: `queries.coupon_definitions`.
    pulled: list[dict[str, Any]] | None

    class Meta(TenantModel.Meta):
        verbose_name = _("coupon definition")
        verbose_name_plural = _("coupon definitions")
        constraints = [
            public_id_constraint("rewards_coupondefinition"),
            models.UniqueConstraint(fields=["tenant", "key"], name="rewards_coupondefinition_key"),
            models.CheckConstraint(
                name="rewards_coupondefinition_value",
                condition=(
                    models.Q(kind=CouponKind.PERCENT, percent_hundredths__gte=1)
                    & models.Q(percent_hundredths__lte=WHOLE)
                )
                | models.Q(kind__in=[CouponKind.AMOUNT, CouponKind.STORED_VALUE], amount_minor__gte=1)
                | models.Q(kind=CouponKind.FREE_ITEM, free_quantity__gte=1)
                | models.Q(kind=CouponKind.SHIPPING),
            ),
        ]
        indexes = [
            models.Index("tenant", models.F("id").desc(), name="rewards_coupondef_latest"),
            models.Index(fields=["tenant", "campaign"], name="rewards_coupondef_campaign"),
        ]

    def __str__(self) -> str:
        return self.name


class CouponItem(TenantModel):
    """One item a definition is about."""

    definition = TenantForeignKey(
        CouponDefinition, models.CASCADE, related_name="items", verbose_name=_("coupon definition")
    )
    item = TenantForeignKey(Item, models.CASCADE, related_name="coupons", verbose_name=_("item"))

    class Meta(TenantModel.Meta):
        verbose_name = _("item of a coupon")
        verbose_name_plural = _("items of coupons")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "definition", "item"], name="rewards_couponitem_once")
        ]

    def __str__(self) -> str:
        return f"{self.definition_id}: {self.item_id}"
