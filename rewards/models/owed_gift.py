from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from tenants.models.base import TenantForeignKey, TenantModel


class GiftKind(models.TextChoices):
    COUPON = "coupon", _("Coupon")
    REWARD = "reward", _("Reward")


class GiverKind(models.TextChoices):
    RULE = "rule", _("Rule")
    CHALLENGE = "challenge", _("Challenge")


class OwedGift(TenantModel):
    """What a customer has earned while an emergency brake kept it back; it is given after the release.

    `source` names what it was earned by, for ever: for a rule the kind and number of the decision, for a
    challenge the gift. `outcome` is empty until it is settled, then `given`, or the code of the refusal.
    """

    customer = TenantForeignKey(
        Customer, models.PROTECT, related_name="owed_gifts", verbose_name=_("customer")
    )
    kind = models.CharField(_("kind"), max_length=6, choices=GiftKind.choices)
    key = models.CharField(_("key"), max_length=60, db_collation="C")
    giver_kind = models.CharField(_("given by"), max_length=9, choices=GiverKind.choices)
    giver = models.CharField(_("rule or challenge"), max_length=60, db_collation="C")
    source = models.CharField(_("source"), max_length=200, db_collation="C")
    reason = models.CharField(_("reason"), max_length=40)
    earned_at = models.DateTimeField(_("earned at"))
    owed_at = models.DateTimeField(_("owed since"))
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=60, blank=True, default="")

    class Meta(TenantModel.Meta):
        verbose_name = _("owed gift")
        verbose_name_plural = _("owed gifts")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "giver_kind", "giver", "source", "kind", "key"],
                name="rewards_owedgift_source",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "customer", "id"], name="rewards_owedgift_customer"),
            models.Index(
                fields=["tenant", "kind", "key"],
                name="rewards_owedgift_waiting",
                condition=models.Q(settled_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"
