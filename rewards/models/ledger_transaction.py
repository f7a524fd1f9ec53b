from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from rewards.models.account import Account
from rewards.models.dependent_row import DependentRow
from rewards.models.program_revision import ProgramRevision
from tenants.models.base import TenantForeignKey


class TransactionKind(models.TextChoices):
    EARN = "earn", _("Earned")
    ADJUST = "adjust", _("Adjustment")
    REDEEM = "redeem", _("Redeemed")
    RETURN = "return", _("Taken back on return")
    REVERSAL = "reversal", _("Reversal")
    EXPIRE = "expire", _("Expired")
    CANCEL = "cancel", _("Cancelled while pending")
    REPAY = "repay", _("Debt repaid")
    TRANSFER_OUT = "transfer_out", _("Given to another member")
    TRANSFER_IN = "transfer_in", _("Received from another member")
    MERGE_OUT = "merge_out", _("Moved with a merge")
    MERGE_IN = "merge_in", _("Arrived with a merge")


class LedgerTransaction(DependentRow):
    """One posting, append-only. `points` is the customer's side, signed.

    The source is unique for ever, so a retry years later still finds the posting instead of paying twice.
    """

    account = TenantForeignKey(
        Account, models.PROTECT, related_name="transactions", verbose_name=_("points account")
    )
    # Our own words have no limit in the database: fitting text to a length is a function a column, whose
    # permission is looked up at every posting.
    kind = models.CharField(_("kind"), choices=TransactionKind.choices)
    points = models.BigIntegerField(_("points"))
    source_type = models.CharField(_("source type"), db_collation="C")
    source_id = models.CharField(_("source"), max_length=200, db_collation="C")
    reverses = TenantForeignKey(
        "rewards.LedgerTransaction",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="reversals",
        verbose_name=_("reverses"),
    )
    revision = TenantForeignKey(
        ProgramRevision,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="transactions",
        verbose_name=_("program revision"),
    )
    actor_kind = models.CharField(_("actor kind"))
    actor_label = models.CharField(_("actor"), blank=True, default="")
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    occurred_at = models.DateTimeField(_("occurred at"))
    posted_at = models.DateTimeField(_("posted at"))

    class Meta(DependentRow.Meta):
        verbose_name = _("ledger transaction")
        verbose_name_plural = _("ledger transactions")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "source_type", "source_id"], name="rewards_transaction_source"
            ),
            models.UniqueConstraint(
                fields=["tenant", "reverses"],
                name="rewards_transaction_reversed_once",
                condition=models.Q(reverses__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.points:+d}"
