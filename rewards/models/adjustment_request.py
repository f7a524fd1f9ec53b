from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from rewards.models.ledger_transaction import LedgerTransaction
from rewards.models.wallet import Wallet
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class AdjustmentState(models.TextChoices):
    REQUESTED = "requested", _("Waiting for approval")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")


class AdjustmentRequest(PublicIdModel, TenantModel):
    """An adjustment above its requester's limit; moves points once somebody else has approved it.

    The refs are the kinds and ids of the actors whose labels stand beside them.
    """

    customer = TenantForeignKey(
        Customer, models.PROTECT, related_name="adjustment_requests", verbose_name=_("customer")
    )
    wallet = TenantForeignKey(Wallet, models.PROTECT, verbose_name=_("wallet"))
    points = models.BigIntegerField(_("points"))
    reason = models.CharField(_("reason"), max_length=500)
    key = models.CharField(_("key"), max_length=200, db_collation="C")
    state = models.CharField(
        _("state"), max_length=10, choices=AdjustmentState.choices, default=AdjustmentState.REQUESTED
    )
    requested_by = models.CharField(_("requested by"), max_length=200)
    requested_ref = models.CharField(
        _("who asked"), max_length=40, default="", db_default="", db_collation="C"
    )
    requested_at = models.DateTimeField(_("requested at"))
    decided_by = models.CharField(_("decided by"), max_length=200, blank=True, default="")
    decided_ref = models.CharField(
        _("who decided"), max_length=40, blank=True, default="", db_default="", db_collation="C"
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decision_note = models.CharField(_("note"), max_length=500, blank=True, default="")
    transaction = TenantForeignKey(
        LedgerTransaction, models.PROTECT, null=True, blank=True, verbose_name=_("ledger transaction")
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("adjustment request")
        verbose_name_plural = _("adjustment requests")
        constraints = [
            public_id_constraint("rewards_adjustment"),
            models.UniqueConstraint(fields=["tenant", "key"], name="rewards_adjustment_key"),
            models.CheckConstraint(name="rewards_adjustment_moves", condition=~models.Q(points=0)),
            models.CheckConstraint(
                name="rewards_adjustment_two_people",
                condition=models.Q(decided_ref="") | ~models.Q(decided_ref=models.F("requested_ref")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "requested_at"],
                name="rewards_adjustment_open",
                condition=models.Q(state=AdjustmentState.REQUESTED),
            )
        ]

    def __str__(self) -> str:
        return f"{self.points:+d}"
