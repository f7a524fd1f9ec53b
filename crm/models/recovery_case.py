from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.feedback import Feedback
from tenants.models.base import PublicIdModel, TenantForeignKey, TenantModel, public_id_constraint


class RecoveryState(models.TextChoices):
    OPEN = "open", _("Open")
    IN_PROGRESS = "in_progress", _("In progress")
    RESOLVED = "resolved", _("Resolved")


class RecoveryOutcome(models.TextChoices):
    WON_BACK = "won_back", _("Won back")
    ANSWERED = "answered", _("Answered")
    NO_REPLY = "no_reply", _("No reply")
    NOT_NEEDED = "not_needed", _("Nothing was wrong")


class RecoveryCase(PublicIdModel, TenantModel):
    """Somebody unhappy whom support should win back: opened by bad feedback, worked off as a queue."""

    feedback = TenantForeignKey(
        Feedback, models.CASCADE, related_name="recovery_cases", verbose_name=_("feedback")
    )
    state = models.CharField(
        _("state"), max_length=12, choices=RecoveryState.choices, default=RecoveryState.OPEN
    )
    opened_at = models.DateTimeField(_("opened at"))
    taken_by = models.CharField(_("taken by"), max_length=254, blank=True, default="")
    taken_at = models.DateTimeField(_("taken at"), null=True, blank=True)
    outcome = models.CharField(
        _("outcome"), max_length=12, choices=RecoveryOutcome.choices, blank=True, default=""
    )
    note = models.TextField(_("note"), blank=True, default="")
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("recovery case")
        verbose_name_plural = _("recovery cases")
        constraints = [
            public_id_constraint("crm_recovery_case"),
            models.UniqueConstraint(fields=["tenant", "feedback"], name="crm_recovery_case_feedback"),
            models.CheckConstraint(
                name="crm_recovery_case_resolved_has_outcome",
                condition=models.Q(state=RecoveryState.RESOLVED, resolved_at__isnull=False)
                & ~models.Q(outcome="")
                | ~models.Q(state=RecoveryState.RESOLVED) & models.Q(resolved_at__isnull=True, outcome=""),
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "opened_at", "id"],
                name="crm_recovery_case_waiting",
                condition=~models.Q(state=RecoveryState.RESOLVED),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.feedback_id}"
