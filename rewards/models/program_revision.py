from __future__ import annotations

from django.db import models
from django.db.models.functions import MD5, Cast
from django.utils.translation import gettext_lazy as _

from rewards.models.program import Program
from tenants.models.base import TenantForeignKey, TenantModel


class RevisionState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    REHEARSED = "rehearsed", _("Rehearsed")
    IN_REVIEW = "in_review", _("In review")
    CHANGES_REQUESTED = "changes_requested", _("Changes requested")
    APPROVED = "approved", _("Approved")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


_WAS_PUBLISHED = models.Q(state__in=[RevisionState.PUBLISHED, RevisionState.RETIRED])


class ProgramRevision(TenantModel):
    """A numbered version of the program's document; one revision is published.

    `base_number` is the revision that was in force when this one was begun, or that it was brought up to
    since; when another has been published meanwhile, it is not published and an approval does not hold.
    `reviewed_digest` names the document that was approved, as rehearsals name theirs: so the rehearsals of an
    approval are found.
    `document_md5` lets a process that has compiled a document find it without reading it again.
    `brakes` are on while it is in force.
    `submitted_ref` is the kind and id of the actor whose label `submitted_by` was: whoever is renamed stays
    the same.
    """

    program = TenantForeignKey(Program, models.PROTECT, related_name="revisions", verbose_name=_("program"))
    number = models.PositiveIntegerField(_("number"))
    state = models.CharField(
        _("state"), max_length=20, choices=RevisionState.choices, default=RevisionState.DRAFT
    )
    document = models.JSONField(_("document"))
    document_md5 = models.GeneratedField(
        expression=MD5(Cast("document", models.TextField())),
        output_field=models.CharField(max_length=32, db_collation="C"),
        db_persist=True,
        verbose_name=_("checksum of the document"),
    )
    brakes = models.JSONField(_("emergency brakes"), default=list, db_default=[])
    note = models.CharField(_("note"), max_length=500, blank=True, default="")
    base_number = models.PositiveIntegerField(_("based on"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))
    created_by = models.CharField(_("created by"), max_length=200)
    updated_at = models.DateTimeField(_("updated at"))
    submitted_at = models.DateTimeField(_("sent to review at"), null=True, blank=True)
    submitted_by = models.CharField(
        _("sent to review by"), max_length=200, blank=True, default="", db_default=""
    )
    submitted_ref = models.CharField(
        _("who sent it to review"), max_length=40, blank=True, default="", db_default="", db_collation="C"
    )
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True, blank=True)
    reviewed_by = models.CharField(_("reviewed by"), max_length=200, blank=True, default="", db_default="")
    review_comment = models.CharField(
        _("comment of the review"), max_length=1000, blank=True, default="", db_default=""
    )
    reviewed_digest = models.CharField(
        _("digest of the reviewed document"), max_length=64, blank=True, default="", db_default="",
        db_collation="C",
    )  # fmt: skip
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
                condition=(_WAS_PUBLISHED & models.Q(published_at__isnull=False))
                | (~_WAS_PUBLISHED & models.Q(published_at__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"

    def is_based_on(self, in_force: ProgramRevision | None) -> bool:
        """Whether nothing was published since it was begun, or brought up to date."""
        return bool(self.base_number == (in_force.number if in_force else None))
