from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from tenants.models.base import TenantForeignKey, TenantModel


class ChallengeState(models.TextChoices):
    IN_PROGRESS = "in_progress", _("In progress")
    COMPLETED = "completed", _("Completed")
    REWARDED = "rewarded", _("Rewarded")
    EXPIRED = "expired", _("Expired")


class ChallengeProgress(TenantModel):
    """How far a customer is in one period of a challenge, and what was given for it.

    ``target`` is the one of the moment of completion; ``round`` counts how often returns took the rewards
    back; ``grants`` names every reward given, with its permanent source.
    """

    customer = TenantForeignKey(
        Customer, models.CASCADE, related_name="challenge_progress", verbose_name=_("customer")
    )
    challenge_key = models.CharField(_("challenge"), max_length=60, db_collation="C")
    period = models.CharField(_("period"), max_length=10, db_collation="C")
    state = models.CharField(_("state"), max_length=11, choices=ChallengeState.choices)
    value = models.BigIntegerField(_("progress"))
    target = models.BigIntegerField(_("goal"))
    value_by_task = models.JSONField(_("progress by task"), default=dict, blank=True)
    milestones = ArrayField(models.BigIntegerField(), verbose_name=_("milestones reached"), default=list)
    grants = models.JSONField(_("rewards given"), default=list, blank=True)
    round = models.PositiveSmallIntegerField(_("round"), default=0)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)
    rewarded_at = models.DateTimeField(_("rewarded at"), null=True, blank=True)
    updated_at = models.DateTimeField(_("updated at"))

    class Meta(TenantModel.Meta):
        verbose_name = _("challenge progress")
        verbose_name_plural = _("challenge progress")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "customer", "challenge_key", "period"], name="rewards_progress_period"
            ),
            models.CheckConstraint(
                name="rewards_progress_completed_has_moment",
                condition=models.Q(
                    state__in=[ChallengeState.COMPLETED, ChallengeState.REWARDED],
                    completed_at__isnull=False,
                )
                | models.Q(
                    state__in=[ChallengeState.IN_PROGRESS, ChallengeState.EXPIRED], completed_at__isnull=True
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "challenge_key", "state"], name="rewards_progress_by_state"),
            models.Index(
                fields=["tenant", "ends_at"],
                name="rewards_progress_ending",
                condition=models.Q(state=ChallengeState.IN_PROGRESS, ends_at__isnull=False),
            ),
            models.Index(
                fields=["tenant", "completed_at"],
                name="rewards_progress_unrewarded",
                condition=models.Q(state=ChallengeState.COMPLETED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.challenge_key} {self.value}/{self.target}"
