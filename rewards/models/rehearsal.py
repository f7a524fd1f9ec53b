from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from rewards.models.program_revision import ProgramRevision
from tenants.models.base import TenantForeignKey, TenantModel


class Rehearsal(TenantModel):
    """What a revision would have done with the real events of some days, beside what really happened.

    `digest` names the document that was rehearsed: after an edit the result stays, but counts no more.
    """

    revision = TenantForeignKey(
        ProgramRevision, models.PROTECT, related_name="rehearsals", verbose_name=_("program revision")
    )
    digest = models.CharField(_("digest of the document"), max_length=64, db_collation="C")
    days = models.PositiveIntegerField(_("days"))
    until = models.DateTimeField(_("until"))
    result = models.JSONField(_("result"))
    rehearsed_at = models.DateTimeField(_("rehearsed at"))
    rehearsed_by = models.CharField(_("rehearsed by"), max_length=200)

    class Meta(TenantModel.Meta):
        verbose_name = _("rehearsal")
        verbose_name_plural = _("rehearsals")
        indexes = [
            models.Index(
                "tenant", "revision", models.F("rehearsed_at").desc(), name="rewards_rehearsal_latest"
            )
        ]

    def __str__(self) -> str:
        return f"{self.revision_id} ({self.days})"
