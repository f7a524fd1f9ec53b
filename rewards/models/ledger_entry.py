from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from rewards.models.account import Account
from rewards.models.dependent_row import DependentRow
from rewards.models.ledger_transaction import LedgerTransaction
from rewards.models.lot import Lot
from tenants.models.base import TenantForeignKey

# Without a lot it is a line of the account's debt.
_OF_CUSTOMER = models.Q(account__isnull=False, seq__isnull=False, balance_after__isnull=False)
_OF_PROGRAM = models.Q(account__isnull=True, seq__isnull=True, balance_after__isnull=True, lot__isnull=True)


class LedgerEntry(DependentRow):
    """One signed line of a transaction, append-only; a line without account is the program's side.

    The lines of a transaction are inserted by one statement and sum to zero; a debit has one line per lot.
    """

    transaction = TenantForeignKey(
        LedgerTransaction, models.PROTECT, related_name="entries", verbose_name=_("ledger transaction")
    )
    account = TenantForeignKey(
        Account,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="entries",
        verbose_name=_("points account"),
    )
    lot = TenantForeignKey(
        Lot, models.PROTECT, null=True, blank=True, related_name="entries", verbose_name=_("lot")
    )
    points = models.BigIntegerField(_("points"))
    seq = models.BigIntegerField(_("number"), null=True, blank=True)
    balance_after = models.BigIntegerField(_("balance after"), null=True, blank=True)

    class Meta(DependentRow.Meta):
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "account", "seq"],
                name="rewards_entry_seq",
                condition=models.Q(account__isnull=False),
            ),
            models.CheckConstraint(name="rewards_entry_moves_points", condition=~models.Q(points=0)),
            models.CheckConstraint(name="rewards_entry_has_one_side", condition=_OF_CUSTOMER | _OF_PROGRAM),
        ]
        indexes = [
            models.Index(fields=["tenant", "transaction"], name="rewards_entry_transaction"),
            models.Index(
                fields=["tenant", "lot"], name="rewards_entry_lot_debits", condition=models.Q(points__lt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.points:+d}"
