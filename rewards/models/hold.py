from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from rewards.models.account import Account
from rewards.models.ledger_transaction import LedgerTransaction
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class HoldState(models.TextChoices):
    OPEN = "open", _("Open")
    CAPTURED = "captured", _("Captured")
    RELEASED = "released", _("Released")
    TIMED_OUT = "timed_out", _("Timed out")


class Hold(PublicIdModel, TenantModel):
    """Points set aside for something that is not final yet; its lines name the lots."""

    account = TenantForeignKey(
        Account, models.PROTECT, related_name="holds", verbose_name=_("points account")
    )
    points = models.BigIntegerField(_("points"))
    state = models.CharField(_("state"), max_length=10, choices=HoldState.choices, default=HoldState.OPEN)
    source_type = models.CharField(_("source type"), max_length=40, db_collation="C")
    source_id = models.CharField(_("source"), max_length=200, db_collation="C")
    opened_at = models.DateTimeField(_("opened at"))
    expires_at = models.DateTimeField(_("times out at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    transaction = TenantForeignKey(
        LedgerTransaction,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="holds",
        verbose_name=_("captured by"),
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        constraints = [
            public_id_constraint("rewards_hold"),
            models.UniqueConstraint(
                fields=["tenant", "source_type", "source_id"], name="rewards_hold_source"
            ),
            models.CheckConstraint(name="rewards_hold_positive", condition=models.Q(points__gt=0)),
            models.CheckConstraint(
                name="rewards_hold_closed_has_moment",
                condition=models.Q(state=HoldState.OPEN, closed_at__isnull=True)
                | (~models.Q(state=HoldState.OPEN) & models.Q(closed_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="rewards_hold_captured_has_transaction",
                condition=models.Q(state=HoldState.CAPTURED, transaction__isnull=False)
                | (~models.Q(state=HoldState.CAPTURED) & models.Q(transaction__isnull=True)),
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "expires_at"],
                name="rewards_hold_due",
                condition=models.Q(state=HoldState.OPEN, expires_at__isnull=False),
            ),
            models.Index(fields=["tenant", "account"], name="rewards_hold_account"),
        ]

    def __str__(self) -> str:
        return str(self.points)
