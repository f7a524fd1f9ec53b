from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from tenants.models.base import TenantForeignKey, TenantModel


class ChallengeParticipation(TenantModel):
    """A customer taking part in a challenge: since when, and whether they asked to.

    It is written before anything is counted, and is the lock under which their progress is.
    """

    customer = TenantForeignKey(
        Customer, models.CASCADE, related_name="challenge_participations", verbose_name=_("customer")
    )
    challenge_key = models.CharField(_("challenge"), max_length=60, db_collation="C")
    joined_at = models.DateTimeField(_("joined at"))
    is_opted_in = models.BooleanField(_("opted in"), default=False)
    touched_at = models.DateTimeField(_("last counted at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("challenge participation")
        verbose_name_plural = _("challenge participations")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "customer", "challenge_key"], name="rewards_participation_once"
            )
        ]
        indexes = [models.Index(fields=["tenant", "challenge_key"], name="rewards_participation_by_key")]

    def __str__(self) -> str:
        return self.challenge_key
