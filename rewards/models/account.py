from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from rewards.models.wallet import Wallet
from tenants.models.base import TenantForeignKey, TenantModel


class Account(TenantModel):
    """One customer's balance in one wallet; changed by the ledger's database functions only.

    The program's side of each posting has no account: a row that every posting updates would serialise them.
    `seq` counts the account's ledger entries without a gap.
    """

    customer = TenantForeignKey(
        Customer, models.PROTECT, related_name="point_accounts", verbose_name=_("customer")
    )
    wallet = TenantForeignKey(Wallet, models.PROTECT, related_name="accounts", verbose_name=_("wallet"))
    available = models.BigIntegerField(_("available"), default=0)
    held = models.BigIntegerField(_("held"), default=0)
    seq = models.BigIntegerField(_("entries"), default=0)
    frozen_at = models.DateTimeField(_("frozen at"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("points account")
        verbose_name_plural = _("points accounts")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "customer", "wallet"], name="rewards_account_customer"),
            models.CheckConstraint(
                name="rewards_account_not_negative",
                condition=models.Q(available__gte=0, held__gte=0, seq__gte=0),
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "frozen_at"],
                name="rewards_account_frozen",
                condition=models.Q(frozen_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return str(self.balance)

    @property
    def balance(self) -> int:
        return self.available + self.held
