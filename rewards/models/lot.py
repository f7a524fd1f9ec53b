from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rewards.domain import lots
from rewards.models.account import Account
from rewards.models.dependent_row import DependentRow
from tenants.models.base import TenantForeignKey, TenantManager, TenantQuerySet


class LotState(models.TextChoices):
    PENDING = "pending", _("Pending")
    ACTIVE = "active", _("Active")
    EXPIRED = "expired", _("Expired")
    USED = "used", _("Used up")


class LotQuerySet(TenantQuerySet["Lot"]):
    def usable(self, at: datetime) -> LotQuerySet:
        """Lots to spend from at ``at``: expired ones are out and due ones in, swept or not."""
        return self.filter(
            models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=at),
            models.Q(is_pending=False) | models.Q(activates_at__lte=at),
            is_open=True,
            remaining__gt=models.F("held"),
        )

    def in_state(self, state: LotState, at: datetime) -> LotQuerySet:
        """Lots that are pending, active, expired or used up at ``at``, whatever the sweeps have seen."""
        if state is LotState.USED:
            return self.filter(is_open=False)
        expired = models.Q(expires_at__isnull=False, expires_at__lte=at)
        if state is LotState.EXPIRED:
            return self.filter(expired, is_open=True)
        pending = models.Q(is_pending=True) & (
            models.Q(activates_at__isnull=True) | models.Q(activates_at__gt=at)
        )
        return self.filter(~expired, pending if state is LotState.PENDING else ~pending, is_open=True)

    def due(self, at: datetime) -> LotQuerySet:
        """Lots past their expiry that still hold free points."""
        return self.filter(is_open=True, expires_at__lte=at, remaining__gt=models.F("held"))


LotManager = TenantManager.from_queryset(LotQuerySet)


class Lot(DependentRow):
    """One credit with its own expiry (null is never); spent earliest expiry first, then oldest.

    A pending lot waits for a date (`activates_at`), for something to happen, or for staff (`awaits`). A lot
    that moved with a merge names its new row, and that one its old row.
    """

    account = TenantForeignKey(Account, models.PROTECT, related_name="lots", verbose_name=_("points account"))
    # Of the database's domains rewards_grant (positive), and `held` of rewards_points (not negative). What
    # remains is between them: see `points_check.sql`.
    granted = models.BigIntegerField(_("granted"))
    remaining = models.BigIntegerField(_("remaining"))
    held = models.BigIntegerField(_("held"), default=0)
    available_from = models.DateTimeField(_("available from"))
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    is_pending = models.BooleanField(_("is pending"), default=False, db_default=False)
    activates_at = models.DateTimeField(_("activates at"), null=True, blank=True)
    awaits = models.CharField(
        _("waits for"), max_length=200, blank=True, default="", db_default="", db_collation="C"
    )
    moved_to = TenantForeignKey(
        "rewards.Lot", models.PROTECT, null=True, blank=True, verbose_name=_("moved to")
    )
    moved_from = TenantForeignKey(
        "rewards.Lot", models.PROTECT, null=True, blank=True, verbose_name=_("moved from")
    )
    # Whether something remains. The partial indexes hang on this flag and not on `remaining`: a debit that
    # leaves points stays a heap-only update. The functions that write lots set it and the lines' check holds
    # them to it: a generated column and a CHECK are read from their text at every posting (ADR 12).
    is_open = models.BooleanField(_("is open"), default=True, db_default=True)

    objects: ClassVar[LotManager[Self]] = LotManager()

    class Meta(DependentRow.Meta):
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        indexes = [
            models.Index(
                fields=["tenant", "account", "expires_at", "available_from", "id"],
                name="rewards_lot_spending_order",
                condition=models.Q(is_open=True),
            ),
            models.Index(
                fields=["tenant", "expires_at"],
                name="rewards_lot_due",
                condition=models.Q(is_open=True, expires_at__isnull=False),
            ),
            models.Index(
                fields=["tenant", "awaits"],
                name="rewards_lot_awaits",
                condition=models.Q(is_pending=True) & ~models.Q(awaits=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.remaining}/{self.granted}"

    @property
    def free(self) -> int:
        return self.remaining - self.held

    def state_at(self, at: datetime) -> LotState:
        """What the lot is at a moment, whatever the sweeps have seen."""
        return LotState(lots.state_at(self, at))

    @property
    def state(self) -> LotState:
        return self.state_at(timezone.now())
