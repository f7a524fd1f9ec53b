from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customer import Customer
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class CandidateState(models.TextChoices):
    OPEN = "open", _("To review")
    DISMISSED = "dismissed", _("Not the same")
    MERGED = "merged", _("Merged")


class DuplicateCandidate(PublicIdModel, TenantModel):
    """Two customers who may be one person, with how likely it is (0 to 1) and why."""

    first = TenantForeignKey(Customer, models.CASCADE, related_name="+", verbose_name=_("first customer"))
    second = TenantForeignKey(Customer, models.CASCADE, related_name="+", verbose_name=_("second customer"))
    score = models.FloatField(_("score"))
    reasons = models.JSONField(_("reasons"), default=list)
    state = models.CharField(
        _("state"), max_length=10, choices=CandidateState.choices, default=CandidateState.OPEN
    )
    found_at = models.DateTimeField(_("found at"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=254, blank=True, default="")

    class Meta(TenantModel.Meta):
        verbose_name = _("duplicate candidate")
        verbose_name_plural = _("duplicate candidates")
        constraints = [
            public_id_constraint("crm_duplicate_candidate"),
            models.UniqueConstraint(
                fields=["tenant", "first", "second"], name="crm_duplicate_candidate_pair"
            ),
            models.CheckConstraint(
                name="crm_duplicate_candidate_order", condition=models.Q(first__lt=models.F("second"))
            ),
            models.CheckConstraint(
                name="crm_duplicate_candidate_score", condition=models.Q(score__gte=0, score__lte=1)
            ),
        ]
        indexes = [
            models.Index(
                "tenant",
                "state",
                models.F("score").desc(),
                models.F("id").desc(),
                name="crm_duplicate_by_score",
            ),
            models.Index(fields=["tenant", "second"], name="crm_duplicate_by_second"),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} = {self.second_id}?"
