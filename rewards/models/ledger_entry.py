from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from rewards.models.account import Account
from rewards.models.dependent_row import DependentRow
from rewards.models.ledger_transaction import LedgerTransaction
from rewards.models.lot import Lot
from tenants.models.base import TenantForeignKey


class LedgerEntry(DependentRow):
    """One signed line of a transaction, append-only; without a lot it is a line of the account's debt.

    A transaction is the program's side of itself: its lines are inserted by one statement and add up to its
    points. A debit has one line per lot. A line says what the account and the lot hold after it.
    """

    transaction = TenantForeignKey(
        LedgerTransaction, models.PROTECT, related_name="entries", verbose_name=_("ledger transaction")
    )
    account = TenantForeignKey(
        Account, models.PROTECT, related_name="entries", verbose_name=_("points account")
    )
    lot = TenantForeignKey(
        Lot, models.PROTECT, null=True, blank=True, related_name="entries", verbose_name=_("lot")
    )
    points = models.BigIntegerField(_("points"))
    seq = models.BigIntegerField(_("number"))
    balance_after = models.BigIntegerField(_("balance after"))
    lot_remaining = models.BigIntegerField(_("left in the lot"), null=True, blank=True)

    class Meta(DependentRow.Meta):
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "account", "seq"], name="rewards_entry_seq"),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "lot"], name="rewards_entry_lot_debits", condition=models.Q(points__lt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.points:+d}"
