from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer, Order
from rewards.domain import offers
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class ReferralRewardKind(models.TextChoices):
    NOTHING = "nothing", _("Nothing")
    POINTS = "points", _("Points")
    COUPON = "coupon", _("Coupon")


class ReferralQualification(models.TextChoices):
    FIRST_ORDER = "first_order", _("The first order")
    EVENT = "event", _("An event")


# The document calls it otherwise than the column; everything else has one name.
_COLUMN_BY_TERM: Final = {"wallet": "wallet_key"}
_READ_AS: Final[dict[str, Any]] = {
    "referrer_kind": offers.ReferralReward,
    "referee_kind": offers.ReferralReward,
    "qualification": offers.ReferralQualification,
    "upper_points": tuple,
}


class ReferralProgram(TenantModel):
    """What both sides of a referral get, and when. One row a tenant.

    `upper_points` are for the referrers of the referrer, level by level; empty is one level only.
    """

    is_active = models.BooleanField(_("is active"), default=False)
    wallet_key = models.CharField(_("wallet"), max_length=60, default="points")
    referrer_kind = models.CharField(
        _("the referrer gets"),
        max_length=7,
        choices=ReferralRewardKind.choices,
        default=ReferralRewardKind.POINTS,
    )
    referrer_points = models.PositiveIntegerField(_("points of the referrer"), default=0)
    referrer_coupon = models.CharField(_("coupon of the referrer"), max_length=60, blank=True, default="")
    referee_kind = models.CharField(
        _("the new customer gets"),
        max_length=7,
        choices=ReferralRewardKind.choices,
        default=ReferralRewardKind.POINTS,
    )
    referee_points = models.PositiveIntegerField(_("points of the new customer"), default=0)
    referee_coupon = models.CharField(_("coupon of the new customer"), max_length=60, blank=True, default="")
    qualification = models.CharField(
        _("counts with"),
        max_length=11,
        choices=ReferralQualification.choices,
        default=ReferralQualification.FIRST_ORDER,
    )
    minimum_order_minor = models.PositiveBigIntegerField(_("order of at least"), default=0)
    event_name = models.CharField(_("name of the event"), max_length=200, blank=True, default="")
    within_days = models.PositiveSmallIntegerField(_("within days"), default=90)
    upper_points = models.JSONField(_("points of further levels"), default=list, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("referral program")
        verbose_name_plural = _("referral programs")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="rewards_referralprogram_one")]

    def __str__(self) -> str:
        return str(self.get_qualification_display())

    @property
    def terms(self) -> offers.ReferralTerms:
        """What the columns say, as programs have it."""
        names = [each.name for each in fields(offers.ReferralTerms)]
        values = {name: getattr(self, _COLUMN_BY_TERM.get(name, name)) for name in names}
        return offers.ReferralTerms(
            **{name: _READ_AS.get(name, _as_is)(value) for name, value in values.items()}
        )

    @terms.setter
    def terms(self, terms: offers.ReferralTerms) -> None:
        for column, value in self.columns_of(terms).items():
            setattr(self, column, value)

    @staticmethod
    def columns_of(terms: offers.ReferralTerms) -> dict[str, Any]:
        """Return the terms by the names of the columns."""
        values = {each.name: getattr(terms, each.name) for each in fields(terms)}
        return {
            _COLUMN_BY_TERM.get(name, name): list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
        }


def _as_is(value: Any) -> Any:
    return value


class ReferralCode(TenantModel):
    """The code a member gives to friends."""

    customer = TenantForeignKey(
        Customer, models.CASCADE, related_name="referral_codes", verbose_name=_("customer")
    )
    code = models.CharField(_("code"), max_length=40, db_collation="C")
    created_at = models.DateTimeField(_("created at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("referral code")
        verbose_name_plural = _("referral codes")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "customer"], name="rewards_referralcode_customer"),
            models.UniqueConstraint(fields=["tenant", "code"], name="rewards_referralcode_code"),
        ]

    def __str__(self) -> str:
        return self.code


class ReferralState(models.TextChoices):
    PENDING = "pending", _("Pending")
    QUALIFIED = "qualified", _("Qualified")
    REWARDED = "rewarded", _("Rewarded")
    REJECTED = "rejected", _("Rejected")
    IN_REVIEW = "in_review", _("In review")


class Referral(PublicIdModel, TenantModel):
    """One customer brought by another. `findings` are what the fraud checks found, by name."""

    referrer = TenantForeignKey(
        Customer, models.PROTECT, related_name="referrals_made", verbose_name=_("referrer")
    )
    referee = TenantForeignKey(
        Customer, models.PROTECT, related_name="referrals_had", verbose_name=_("new customer")
    )
    state = models.CharField(
        _("state"), max_length=9, choices=ReferralState.choices, default=ReferralState.PENDING
    )
    findings = models.JSONField(_("findings"), default=list)
    qualifying_order = TenantForeignKey(
        Order,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="referrals",
        verbose_name=_("qualifying order"),
    )
    created_at = models.DateTimeField(_("created at"))
    ends_at = models.DateTimeField(_("counts until"))
    qualified_at = models.DateTimeField(_("qualified at"), null=True, blank=True)
    rewarded_at = models.DateTimeField(_("rewarded at"), null=True, blank=True)
    rejected_at = models.DateTimeField(_("rejected at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")

    class Meta(TenantModel.Meta):
        verbose_name = _("referral")
        verbose_name_plural = _("referrals")
        constraints = [
            public_id_constraint("rewards_referral"),
            models.UniqueConstraint(fields=["tenant", "referee"], name="rewards_referral_referee_once"),
            models.CheckConstraint(
                name="rewards_referral_not_oneself",
                condition=~models.Q(referrer=models.F("referee")),
            ),
        ]
        indexes = [
            models.Index(
                "tenant", "referrer", models.F("created_at").desc(), name="rewards_referral_referrer"
            ),
            models.Index("tenant", models.F("id").desc(), name="rewards_referral_latest"),
            models.Index(fields=["tenant", "qualifying_order"], name="rewards_referral_order"),
        ]

    def __str__(self) -> str:
        return str(self.get_state_display())
