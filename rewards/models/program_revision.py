from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from rewards.models.program import Program
from tenants.models.base import TenantForeignKey, TenantModel


class RevisionState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


class ProgramRevision(TenantModel):
    """A numbered version of the program's document. Only drafts change; one revision is published."""

    program = TenantForeignKey(Program, models.PROTECT, related_name="revisions", verbose_name=_("program"))
    number = models.PositiveIntegerField(_("number"))
    state = models.CharField(
        _("state"), max_length=10, choices=RevisionState.choices, default=RevisionState.DRAFT
    )
    document = models.JSONField(_("document"))
    note = models.CharField(_("note"), max_length=500, blank=True, default="")
    created_at = models.DateTimeField(_("created at"))
    created_by = models.CharField(_("created by"), max_length=200)
    updated_at = models.DateTimeField(_("updated at"))
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)
    published_by = models.CharField(_("published by"), max_length=200, blank=True, default="")
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("program revision")
        verbose_name_plural = _("program revisions")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "program", "number"], name="rewards_revision_number"),
            models.UniqueConstraint(
                fields=["tenant"],
                name="rewards_revision_one_published",
                condition=models.Q(state=RevisionState.PUBLISHED),
            ),
            models.CheckConstraint(
                name="rewards_revision_published_has_moment",
                condition=models.Q(state=RevisionState.DRAFT, published_at__isnull=True)
                | (~models.Q(state=RevisionState.DRAFT) & models.Q(published_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"
