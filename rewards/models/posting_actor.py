from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from rewards.models.dependent_row import DependentRow
from rewards.models.ledger_transaction import LedgerTransaction
from tenants.models.base import TenantForeignKey


class PostingActor(DependentRow):
    """Who made a posting by hand, by kind and id: a label can change, and two may share one."""

    transaction = TenantForeignKey(
        LedgerTransaction, models.PROTECT, related_name="actors", verbose_name=_("ledger transaction")
    )
    actor_ref = models.CharField(_("who posted"), max_length=40, db_collation="C")

    class Meta(DependentRow.Meta):
        verbose_name = _("actor of a posting")
        verbose_name_plural = _("actors of postings")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "transaction"], name="rewards_posting_actor_once"),
        ]

    def __str__(self) -> str:
        return self.actor_ref
