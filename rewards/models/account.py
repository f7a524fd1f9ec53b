from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from rewards.models.wallet import Wallet
from tenants.models.base import TenantForeignKey, TenantModel


class Account(TenantModel):
    """One customer's balances in one wallet; only the ledger's database functions can change them.

    Pending points cannot be spent yet, available ones can (minus what expired since the last sweep), held
    ones are set aside, and `debt` is what returns took beyond the lots: the next earn repays it. An account
    that was merged away names the one that took its points over.

    The program's side of each posting has no account: a row that every posting updates would serialise them.
    `seq` counts the account's ledger entries without a gap.
    """

    customer = TenantForeignKey(
        Customer, models.PROTECT, related_name="point_accounts", verbose_name=_("customer")
    )
    wallet = TenantForeignKey(Wallet, models.PROTECT, related_name="accounts", verbose_name=_("wallet"))
    # These four are of the database's domain rewards_points: never negative.
    available = models.BigIntegerField(_("available"), default=0)
    held = models.BigIntegerField(_("held"), default=0)
    pending = models.BigIntegerField(_("pending"), default=0, db_default=0)
    debt = models.BigIntegerField(_("debt"), default=0, db_default=0)
    seq = models.BigIntegerField(_("entries"), default=0)
    # The earliest date a pending lot waits for, or an earlier one: while it is ahead a debit need not look.
    next_activation_at = models.DateTimeField(_("next activation at"), null=True, blank=True)
    moved_to = TenantForeignKey(
        "rewards.Account", models.PROTECT, null=True, blank=True, verbose_name=_("merged into")
    )
    frozen_at = models.DateTimeField(_("frozen at"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("points account")
        verbose_name_plural = _("points accounts")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "customer", "wallet"], name="rewards_account_customer"),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "frozen_at"],
                name="rewards_account_frozen",
                condition=models.Q(frozen_at__isnull=False),
            ),
            models.Index(
                fields=["tenant", "next_activation_at"],
                name="rewards_account_activation",
                condition=models.Q(next_activation_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.balance)

    @property
    def balance(self) -> int:
        """What the ledger lines sum to."""
        return self.pending + self.available + self.held - self.debt
