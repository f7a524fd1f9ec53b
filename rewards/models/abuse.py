from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from rewards.domain.policies import Pace
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class VelocityKind(models.TextChoices):
    """What waits for a review: what came too fast, and guessed codes, which have limits of their own."""

    REDEMPTIONS = Pace.REDEMPTIONS.value, _("Redemptions of a customer")
    REFUNDS = Pace.REFUNDS.value, _("Refunds of a customer")
    REFERRALS = Pace.REFERRALS.value, _("Referrals by a customer")
    GUESSES = "guesses", _("Guessed coupon codes")
    COUPONS = Pace.COUPONS.value, _("Carts with coupons of a customer")
    TRANSFERS = Pace.TRANSFERS.value, _("Points given away by a customer")


class ReviewState(models.TextChoices):
    OPEN = "open", _("Open")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")


class VelocityLimit(TenantModel):
    """How many a customer may have in a while before somebody must look."""

    kind = models.CharField(_("kind"), max_length=11, choices=VelocityKind.choices)
    most = models.PositiveIntegerField(_("at most"))
    window_hours = models.PositiveIntegerField(_("within hours"))

    class Meta(TenantModel.Meta):
        verbose_name = _("velocity limit")
        verbose_name_plural = _("velocity limits")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind"], name="rewards_velocitylimit_kind"),
            models.CheckConstraint(
                name="rewards_velocitylimit_positive", condition=models.Q(most__gte=1, window_hours__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.most}"


class AbuseReview(PublicIdModel, TenantModel):
    """Something that waits until a person has looked; `subject` is the public id of what waits.

    Who guesses codes is the subject itself, and need not be a known customer.
    """

    kind = models.CharField(_("kind"), max_length=11, choices=VelocityKind.choices)
    customer = TenantForeignKey(
        Customer,
        models.PROTECT,
        related_name="abuse_reviews",
        verbose_name=_("customer"),
        null=True,
        blank=True,
    )
    subject = models.CharField(_("what waits"), max_length=60, db_collation="C")
    details = models.JSONField(_("details"), default=dict)
    state = models.CharField(_("state"), max_length=8, choices=ReviewState.choices, default=ReviewState.OPEN)
    opened_at = models.DateTimeField(_("opened at"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=254, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")

    class Meta(TenantModel.Meta):
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        constraints = [
            public_id_constraint("rewards_abusereview"),
            models.UniqueConstraint(
                fields=["tenant", "kind", "subject"],
                name="rewards_abusereview_open_once",
                condition=models.Q(state="open"),
            ),
        ]
        indexes = [models.Index("tenant", "state", models.F("id").desc(), name="rewards_abusereview_queue")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
